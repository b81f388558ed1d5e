"""A name that nobody binds, because the tuple that it is a part of was never unpacked: `out = self.lstm(x)`, and then `hidden`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Edit
from snipfix.rules.written import built, forward_of

__all__ = ["unbound", "unpacked"]

STATES = ("h", "hidden", "hn", "h_n", "state", "states", "hidden_state", "last_hidden")
CELLS = ("c", "cell", "cn", "c_n", "cell_state")
PAIRS = ("RNN", "GRU")


def unpacked(code: Code, name: ast.Name) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    """The target that an earlier assignment of the function should have, so that it binds the name, and the edits for it; nearest first."""
    home = _function_of(code, name)
    made = [
        node
        for node in code.all(ast.Assign, home)
        if node.lineno < name.lineno and _function_of(code, node) is home and _first(node.targets[0]) and isinstance(node.value, ast.Call)
    ]
    for node in reversed(made):
        assert isinstance(node.value, ast.Call)
        first = _first(node.targets[0])
        target = _returned(code, node.value, first, name.id) or _of_layer(code, node.value, first, name.id)
        if target:
            yield f"`{name.id}` as well: `{target}`", replace_expression(code, node.targets[0], target)


def _first(target: ast.expr) -> str:
    """The name that a target binds, or the only one beside `_`."""
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    names = [part.id for part in parts if isinstance(part, ast.Name) and part.id != "_"]
    return names[0] if len(names) == 1 and all(isinstance(part, ast.Name) for part in parts) else ""


def _function_of(code: Code, node: ast.AST) -> ast.AST:
    return code.around(node, ast.FunctionDef, ast.Lambda) or code.tree


def _returned(code: Code, call: ast.Call, target: str, name: str) -> str:
    """The names that the text's own function returns together, where the wanted one is among them under its own name."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
    function = next((one for one in code.all(ast.FunctionDef) if one.name == called), None) or _forward_behind(code, call)
    for given in code.all(ast.Return, function) if function is not None else ():
        if isinstance(given.value, ast.Tuple) and all(isinstance(one, ast.Name | ast.Call) for one in given.value.elts):
            names = [one.id if isinstance(one, ast.Name) else "" for one in given.value.elts]
            if target in names and name in names and all(names):
                return ", ".join(names)
            if names.count("") == len(names) == 2:  # `return self.mean(h), self.logvar(h)`
                parts = [_own_name(one) for one in given.value.elts]
                return f"{target}, {name}" if _fits(parts, target, name) else ""
    return ""


def _forward_behind(code: Code, call: ast.Call) -> ast.FunctionDef | None:
    """The forward() of the text's own class that `self.part` is made of."""
    owner = code.around(call, ast.ClassDef)
    here = (
        [one.value for one in code.all(ast.Assign, owner) if ast.unparse(one.targets[0]) == ast.unparse(call.func)]
        if owner is not None
        else []
    )
    made = here[0] if len(here) == 1 and isinstance(here[0], ast.Call) else built(code, ast.unparse(call.func))
    kinds = code.all(ast.ClassDef) if made is not None else ()
    return forward_of(next((one for one in kinds if made is not None and one.name == _own_name(made)), None))


def _own_name(node: ast.expr) -> str:
    func = node.func if isinstance(node, ast.Call) else node
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _fits(parts: list[str], first: str, second: str) -> bool:
    """Whether layers are named like what they give, or are numbered alike: then order tells."""
    numbered = all(part[-1:].isdigit() for part in parts) and parts[0].rstrip("0123456789") == parts[1].rstrip("0123456789")
    return numbered or (first in parts[0] and second in parts[1])


def _of_layer(code: Code, call: ast.Call, target: str, name: str) -> str:
    """`out, hidden` of a recurrent layer that the class builds; `out, (hidden, _)` of an LSTM; `out, weights` of an attention."""
    if not isinstance(call.func, ast.Attribute) or not (name in STATES + CELLS or "weight" in name):
        return ""
    wanted = ast.unparse(call.func)
    for maker in code.all(ast.Assign):
        for place, value in _pairs(maker):
            kind = _own_name(value) if isinstance(value, ast.Call) else ""
            if ast.unparse(place) == wanted and kind == "LSTM":
                free = unbound(code, call)
                hidden, cell = (next((one for one in names if one == name or one in free), "_") for names in (STATES, CELLS))
                return f"{target}, ({hidden}, {cell})"
            if ast.unparse(place) == wanted and ((kind in PAIRS and name in STATES) or (kind == "MultiheadAttention" and "weight" in name)):
                return f"{target}, {name}"
    return ""


def unbound(code: Code, call: ast.AST) -> set[str]:
    """The names that the function around a call reads and never binds."""
    home = _function_of(code, call)
    names = list(code.all(ast.Name, home))
    return {one.id for one in names if isinstance(one.ctx, ast.Load)} - {one.id for one in names if isinstance(one.ctx, ast.Store)}


def _pairs(built: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    target = built.targets[0]
    if isinstance(target, ast.Tuple) and isinstance(built.value, ast.Tuple):
        yield from zip(target.elts, built.value.elts, strict=False)
    else:
        yield target, built.value

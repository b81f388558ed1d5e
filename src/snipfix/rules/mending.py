"""Where a wrong value can be put right: at its birth, before it is used, or where it is passed. Offers for all of these, best first."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.codemods import (
    add_keyword,
    insert_statement_after,
    insert_statement_before,
    rename_attribute,
    replace_expression,
    wrap_expression,
)
from snipfix.model import Edit, Meaning
from snipfix.rules.diagnosis import Crash, Offer
from snipfix.rules.observed import called

DEVICE_NAMED = re.compile(r"^(\w*device\w*)\s*=(?!=).*cuda", re.MULTILINE)

__all__ = [
    "flattened_maps",
    "keyword",
    "named_before",
    "operand",
    "operands",
    "origin",
    "passed",
    "rejoined",
    "state_of",
    "used_after",
    "value_offers",
    "wrapped",
]


def keyword(call: ast.Call | None, name: str) -> ast.expr | None:
    """The value of a keyword argument."""
    return next((one.value for one in call.keywords if one.arg == name), None) if call else None


def passed(crash: Crash, position: int, *names: str) -> ast.expr | None:
    """The expression that the failing call was given, by position or keyword. A method's own tensor is position 0: `x.view(2)` → x."""
    call = crash.call
    if call is None:
        return None
    for name in names:
        found = keyword(call, name)
        if found is not None:
            return found
    given = list(call.args)
    if isinstance(call.func, ast.Attribute) and crash.operation.name.startswith("Tensor."):
        given.insert(0, call.func.value)
    return given[position] if position < len(given) and not isinstance(given[position], ast.Starred) else None


def operands(crash: Crash) -> tuple[ast.expr, ast.expr] | None:
    """The two operands of the failing operation: `a @ b`, `a += b`, `a.mul(b)`, `torch.bmm(a, b)`."""
    if isinstance(crash.statement, ast.AugAssign) and crash.code.span(crash.statement) == crash.span:
        return crash.statement.target, crash.statement.value
    node = crash.node
    if isinstance(node, ast.BinOp):
        return node.left, node.right
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        return node.left, node.comparators[0]
    first, second = passed(crash, 0, "input"), passed(crash, 1, "other", "mat2", "target")
    return (first, second) if first is not None and second is not None else None


def operand(crash: Crash, position: int) -> ast.expr | None:
    both = operands(crash)
    return both[position] if both else None


def origin(crash: Crash, node: ast.expr | None) -> ast.expr | None:
    """Where a value comes from, followed through parameters to the outermost call that passed it on."""
    level = len(crash.frames) - 1
    while isinstance(node, ast.Name) and level > 0:
        function = crash.function_of(node)
        if not isinstance(function, ast.FunctionDef) or crash.births(node):
            break
        caller = crash.code.node_at(crash.frames[level - 1].span, ast.Call)
        outer = _given_for(function, caller, node.id, is_method=bool(crash.frames[level].owner)) if isinstance(caller, ast.Call) else None
        if outer is None:
            break
        node, level = outer, level - 1
    return node


def _given_for(function: ast.FunctionDef, call: ast.Call, name: str, *, is_method: bool) -> ast.expr | None:
    found = keyword(call, name)
    names = [arg.arg for arg in function.args.args][1 if is_method else 0 :]
    if found is not None or name not in names:
        return found
    position = names.index(name)
    given = call.args[: position + 1]
    return given[position] if position < len(given) and not any(isinstance(one, ast.Starred) for one in given) else None


def state_of(crash: Crash, name: ast.Name) -> str:
    """Whether a name is h in `out, h = self.rnn(x)` or `out, (h, c) = ...`: `one` or `both` directions of the layer; empty for anything else."""
    home, owner = crash.function_of(name), crash.class_of(name)
    for node in crash.code.all(ast.Assign):
        if crash.function_of(node) is home and isinstance(node.value, ast.Call) and _state(node.targets[0]) == name.id:
            layer = ast.unparse(node.value.func)
            made = [one.value for one in crash.code.all(ast.Assign, owner) if ast.unparse(one.targets[0]) == layer]
            both = [keyword(one, "bidirectional") for one in made if isinstance(one, ast.Call)]
            return "both" if any(one is not None and ast.unparse(one) != "False" for one in both) else "one"
    return ""


def _state(target: ast.expr) -> str:
    """The name of h in `out, h = ...` and `out, (h, c) = ...`; empty for another target."""
    second = target.elts[1] if isinstance(target, ast.Tuple) and len(target.elts) == 2 else None
    if isinstance(second, ast.Tuple) and len(second.elts) == 2:
        second = second.elts[0]
    return second.id if isinstance(second, ast.Name) else ""


def rejoined(crash: Crash) -> Iterator[Offer]:
    """Tensors joined along another dimension: a wrong one shows only where the joined tensor is used."""
    for call in (node for node in crash.code.all(ast.Call)):
        name = ast.unparse(call.func).rpartition(".")[2]
        dim = keyword(call, "dim") or (call.args[1] if len(call.args) > 1 else None)
        if name in ("cat", "concat") and dim is None and len(call.args) == 1:
            yield Offer("Join along the last dimension", add_keyword(crash.code, call, "dim", "-1"))
        if name in ("cat", "concat") and dim is not None:
            for other in ("1", "-1", "0"):
                if ast.unparse(dim) != other:
                    yield Offer(f"Join along dimension {other}", replace_expression(crash.code, dim, other))


def flattened_maps(crash: Crash) -> Iterator[Offer]:
    """The maps of a convolution that are exchanged with its channels as they are, `self.proj(x).transpose(1, 2)`: flattened first."""
    outcome = crash.context.outcome
    maps = {
        call.span
        for call in (outcome.calls if outcome else ())
        if call.module.type == "Conv2d" and call.output and len(call.output.shape or ()) == 4
    }
    for call in crash.code.calls("transpose", "permute"):
        inner = call.func.value if isinstance(call.func, ast.Attribute) else None
        if isinstance(inner, ast.Call) and crash.code.span(inner) in maps and len(call.args) in (2, 3):
            yield Offer("Flatten the maps first", wrap_expression(crash.code, inner, "{}.flatten(2)"))


def used_after(crash: Crash, name: ast.Name) -> bool:
    """Whether a name is read again in its function after the statement it stands in."""
    home, statement = crash.function_of(name), crash.statement_of(name.lineno)
    end = (statement.end_lineno or statement.lineno) if statement else name.lineno
    return any(
        isinstance(node, ast.Name) and node.id == name.id and node.lineno > end and crash.function_of(node) is home
        for node in crash.code.nodes
    )


def wrapped(crash: Crash, node: ast.expr | None, template: str, title: str, meaning: Meaning = Meaning.RESTORES) -> Iterator[Offer]:
    """The expression in a template, where it stands."""
    if node is None:
        return
    birth = crash.born(node) if isinstance(node, ast.Name) else None
    for made in (node, birth.value) if birth is not None else (node,):
        before = _before(made, template)
        if before is not None:
            yield Offer(title, replace_expression(crash.code, made, crash.text(before)), meaning)
    yield Offer(title, wrap_expression(crash.code, node, template), meaning)


UNDONE = {
    "{}.squeeze(1)": (".unsqueeze(1)", ".unsqueeze(dim=1)", ".unsqueeze(-1)"),
    "{}.unsqueeze(1)": (".squeeze(1)", ".squeeze(dim=1)", ".squeeze(-1)", ".squeeze()"),
    "{}.t()": (".t()", ".T", ".transpose(0, 1)", ".transpose(1, 0)"),
    "{}.transpose(-2, -1)": (".transpose(-2, -1)", ".transpose(-1, -2)", ".transpose(1, 2)", ".transpose(2, 1)", ".mT"),
    "{}.transpose(1, 2)": (".transpose(1, 2)", ".transpose(2, 1)", ".permute(0, 2, 1)"),
    "{}.permute(0, 3, 1, 2)": (".permute(0, 2, 3, 1)",),
}
"""What the author wrote that a template would only take back."""


def _before(made: ast.expr, template: str) -> ast.expr | None:
    """The value before a step that the template would only take back: `W` of `W.t()` for `{}.t()`."""
    step = made.func if isinstance(made, ast.Call) else made
    if not isinstance(step, ast.Attribute):
        return None
    opened = isinstance(step.value, ast.BinOp | ast.BoolOp | ast.Compare | ast.UnaryOp)  # stands in parentheses: `(a == b).t()`
    written = ast.unparse(made)[len(ast.unparse(step.value)) + 2 * opened :]
    return step.value if written in UNDONE.get(template, ()) else None


def _rebound(crash: Crash, name: ast.Name, template: str) -> tuple[Edit, ...]:
    """`x = x.float()` right after the statement that gave the name its value, or before its use: outside of every loop that does not bind it."""
    code, text = crash.code, f"{name.id} = {template.replace('{}', name.id)}"
    givers = [one for one in crash.binders(name) if (one.end_lineno or one.lineno) < name.lineno]
    if givers and not isinstance(givers[-1], ast.For | ast.While | ast.With):
        return insert_statement_after(code, givers[-1].lineno, text)
    place: ast.AST = name
    for up in code.ancestors(name):
        if up is crash.function_of(name):
            break
        if isinstance(up, ast.For | ast.While):
            if any(isinstance(one, ast.Name) and one.id == name.id and isinstance(one.ctx, ast.Store) for one in ast.walk(up)):
                break
            place = up
    return insert_statement_before(code, place.lineno, text)  # type: ignore[attr-defined]


def _of_comprehension(crash: Crash, name: ast.Name) -> bool:
    """Whether a comprehension around a name binds it: no statement can bind it anew."""
    around = [up for up in crash.code.ancestors(name) if isinstance(up, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)]
    targets = [one for up in around for generator in up.generators for one in ast.walk(generator.target)]
    return any(isinstance(one, ast.Name) and one.id == name.id for one in targets)


def value_offers(
    crash: Crash, node: ast.expr | None, template: str, title: str, *, meaning: Meaning = Meaning.RESTORES, here: bool = False
) -> Iterator[Offer]:
    """Offers that put a value into a template (`{}.float()`): where it was born, before its use, where it is passed; `here` first of all when asked."""
    if node is None:
        return
    outer = origin(crash, node) or node
    if here:
        yield from wrapped(crash, node, template, title, meaning)
    if isinstance(outer, ast.Name):
        birth = crash.born(outer)
        if birth is not None and len(birth.targets) == 1 and isinstance(birth.targets[0], ast.Name):
            made = birth.value
            whole = template == "{}.float()" and isinstance(made, ast.Call) and called(made) in ("long", "int") and not made.args
            if whole and isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute):
                yield Offer(title, replace_expression(crash.code, made, template.format(crash.text(made.func.value))), meaning)
            elif template == "{}.float()" and isinstance(made, ast.Call) and keyword(made, "requires_grad") is not None:
                # Of a tensor that is computed from it, the optimizer and `.grad` would know nothing.
                torch = crash.text(made.func).rpartition(".")[0] or "torch"
                yield Offer(title, add_keyword(crash.code, made, "dtype", f"{torch}.float32"), meaning)
            else:
                if edits := _typed(crash, made, template):
                    yield Offer(title, edits, meaning)
                yield from wrapped(crash, birth.value, template, title, meaning)
        elif not _of_comprehension(crash, outer):
            yield Offer(title, _rebound(crash, outer, template), meaning)
    yield from wrapped(crash, outer, template, title, meaning)
    yield from wrapped(crash, node, template, title, meaning)


def _typed(crash: Crash, made: ast.expr, template: str) -> tuple[Edit, ...]:
    """A type given where a tensor is made: `torch.zeros(2, 3, dtype=torch.long)` for `torch.zeros(2, 3)` and `.long()`. What is written
    as another type is written anew; nothing for what is made in another way."""
    kind = {"{}.float()": "float", "{}.long()": "long"}.get(template)
    if kind is None or not isinstance(made, ast.Call) or called(made) not in FILLED or not crash.text(made.func).startswith("torch."):
        return ()
    written = keyword(made, "dtype")
    if isinstance(written, ast.Attribute):
        sized = written.attr in ("int64", "int32", "float32", "float64")
        return rename_attribute(crash.code, written, {"float": "float32", "long": "int64"}[kind] if sized else kind)
    return add_keyword(crash.code, made, "dtype", f"torch.{kind}") if written is None and kind == "long" else ()


FILLED = ("zeros", "ones", "full", "empty")


def named_before(crash: Crash) -> str:
    """The name that an earlier block of the document has for its device; empty when none has."""
    found = (DEVICE_NAMED.search(block.code) for block in reversed(crash.context.snippet.before))
    return next((match[1] for match in found if match), "")

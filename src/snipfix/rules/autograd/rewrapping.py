"""Undoing what cut a loss from its history: `torch.tensor(loss.item(), requires_grad=True)`, `loss.detach()` and their like."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from snipfix.code import Code
from snipfix.codemods import CodemodError, joined, remove_statement, replace_expression
from snipfix.evidence import Span
from snipfix.model import Edit
from snipfix.rules.base import Context
from snipfix.rules.observed import called

__all__ = ["cuts", "joined_again"]

MAKERS = frozenset({"tensor", "as_tensor", "Tensor", "FloatTensor", "Variable", "Parameter", "float", "from_numpy"})
CUTS = frozenset({"item", "detach", "clone", "cpu", "numpy", "requires_grad_", "tolist", "detach_"})
DEPTH = 12
TO_NUMPY = re.compile(r"(?:\.detach\(\)|\.data)?(?:\.cpu\(\))?\.numpy\(\)")
NUMPY = re.compile(r"\b(?:np|numpy)\.(mean|sum|square|abs|log|exp|sqrt|maximum|minimum|log1p|tanh)\(")
"""Functions that torch has under the same name."""


def joined_again(context: Context, backward: Span) -> tuple[Edit, ...]:
    """The edits that leave out every re-wrapping of the tensor that `backward` is called on; () when there is none in the text."""
    code = context.code
    root = _root(code.node_at(backward, ast.Call))
    if root is None:
        return ()
    edits: list[tuple[Edit, ...]] = []
    if not isinstance(root, ast.Name):
        return replace_expression(code, root, text) if (text := _in_torch(_unwrapped(code, root))) else ()
    for statement in _statements(code, root):
        try:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                text = _in_torch(_unwrapped(code, statement.value))
                if text == root.id:
                    edits.append(remove_statement(code, statement.lineno))
                elif text:
                    edits.append(replace_expression(code, statement.value, text))
            elif _asks(statement, root.id):
                edits.append(remove_statement(code, statement.lineno))
        except CodemodError:
            return ()
    return joined(*edits)


def cuts(code: Code, modules: Collection[str]) -> Iterator[tuple[ast.expr, str]]:
    """The outermost expressions that cut what one of these modules gives from its history, each with the text of what it stands around."""
    inner = set[ast.AST]()
    for node in code.nodes:  # parents before children
        if not isinstance(node, ast.Call | ast.Attribute) or _inside(code, node) is None:
            continue
        wrapped = _innermost(code, node)
        if node not in inner and _given_by(code, wrapped, modules):
            yield node, code.slice(wrapped)
        inner.update(ast.walk(node))


def _given_by(code: Code, node: ast.expr, modules: Collection[str]) -> bool:
    """Whether an expression calls one of the modules, or reads a name that is given what such a call gives."""
    names = [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
    values = [node, *(value for name in names for _, value, _ in code.given.get(name, ()))]
    return any(called(one) in modules for value in values for one in ast.walk(value))


def _root(call: ast.AST | None) -> ast.expr | None:
    """`loss` of `loss.backward()` and of `torch.autograd.backward(loss)`."""
    if not isinstance(call, ast.Call) or called(call) != "backward" or not isinstance(call.func, ast.Attribute):
        return None
    return call.args[0] if ast.unparse(call.func.value) == "torch.autograd" and call.args else call.func.value


def _home(code: Code, node: ast.AST) -> ast.AST:
    return code.around(node, ast.FunctionDef) or code.tree


def _statements(code: Code, name: ast.Name) -> list[ast.stmt]:
    """The statements before it, in the same function, that give the name a tensor or ask that tensor for a gradient."""
    home = _home(code, name)
    return [
        one
        for one in code.nodes
        if isinstance(one, ast.stmt) and one.lineno <= name.lineno and _home(code, one) is home
        and ((isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == name.id and len(one.targets) == 1) or _asks(one, name.id))
    ]  # fmt: skip


def _asks(statement: ast.stmt, name: str) -> bool:
    """Whether it is `loss.requires_grad = True`, `loss.requires_grad_()` or `loss.detach_()`."""
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0]) == f"{name}.requires_grad"
    return isinstance(statement, ast.Expr) and ast.unparse(statement.value).startswith((f"{name}.requires_grad_(", f"{name}.detach_("))


def _unwrapped(code: Code, value: ast.expr) -> str:
    """The text of the tensor that was wrapped or cut; empty when the value is no such expression."""
    inner = _innermost(code, value)
    return code.slice(inner) if inner is not value else ""


def _in_torch(text: str) -> str:
    """What was computed with numpy, computed with torch; empty where it uses what torch has under another name."""
    if "numpy" not in text and "np." not in text:
        return text
    kept = NUMPY.sub(r"torch.\1(", TO_NUMPY.sub("", text))
    return "" if "numpy" in kept or re.search(r"\bnp\.", kept) else kept


def _innermost(code: Code, value: ast.expr) -> ast.expr:
    """What stands within all wrapping and cutting; the value itself where there is none."""
    inner = value
    for _ in range(DEPTH):
        further = _inside(code, inner)
        if further is None:
            break
        inner = further
    return inner


def _inside(code: Code, node: ast.expr) -> ast.expr | None:
    """What one layer of wrapping or cutting stands around; a name of a cut value leads to where it was cut."""
    if isinstance(node, ast.Call) and called(node) in MAKERS and len(node.args) >= 1:
        return node.args[0]
    if isinstance(node, ast.Call) and called(node) in CUTS and isinstance(node.func, ast.Attribute):
        return node.func.value
    if isinstance(node, ast.Attribute) and node.attr == "data":
        return node.value
    if isinstance(node, ast.List) and len(node.elts) == 1:
        return node.elts[0]
    if isinstance(node, ast.Name):
        born = [one for one in code.all(ast.Assign) if ast.unparse(one.targets[0]) == node.id]
        cut = born[0].value if len(born) == 1 and _home(code, born[0]) is _home(code, node) else None
        return cut if cut is not None and _inside_call(cut) else None
    return None


def _inside_call(value: ast.expr) -> bool:
    return (isinstance(value, ast.Call) and called(value) in CUTS | {"float"}) or (
        isinstance(value, ast.Attribute) and value.attr == "data"
    )

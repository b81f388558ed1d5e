"""Edits that several rules for observed behaviour share, built from codemods."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Sequence

from snipfix.code import Code
from snipfix.codemods import CodemodError, remove_argument, remove_statement, replace_expression
from snipfix.evidence import Span
from snipfix.model import Edit
from snipfix.rules.observed import called

__all__ = ["applied_to", "drop_layer", "in_place", "in_strings", "rename_callee", "run_from", "statement_of", "unwrap", "without_recording"]

MODULES = frozenset({"F", "torch", "nn", "functional", "self", "torch.nn.functional", "nn.functional"})
ONE_TENSOR = frozenset({"softmax", "log_softmax", "sigmoid", "relu", "tanh", "log"})


def statement_of(code: Code, node: ast.AST) -> ast.stmt | None:
    """The statement that a node stands in."""
    return node if isinstance(node, ast.stmt) else next((up for up in code.ancestors(node) if isinstance(up, ast.stmt)), None)


def in_strings(inside: ast.AST) -> set[int]:
    """The lines that begin within a string of several lines: a blank put in front of one would be put into the string."""
    strings = [one for one in ast.walk(inside) if isinstance(one, ast.Constant | ast.JoinedStr) and isinstance(one, ast.expr)]
    return {number for one in strings for number in range(one.lineno + 1, (one.end_lineno or one.lineno) + 1)}


def applied_to(call: ast.Call) -> ast.expr | None:
    """What a function of one tensor works on: its first argument, or the receiver of `x.softmax(1)`."""
    if isinstance(call.func, ast.Attribute) and called(call) in ONE_TENSOR and ast.unparse(call.func.value) not in MODULES:
        return call.func.value
    if call.args and not isinstance(call.args[0], ast.Starred):
        return call.args[0]
    return next((one.value for one in call.keywords if one.arg == "input"), None)


def unwrap(code: Code, call: ast.Call) -> tuple[Edit, ...]:
    """`f(x)` and `x.f()` become `x`; a statement `x = f(x)` goes."""
    inner = applied_to(call)
    if inner is None:
        return ()
    statement = statement_of(code, call)
    alone = isinstance(statement, ast.Assign) and statement.value is call and len(statement.targets) == 1
    if isinstance(statement, ast.Assign) and alone and ast.unparse(statement.targets[0]) == ast.unparse(inner):
        try:
            return remove_statement(code, statement.lineno)
        except CodemodError:
            pass
    return replace_expression(code, call, code.slice(inner))


def drop_layer(code: Code, built: Span) -> tuple[Edit, ...]:
    """Take a layer out of the arguments of `nn.Sequential(...)` or out of a list; () when it stands elsewhere."""
    node = code.node_at(built, ast.Call)
    if not isinstance(node, ast.Call) or code.span(node) != built:
        return ()
    parent = code.parents.get(node)
    if isinstance(parent, ast.Call) and node in parent.args and len(parent.args) > 1:
        return remove_argument(code, parent, parent.args.index(node))
    if isinstance(parent, ast.List) and len(parent.elts) > 1:
        at = parent.elts.index(node)
        start = code.range(code.span(parent.elts[at - 1]))[1] if at else code.range(built)[0]
        end = code.range(built)[1] if at else code.range(code.span(parent.elts[1]))[0]
        return (Edit(start, end, ""),)
    return ()


def rename_callee(code: Code, call: ast.Call, name: str) -> tuple[Edit, ...]:
    """Call another function of the same module: `nn.NLLLoss(...)` becomes `nn.CrossEntropyLoss(...)`."""
    end = code.range(code.span(call.func))[1]
    return (Edit(end - len(called(call)), end, name),)


def run_from(code: Code, statement: ast.stmt, belongs: Callable[[ast.stmt], bool]) -> list[ast.stmt]:
    """A statement and those right behind it, line by line, that belong to it."""
    block = code.block_of(statement) or [statement]
    found = [statement]
    for one in block[block.index(statement) + 1 :]:
        if one.lineno != (found[-1].end_lineno or 0) + 1 or not belongs(one):
            break
        found.append(one)
    return found


def in_place(code: Code, node: ast.stmt) -> str:
    """`w -= lr * w.grad` for `w = w - lr * w.grad`; empty for anything else."""
    value = node.value if isinstance(node, ast.Assign) else None
    if not isinstance(node, ast.Assign) or not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Sub | ast.Add):
        return ""
    name = ast.unparse(node.targets[0])
    sign = "-" if isinstance(value.op, ast.Sub) else "+"
    return f"{name} {sign}= {code.slice(value.right)}" if ast.unparse(value.left) == name else ""


def without_recording(code: Code, statements: Sequence[tuple[ast.stmt, str]]) -> tuple[Edit, ...]:
    """Statements of one run, each as its new text, in a block of `torch.no_grad()`; what stands behind them on their lines stays."""
    edits, first = [], statements[0][0]
    indent = code.lines[first.lineno - 1][: first.col_offset]
    for one, text in statements:
        head = f"{indent}with torch.no_grad():\n" if one is first else ""
        start, end = code.offset(one.lineno, 1), code.range(code.span(one))[1]
        edits.append(Edit(start, end, head + textwrap.indent(text, f"{indent}    ")))
    return tuple(edits)

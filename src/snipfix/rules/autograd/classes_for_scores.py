"""Losses computed from classes: the scores that the classes were chosen by, which have gradients, in their place."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from snipfix.code import Code, written
from snipfix.codemods import add_import, joined, replace_expression
from snipfix.model import Edit
from snipfix.rules.edits import rename_callee
from snipfix.rules.observed import called
from snipfix.rules.written import LOSS_CLASSES, LOSS_FUNCTIONS, built, criteria, losses, reshaped, result_of, value_of

__all__ = ["fed_with_scores", "from_scores"]

OF_NUMBERS = frozenset("MSELoss L1Loss SmoothL1Loss mse_loss l1_loss smooth_l1_loss".split())
"""Losses of numbers, which classes are none of."""


def from_scores(code: Code, loss: ast.expr, history: Sequence[ast.AST]) -> Iterator[tuple[Edit, ...]]:
    """Ways to compute a loss from scores. `history`: the expressions that it was computed from."""
    for call in losses(code, LOSS_CLASSES, LOSS_FUNCTIONS):
        if call in history:
            yield from fed_with_scores(code, call)
    given = value_of(code, loss) if isinstance(loss, ast.Name) else None
    if given is None or given[1] is not None:
        return
    computed = _computed_by(code, given[0])
    for node in history if computed is given[0] else _behind(code, computed):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = (node.left, node.comparators[0])
            for classes, target in (sides, sides[::-1]):
                if (scores := _scores(code, classes)) is not None:
                    yield _cross_entropy(code, computed, scores, target)


def _computed_by(code: Code, loss: ast.expr) -> ast.expr:
    """What a function of the text gives back, where a loss is a call of one with a single `return`; else the loss itself."""
    made = [one for one in code.all(ast.FunctionDef) if one.name == called(loss)] if isinstance(loss, ast.Call) else []
    returns = [one.value for one in code.all(ast.Return, made[0])] if len(made) == 1 else []
    return returns[0] if len(returns) == 1 and returns[0] is not None else loss


def _behind(code: Code, node: ast.expr) -> list[ast.AST]:
    """The expressions that one is computed from, through the names of its function."""
    found, todo = list[ast.AST](), [node]
    while todo and len(found) < 100:
        for one in ast.walk(todo.pop()):
            if one not in found:
                found.append(one)
                given = value_of(code, one) if isinstance(one, ast.Name) else None
                todo += [given[0]] if given is not None else []
    return found


def fed_with_scores(code: Code, call: ast.Call) -> Iterator[tuple[Edit, ...]]:
    """The scores where a loss is given classes, and the loss over classes for one of numbers; `out` for `(out > 0.5).float()`. A model that gives back
    classes gives back their scores."""
    scores, target = _scores(code, call.args[0]), call.args[1]
    node, part = _named(code, call.args[0])
    returned = result_of(code, node, part) if scores is None and isinstance(node, ast.Call) else None
    if returned is not None and (inner := _scores(code, returned)) is not None:
        yield replace_expression(code, returned, code.slice(inner))
    if scores is None:
        numbers = _before_rounding(code, call.args[0])
        if numbers is not None:
            yield replace_expression(code, call.args[0], code.slice(numbers))
        return
    edits = [replace_expression(code, call.args[0], code.slice(scores)), replace_expression(code, target, code.slice(_counted(target)))]
    maker = call.func if isinstance(call.func, ast.Call) else built(code, written(call.func))
    if called(call) in OF_NUMBERS:
        edits.append(rename_callee(code, call, "cross_entropy"))
    elif isinstance(maker, ast.Call) and called(maker) in OF_NUMBERS:
        edits.append(rename_callee(code, maker, "CrossEntropyLoss"))
    yield joined(*edits)


def _counted(target: ast.expr) -> ast.expr:
    """The class numbers without what made other numbers of them: `y` for `y.float()`."""
    while isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute) and called(target) in ("float", "double"):
        target = target.func.value
    return target


def _cross_entropy(code: Code, loss: ast.expr, scores: ast.expr, target: ast.expr) -> tuple[Edit, ...]:
    """The cross-entropy of the scores in place of a loss, by the criterion of the text where it has one."""
    known = sorted(criteria(code, frozenset({"CrossEntropyLoss"})))
    loose = any(isinstance(one, ast.Name) and one.id == "nn" for one in code.nodes)
    name = known[0] if known else "nn.functional.cross_entropy" if loose else "F.cross_entropy"
    edits = replace_expression(code, loss, f"{name}({code.slice(scores)}, {code.slice(_counted(target))})")
    return edits if known or loose else joined(edits, add_import(code, "torch.nn.functional", None, "F"))


def _scores(code: Code, classes: ast.expr) -> ast.expr | None:
    """What classes are the largest of: `out` for `out.argmax(1)`, `torch.max(out, 1)[1]` and a name for one of these."""
    node, part = _named(code, classes)
    second = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == 1
    if isinstance(node, ast.Subscript | ast.Attribute) and (second or (isinstance(node, ast.Attribute) and node.attr == "indices")):
        node, part = node.value, 1
    if not isinstance(node, ast.Call) or not (called(node) == "argmax" or (called(node) == "max" and part == 1)):
        return None
    scores = _subject(node)
    if isinstance(scores, ast.Attribute) and scores.attr == "data":
        scores = scores.value
    while isinstance(scores, ast.Call) and isinstance(scores.func, ast.Attribute) and called(scores) in ("detach", "cpu"):
        scores = scores.func.value
    return _before_softmax(code, scores) if scores is not None else None


def _named(code: Code, node: ast.expr) -> tuple[ast.expr, int | None]:
    """An expression, or what a name was given: without what only gives it another shape or type."""
    node = reshaped(node)
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called(node) in ("long", "int", "requires_grad_"):
        node = reshaped(node.func.value)
    given = value_of(code, node) if isinstance(node, ast.Name) else None
    return (reshaped(given[0]), given[1]) if given is not None else (node, None)


def _subject(call: ast.Call) -> ast.expr | None:
    """The tensor of `torch.argmax(x, 1)` and `x.argmax(1)`."""
    if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) != "torch":
        return call.func.value
    return call.args[0] if call.args else None


def _before_softmax(code: Code, scores: ast.expr) -> ast.expr:
    """The scores that probabilities are of: the loss over classes has its own softmax."""
    made, _ = _named(code, scores)
    if isinstance(made, ast.Call) and called(made) in ("softmax", "log_softmax"):
        inner = made.args[0] if made.args and ast.unparse(made.func).startswith(("F.", "torch.", "nn.")) else _subject(made)
        return inner if isinstance(inner, ast.Name) else scores
    return scores


def _before_rounding(code: Code, node: ast.expr) -> ast.expr | None:
    """The numbers that were rounded or compared with a threshold: `out` for `(out > 0.5).float()` and `torch.round(out)`."""
    made, part = _named(code, node)
    if part is None and isinstance(made, ast.Compare) and isinstance(made.ops[0], ast.Gt | ast.GtE):
        return made.left
    return _subject(made) if part is None and isinstance(made, ast.Call) and called(made) in ("round", "sign") else None

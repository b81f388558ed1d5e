"""Gradients that the text clears between a backward pass and the update that should use them, whichever way they are cleared."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from snipfix.code import Code, written
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.backward_never_called import losses_before
from snipfix.rules.training_loop.loops import OPTIMIZERS, assigned, home, receiver

__all__ = ["Cleared", "cleared_too_early"]

BETWEEN = frozenset({"clip_grad_norm_", "clip_grad_value_", "parameters", "print", "item", "append", "unscale_", "no_grad"})
"""What may be called between the two without computing gradients."""
ZEROS = frozenset({"zeros_like", "zeros"})
EMPTYING = frozenset({"zero_", "fill_"})
MODELS = frozenset({"model", "net", "network"})


@dataclass(frozen=True)
class Cleared:
    """Statements of one block, one behind the other, that clear gradients, and the updates behind them that find none."""

    clearing: tuple[ast.stmt, ...]
    place: ast.expr
    """What to point at."""
    updates: tuple[ast.stmt, ...]
    backward: ast.stmt
    """In the same block, or in the one around it."""
    beside: bool
    """The backward pass stands in the same block."""


def cleared_too_early(code: Code) -> Iterator[Cleared]:
    """Every run of clearing statements between a backward pass and the update, in order of the text."""
    if not code.calls("backward"):
        return
    known = dict(_clearing(code))
    seen: set[ast.stmt] = set()
    for statement in sorted(known, key=lambda one: one.lineno):
        block = code.block_of(statement)
        if statement in seen or statement not in block:
            continue
        run = [statement]
        for one in block[block.index(statement) + 1 :]:
            if one not in known:
                break
            run.append(one)
        seen.update(run)
        owners = {owner for one in run for owner in known[one][0]}
        passed = _passed(code, run[0], owners)
        updates = _updates(code, block[block.index(run[-1]) + 1 :], owners) if passed is not None else ()
        if passed is not None and updates:
            yield Cleared(tuple(run), known[statement][1], updates, passed, passed in block)


def _clearing(code: Code) -> Iterator[tuple[ast.stmt, tuple[frozenset[str], ast.expr]]]:
    """The statements that clear gradients, each with whose they are, as written: `optimizer`, `model.parameters()`, `w`."""
    for call in code.calls("zero_grad"):
        statement = code.parents.get(call)
        if isinstance(statement, ast.Expr) and receiver(call):
            yield statement, (frozenset({receiver(call), f"{receiver(call)}.parameters()"}), call)
    for node in code.all(ast.Attribute) if ".grad" in code.text else ():
        if node.attr == "grad" and (single := _emptied(code, node)) is not None:
            loop = _loop_of(code, single)
            whole = loop if loop is not None and _is_target(loop, node.value) else single
            owner = written(loop.iter) if loop is not None and whole is loop else written(node.value)
            place = node if single is whole else node.value
            yield whole, (frozenset({owner.replace("named_parameters", "parameters")}), place)


def _emptied(code: Code, grad: ast.Attribute) -> ast.stmt | None:
    """The statement that sets a gradient to zero or to None, if the attribute stands in such a one."""
    up = code.parents.get(grad)
    if isinstance(up, ast.Assign) and up.targets == [grad]:
        empty = isinstance(up.value, ast.Constant) and up.value.value is None
        return up if empty or called(up.value) in ZEROS else None
    statement = statement_of(code, grad)
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or called(call) not in EMPTYING or not receiver(call).startswith(written(grad)):
        return None
    filled = called(call) == "zero_" or (len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0)
    return statement if filled else None


def _loop_of(code: Code, statement: ast.stmt) -> ast.For | None:
    """The loop whose whole body a clearing statement is, under no other condition than that there is a gradient."""
    inner: ast.stmt = statement
    up = code.parents.get(inner)
    if isinstance(up, ast.If) and up.body == [inner] and not up.orelse and _asks_for_gradient(up.test):
        inner, up = up, code.parents.get(up)
    return up if isinstance(up, ast.For) and up.body == [inner] and not up.orelse else None


def _asks_for_gradient(test: ast.expr) -> bool:
    """`p.grad is not None` and the like: nothing that chooses some of the parameters."""
    nodes = list(ast.walk(test))
    attributes = {one.attr for one in nodes if isinstance(one, ast.Attribute)}
    return "grad" in attributes <= {"grad", "requires_grad"} and not any(isinstance(one, ast.Call) for one in nodes)


def _is_target(loop: ast.For, tensor: ast.expr) -> bool:
    """Whether a loop's name, the last one of a pair, is the tensor that is cleared."""
    target = loop.target.elts[-1] if isinstance(loop.target, ast.Tuple) and loop.target.elts else loop.target
    return written(target) == written(tensor)


def _passed(code: Code, clearing: ast.stmt, owners: set[str]) -> ast.stmt | None:
    """The backward pass before the clearing, in its block or around its `if`, when nothing used the gradients in between."""
    inner: ast.stmt = clearing
    between: list[ast.stmt] = []
    while block := code.block_of(inner):
        before = block[: block.index(inner)]
        at = next((at for at in reversed(range(len(before))) if _is_backward(before[at])), None)
        between += before if at is None else before[at + 1 :]
        if at is not None:
            missing = len(code.calls("backward")) < len(code.calls("step"))
            behind = missing and any(late in block for late in losses_before(code, clearing.lineno))
            return None if behind or any(_uses(code, one, owners) for one in between) else before[at]
        up = code.parents.get(inner)
        if not isinstance(up, ast.If):
            return None
        inner = up
    return None


def _is_backward(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and called(statement.value) == "backward"


def _uses(code: Code, statement: ast.stmt, owners: set[str]) -> bool:
    """Whether a statement steps, reads a gradient, or hands the model on."""
    if any(one.attr == "grad" for one in code.all(ast.Attribute, inside=statement)):
        return True
    for call in code.all(ast.Call, inside=statement):
        if "step" in words(called(call)) or any(written(one) in owners for one in call.args if called(call) not in BETWEEN):
            return True
    return False


def _updates(code: Code, behind: list[ast.stmt], owners: set[str]) -> tuple[ast.stmt, ...]:
    """The updates behind the clearing that use its gradients, in one run; nothing but what computes no gradient may stand before them."""
    found: list[ast.stmt] = []
    for one in behind:
        if _steps(code, one, owners) or _descends(code, one, owners):
            found.append(one)
        elif found or _may_compute(code, one):
            break
    return tuple(found)


def _may_compute(code: Code, statement: ast.stmt) -> bool:
    """Whether a statement may give the parameters gradients again: it calls something unknown, or sets an attribute."""
    stored = any(isinstance(node.ctx, ast.Store) for node in code.all(ast.Attribute, inside=statement))
    return stored or any(called(call) not in BETWEEN for call in code.all(ast.Call, inside=statement))


def _steps(code: Code, statement: ast.stmt, owners: set[str]) -> bool:
    """Whether a statement is `optimizer.step()`, or `scaler.step(optimizer)`, of an optimizer all of whose parameters were cleared."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or called(call) != "step" or call.keywords or len(call.args) > 1:
        return False
    name = written(call.args[0]) if call.args else receiver(call)
    if name in owners:
        return True
    made = [given.args[0] for other, given in assigned(code, OPTIMIZERS) if other == name and given.args]
    if made:
        known = {owner.removeprefix("self.") for owner in owners}  # `self.net` is the `net` that the constructor was given
        return any(_held(one) <= known for one in made)
    stepped = {receiver(one) for one in code.calls("step", inside=home(code, statement)) if not one.args}
    models = {owner.removesuffix(".parameters()").rpartition(".")[2] for owner in owners if owner.endswith(".parameters()")}
    return bool(models & MODELS) and stepped == {name} and bool({"optimizer", "opt", "optim"} & set(words(name)))


def _held(given: ast.expr) -> set[str]:
    """What an optimizer was given, each part as written: `model.parameters()`, or `w` and `b`."""
    while isinstance(given, ast.Call) and called(given) in {"list", "filter"} and given.args:
        given = given.args[-1]
    parts = given.elts if isinstance(given, ast.List | ast.Tuple) else [given]
    return {written(one).removeprefix("self.") for one in parts}


def _descends(code: Code, statement: ast.stmt, owners: set[str]) -> bool:
    """Whether a statement updates tensors by hand from the gradients that were cleared."""
    for node in code.all(ast.Attribute, inside=statement):
        if node.attr != "grad" or not isinstance(node.ctx, ast.Load):
            continue
        loop = code.around(node, ast.For)
        looped = loop is not None and _is_target(loop, node.value) and written(loop.iter) in owners
        if (looped or written(node.value) in owners) and _in_update(code, node):
            return True
    return False


def _in_update(code: Code, grad: ast.Attribute) -> bool:
    """Whether a gradient is read in `w -= lr * w.grad`, `w.data = w - lr * w.grad` or `w.sub_(lr * w.grad)`."""
    tensor, statement = written(grad.value), statement_of(code, grad)
    if isinstance(statement, ast.AugAssign):
        return written(statement.target) in {tensor, f"{tensor}.data"} and isinstance(statement.op, ast.Sub | ast.Add)
    if isinstance(statement, ast.Assign):
        return written(statement.targets[0]) in {tensor, f"{tensor}.data"} and isinstance(statement.value, ast.BinOp)
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and called(call) in {"sub_", "add_"} and receiver(call) in {tensor, f"{tensor}.data"}

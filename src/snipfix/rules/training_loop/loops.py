"""Reading training loops from the text: optimizers and schedulers by name, and who steps."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import FUNCTIONS, Code, written
from snipfix.rules.observed import called

__all__ = ["assigned", "built_here", "home", "loops_around", "only_value", "optimizers", "receiver", "schedulers", "steps_in", "walked"]

WRAPPERS = frozenset({"enumerate", "tqdm", "trange", "track", "progress_bar", "notebook_tqdm"})

OPTIMIZERS = frozenset("SGD Adam AdamW Adagrad Adadelta RMSprop Rprop ASGD NAdam RAdam Adamax SparseAdam Adafactor Muon".split())
SCHEDULERS = frozenset(
    [
        "StepLR",
        "MultiStepLR",
        "ExponentialLR",
        "CosineAnnealingLR",
        "CosineAnnealingWarmRestarts",
        "ReduceLROnPlateau",
        "LambdaLR",
        "OneCycleLR",
        "CyclicLR",
        "LinearLR",
        "ConstantLR",
        "PolynomialLR",
        "MultiplicativeLR",
        "SequentialLR",
        "ChainedScheduler",
    ]
)


def assigned(code: Code, classes: frozenset[str]) -> Iterator[tuple[str, ast.Call]]:
    """Names that are bound to an instance of one of these classes, as written (`self.optimizer` too), with the constructor call."""
    for node in code.all(ast.Assign) if code.calls(*classes) else ():
        if called(node.value) in classes and isinstance(node.value, ast.Call):
            for target in node.targets:
                if isinstance(target, ast.Name | ast.Attribute):
                    yield written(target), node.value
        elif isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Tuple):  # a, b = Adam(...), Adam(...)
            for target, value in zip(node.targets[0].elts, node.value.elts, strict=False):
                if isinstance(target, ast.Name | ast.Attribute) and isinstance(value, ast.Call) and called(value) in classes:
                    yield written(target), value


def optimizers(code: Code) -> list[str]:
    """Names bound to optimizers of torch, in this text or in a block of the document before it."""
    return [*built_here(code), *(name for one in code.earlier for name in built_here(one) if name not in code.assigned)]


def built_here(code: Code) -> list[str]:
    """Names that this very text binds to optimizers of torch."""
    return [name for name, _ in assigned(code, OPTIMIZERS)]


def schedulers(code: Code) -> dict[str, ast.Call]:
    """Names bound to learning-rate schedulers of torch."""
    return dict(assigned(code, SCHEDULERS))


def receiver(call: ast.Call) -> str:
    """What a method is called on, as written."""
    return written(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def steps_in(node: ast.AST, known: set[str]) -> list[str]:
    """The known optimizers whose `step()` is called inside a node, without a closure, in order of the text."""
    calls = [
        one for one in ast.walk(node) if isinstance(one, ast.Call) and called(one) == "step" and receiver(one) in known and not one.args
    ]
    return [receiver(one) for one in sorted(calls, key=lambda one: (one.lineno, one.col_offset))]


def home(code: Code, node: ast.AST) -> ast.AST:
    """The function that a node stands in, else the module."""
    return code.around(node, *FUNCTIONS) or code.tree


def loops_around(code: Code, node: ast.AST) -> list[ast.For | ast.While]:
    """The loops that a node stands in, innermost first, within its function."""
    found: list[ast.For | ast.While] = []
    for up in code.ancestors(node):
        if isinstance(up, ast.For | ast.While):
            found.append(up)
        elif isinstance(up, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            break
    return found


def walked(loop: ast.AST) -> ast.expr | None:
    """What a for loop goes over, out of `enumerate` and progress bars: `loader` for `enumerate(tqdm(loader))`."""
    over = loop.iter if isinstance(loop, ast.For) else None
    while isinstance(over, ast.Call) and called(over) in WRAPPERS and over.args:
        over = over.args[0]
    return over


def only_value(code: Code, name: str) -> ast.expr | None:
    """The one value that is ever assigned to a name or attribute, as written; None where there are none or several."""
    values = [node.value for node in code.all(ast.Assign) if any(written(one) == name for one in node.targets)]
    return values[0] if len(values) == 1 else None

"""What a training loop computes as far as the text alone tells: for places that a run, stopped by another fault, never reached.

Only what is plain is read: names assigned once before their use, models built from classes of the text, losses called by name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import FUNCTIONS, Code, written
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import receiver

__all__ = [
    "LOSS_CLASSES",
    "LOSS_FUNCTIONS",
    "activated",
    "bare",
    "built",
    "criteria",
    "forward_of",
    "handed_back",
    "layer",
    "losses",
    "reshaped",
    "result_of",
    "value_of",
]

MODELS = frozenset("model net network classifier".split())
PLACING = frozenset("to cuda cpu train eval float double half".split())
RESHAPING = frozenset("view reshape flatten squeeze unsqueeze transpose permute contiguous float to".split())

LOSS_CLASSES = frozenset("CrossEntropyLoss NLLLoss MSELoss L1Loss SmoothL1Loss BCELoss BCEWithLogitsLoss".split())
LOSS_FUNCTIONS = frozenset(
    "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss binary_cross_entropy binary_cross_entropy_with_logits".split()
)


def losses(code: Code, kinds: frozenset[str], functions: frozenset[str]) -> Iterator[ast.Call]:
    """The calls of a criterion that is built from one of `kinds`, before or on the spot, or of one of the loss `functions`."""
    names = criteria(code, kinds)
    for node in code.all(ast.Call):
        if len(node.args) >= 2 and (called(node) in functions or called(node.func) in kinds or written(node.func) in names):
            yield node


def criteria(code: Code, kinds: frozenset[str]) -> set[str]:
    """Names bound to a loss module of these classes, here or in a block before, and to nothing else."""
    found = (
        {name for name, values in code.assigned.items() if all(called(value) in kinds for value in values)} if code.calls(*kinds) else set()
    )
    return found.union(*(criteria(one, kinds) - set(code.assigned) for one in code.earlier))


def bare(node: ast.expr) -> ast.expr:
    """An expression without what only gives it another shape or takes a part of it: `x` for `x.view(-1, 10).unsqueeze(0)` and `x[:, 1:]`."""
    while isinstance(node := reshaped(node), ast.Subscript):
        node = node.value
    return node


def reshaped(node: ast.expr) -> ast.expr:
    """An expression without what only gives it another shape: `x[:, 1:]` for `x[:, 1:].reshape(-1)`."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called(node) in RESHAPING:
        node = node.func.value
    return node


def value_of(code: Code, name: ast.Name) -> tuple[ast.expr, int | None] | None:
    """What the nearest assignment above in the same function gives a name: the expression, and which of its parts where it is unpacked."""
    home = code.around(name, *FUNCTIONS)
    found: tuple[ast.expr, int | None] | None = None
    for statement, value, part in code.given.get(name.id, ()):
        if statement.lineno < name.lineno and code.around(statement, *FUNCTIONS) is home:
            found = _element(statement, value, part)
    return found


def _element(statement: ast.Assign, value: ast.expr, part: int | None) -> tuple[ast.expr, int | None]:
    """What a name is given in `a, b = f(x), g(x)` is one of the expressions; elsewhere a part of one."""
    if part is None or not isinstance(value, ast.Tuple) or part >= len(value.elts):
        return value, part
    starred = any(isinstance(one, ast.Starred) for side in (*statement.targets, value) for one in ast.walk(side))
    return (value, part) if starred else (value.elts[part], None)


def whole_value(code: Code, node: ast.expr) -> ast.expr | None:
    """An expression, or for a name what it was given above as a whole; None where that is not told."""
    if not isinstance(node, ast.Name):
        return node
    given = value_of(code, node)
    return given[0] if given is not None and given[1] is None else None


def forward_of(node: ast.ClassDef | None) -> ast.FunctionDef | None:
    """The `forward` that a class of the text defines."""
    return next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "forward"), None) if node else None


def built(code: Code, name: str) -> ast.Call | None:
    """The call that a name is bound to: `Net()` for `model`; None where it is bound twice."""
    made = [*code.assigned.get(name, ())] or [*_unpacked(code, name)]
    return made[0] if len(made) == 1 and isinstance(made[0], ast.Call) else None


def _unpacked(code: Code, name: str) -> Iterator[ast.expr]:
    """What a name is given in `a, b = A(), B()`."""
    for statement, value, part in code.given.get(name, ()):
        first = statement.targets[0]
        if part is None or not isinstance(first, ast.Tuple):
            continue
        yield value.elts[part] if isinstance(value, ast.Tuple) and len(value.elts) == len(first.elts) else value


def result_of(code: Code, call: ast.Call, part: int | None) -> ast.expr | None:
    """The expression that the call of a model of the text gives back, where its forward returns at one place only."""
    maker = _maker(code, call)
    named = (one for one in code.all(ast.ClassDef) if maker is not None and one.name == called(maker))
    owner = next(named, None) if maker is not None else _only_model(code, call)
    value, seen = _returned(owner, part), 0
    while isinstance(value, ast.Name) and seen < 8:
        given = value_of(code, value)
        if given is None or given[1] is not None:
            return None
        value, seen = bare(given[0]), seen + 1
    return value


def _returned(owner: ast.ClassDef | None, part: int | None) -> ast.expr | None:
    """What the one `return` of a model's forward gives, or one part of it."""
    forward = forward_of(owner)
    returns = [one for one in ast.walk(forward) if isinstance(one, ast.Return)] if forward else []
    value = returns[0].value if len(returns) == 1 else None
    if part is None:
        return value
    return value.elts[part] if isinstance(value, ast.Tuple) and part < len(value.elts) else None


def _maker(code: Code, call: ast.Call) -> ast.Call | None:
    """What builds the model that is called: `Net()` for a name set to `Net().to(device)`."""
    made: ast.expr | None = built(code, written(call.func))
    while isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and called(made) in PLACING:
        made = made.func.value
    return made if isinstance(made, ast.Call) else None


def handed_back(code: Code, node: ast.expr) -> ast.expr | None:
    """The expression in the `return` of a model of the text that a name has its value from, where the model is called more than once or the
    name is read more than once: a shape that is wrong for one of its uses is wrong for all."""
    name = bare(node)
    given = value_of(code, name) if isinstance(name, ast.Name) else None
    if given is None or not isinstance(given[0], ast.Call) or not isinstance(name, ast.Name):
        return None
    call, part = given[0], given[1]
    maker = _maker(code, call)
    owner = next((one for one in code.all(ast.ClassDef) if maker is not None and one.name == called(maker)), None)
    value = _returned(owner, part)
    reads = [one for one in code.mentions(name.id) if isinstance(one.ctx, ast.Load)]
    calls = [one for one in code.all(ast.Call) if ast.unparse(one.func) == ast.unparse(call.func)]
    return value if len(reads) > 1 or len(calls) > 1 else None


def layer(code: Code, call: ast.Call) -> ast.Call | None:
    """The constructor call of the layer that `self.layer(x)` calls; of the last one in an `nn.Sequential`."""
    maker = built(code, written(call.func)) if receiver(call) == "self" or isinstance(call.func, ast.Name) else None
    while maker is not None and called(maker) == "Sequential":
        last = maker.args[-1] if maker.args else None
        maker = last if isinstance(last, ast.Call) else None
    return maker


def activated(code: Code, kinds: frozenset[str], functions: frozenset[str], name: str, module: str) -> Iterator[tuple[ast.Call, ast.Call]]:
    """The losses whose input, as the text has it, is what an activation gives, each with its call: of the function `name` or a layer `module`."""
    for call in losses(code, kinds, functions):
        value: ast.expr | None = bare(call.args[0])
        part = None
        if isinstance(value, ast.Name) and (given := value_of(code, value)) is not None:
            value, part = bare(given[0]), given[1]
        if isinstance(value, ast.Call) and not _is(code, value, name, module):
            value = result_of(code, value, part)
        if isinstance(value, ast.Call) and _is(code, value, name, module):
            yield call, value


def _is(code: Code, call: ast.Call, name: str, module: str) -> bool:
    if called(call) == name:
        return True
    maker = layer(code, call)
    return maker is not None and called(maker) == module


def _only_model(code: Code, call: ast.Call) -> ast.ClassDef | None:
    """The one model of the text, where a function calls a parameter named like a model; None where there are several."""
    held = call.func
    if isinstance(held, ast.Attribute) and receiver(call) == "self":  # what the object was given: `self.model = model.to(device)`
        kept = code.assigned.get(written(held), ())
        held = reshaped(kept[0]) if len(kept) == 1 else held
    around = code.around(held, *FUNCTIONS)
    given = [one.arg for one in around.args.args] if isinstance(around, ast.FunctionDef) else []
    if not isinstance(held, ast.Name) or held.id not in given or not set(words(held.id)) & MODELS:
        return None
    models = [one for one in code.all(ast.ClassDef) if any(ast.unparse(base).endswith("Module") for base in one.bases)]
    parts = {called(inner) for one in models for inner in code.all(ast.Call, inside=one)}
    whole = [one for one in models if forward_of(one) is not None and one.name not in parts]
    return whole[0] if len(whole) == 1 else None

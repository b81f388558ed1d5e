"""Mending a layer that was built for another width: at its constructor, or at the call that handed the width down."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from math import isqrt, prod

from snipfix.code import parse
from snipfix.codemods import replace_expression
from snipfix.model import Edit, Meaning
from snipfix.rules.diagnosis import Crash, Offer
from snipfix.rules.observed import called
from snipfix.rules.synthesis import expressions
from snipfix.rules.values import Values, evaluate

__all__ = ["argument_of", "feature_map", "parameter_index", "width_offers"]

OTHER_WIDTH = {"out_features": "in_features", "in_features": "out_features", "out_channels": "in_channels", "in_channels": "out_channels"}

ENDS = {"0": "-1", "-1": "0"}
"""The other end of a list of widths."""

UP = 3
"""How many constructors up a width is followed."""


def argument_of(call: ast.Call, position: int, *names: str) -> ast.expr | None:
    """The expression given for a parameter, by keyword or position; None when it is left to its default."""
    for keyword in call.keywords:
        if keyword.arg in names:
            return keyword.value
    given = call.args[: position + 1]
    if any(isinstance(arg, ast.Starred) for arg in given) or position >= len(call.args):
        return None
    return call.args[position]


def width_offers(crash: Crash, given: ast.expr | None, wanted: int, *, spatial: Sequence[int] = (), what: str = "width") -> Iterator[Offer]:
    """Offers that give a constructor's argument the wanted value, best first, the call that handed it down included."""
    if given is None or wanted < 1:
        return
    values = Values(crash.code, crash.frames, crash.exercise)
    ranked = sorted(_ranked(crash, values, given, wanted, spatial, 0), key=lambda one: one[0])
    for _, text, edits, meaning in ranked[:8]:
        yield Offer(f"Set the {what} to {text}", edits, meaning)


def _ranked(
    crash: Crash, values: Values, given: ast.expr, wanted: int, spatial: Sequence[int], level: int
) -> Iterator[tuple[int, str, tuple[Edit, ...], Meaning]]:
    function = crash.function_of(given)
    owner = crash.class_of(given)
    written = crash.text(owner if owner is not None and level == 0 else function) if function is not crash.code.tree else ""
    known = values.of(function)
    of_joined = 6 if level == 0 and _is_joined(crash) else 0
    beside = _beside(crash, given) if level == 0 else set()
    if beside and not of_joined:
        known = {name: value for name, value in known.items() if name not in beside}
    near = {name: value for name, value in values.own(function).items() if name in known}
    for one in expressions(wanted, given, known, near=near, spatial=spatial, written=written, limit=12 if of_joined else 6):
        summed = of_joined and " + " in one.text  # what is joined is as wide as its parts together
        if not summed and beside & set(re.findall(r"\w+", one.text)):
            continue
        cost = one.cost + level - (of_joined if summed else 0)
        yield cost, one.text, replace_expression(crash.code, given, one.text), Meaning.RESTORES
    for text in _configured(crash, given, owner) if level == 0 else ():
        yield 1, text, replace_expression(crash.code, given, text), Meaning.RESTORES
    for text in _several_times(crash, given, owner) if level == 0 else ():
        if evaluate(next(ast.iter_child_nodes(parse(f"({text})").body[0])), values.of(function)) == wanted:
            yield 1, text, replace_expression(crash.code, given, text), Meaning.RESTORES
    if isinstance(given, ast.Subscript) and (at := ast.unparse(given.slice)) in ENDS:
        text = f"{crash.text(given.value)}[{ENDS[at]}]"  # whether it is as wide, running shows
        yield 2, text, replace_expression(crash.code, given, text), Meaning.RESTORES
    if isinstance(given, ast.Attribute) and given.attr in OTHER_WIDTH:
        text = f"{crash.text(given.value)}.{OTHER_WIDTH[given.attr]}"
        yield 1, text, replace_expression(crash.code, given, text), Meaning.RESTORES
    for text in _parts(given, function) if level == 0 else ():
        yield 7, text, replace_expression(crash.code, given, text), Meaning.RESTORES
    for maker, element in _listed(crash, values, given) if level == 0 else ():
        for cost, text, edits, meaning in _ranked(crash, values, element, wanted, spatial, level + 1):
            yield cost + (-12 if maker is not None and _makes_failing(crash, maker) else 5), text, edits, meaning
    if level < UP and isinstance(given, ast.Name) and isinstance(function, ast.FunctionDef) and function.name != "__init__":
        for call, handed in _makers(crash, function, owner, given.id):
            for cost, text, edits, meaning in _ranked(crash, values, handed, wanted, spatial, level + 1):
                yield cost + (-12 if _makes_failing(crash, call) else 5), text, edits, meaning
    if level < UP and isinstance(given, ast.Name) and isinstance(function, ast.FunctionDef) and owner is not None:
        position = parameter_index(function, given.id)
        if function.name == "__init__" and position is not None:
            for call in values.calls_of(owner.name):
                outer = argument_of(call, position, given.id) if call in crash.code.parents else None
                if outer is not None:
                    # Data from outside ask for another model; a value computed inside asks for another layer.
                    further = (-2 if fed_from_outside(crash) else 5) if isinstance(outer, ast.Constant) else 3 * _is_shared(function, given)
                    for cost, text, edits, meaning in _ranked(crash, values, outer, wanted, spatial, level + 1):
                        yield cost + further, text, edits, meaning


def _is_joined(crash: Crash) -> bool:
    """Whether the failing layer is given tensors joined into one, on the spot or under a name."""
    first = crash.call.args[0] if crash.call is not None and crash.call.args else None
    birth = crash.born(first) if isinstance(first, ast.Name) else None
    made = birth.value if birth is not None else first
    return made is not None and called(made) in ("cat", "concat", "hstack")


def _configured(crash: Crash, given: ast.expr, owner: ast.ClassDef | None) -> Iterator[str]:
    """The width of a transformer that the class holds, `self.bert.config.hidden_size`, for the number of its best-known size."""
    init = crash.function_of(given)
    if (
        owner is None
        or not isinstance(given, ast.Constant)
        or not isinstance(init, ast.FunctionDef)
        or not crash.code.knows("transformers")
    ):
        return
    for made in crash.code.all(ast.Assign, init):
        maker = made.value.func if isinstance(made.value, ast.Call) else None
        name = ast.unparse(maker).removesuffix(".from_pretrained").removesuffix(".from_config") if maker is not None else ""
        if name.endswith("Model") and made.lineno < given.lineno and isinstance(made.value, ast.Call):
            first = made.value.args[0] if made.value.args else None
            handed = isinstance(first, ast.Name) and "config" in first.id
            yield f"{first.id if handed and isinstance(first, ast.Name) else f'{ast.unparse(made.targets[0])}.config'}.hidden_size"


def _beside(crash: Crash, given: ast.expr) -> set[str]:
    """The names that say what the layer gives, `hidden` in `nn.Linear(width, hidden)`: that they are as wide as what comes in is chance,
    unless another layer or block was built to give as much."""
    call = crash.code.parents.get(given)
    names = {one.id for one in call.args if one is not given and isinstance(one, ast.Name)} if isinstance(call, ast.Call) else set()
    for other in crash.code.all(ast.Call) if names else ():
        if other is not call and called(other)[:1].isupper():
            own = crash.class_named(called(other)) is not None or called(other).startswith("Conv")
            gives = [*(other.args if own else other.args[1:]), *(one.value for one in other.keywords if not str(one.arg).startswith("in_"))]
            names -= {
                one.id for value in gives if isinstance(value, ast.Name | ast.BinOp) for one in ast.walk(value) if isinstance(one, ast.Name)
            }
    return names - {one.id for one in ast.walk(given) if isinstance(one, ast.Name)}


def _is_shared(function: ast.FunctionDef, given: ast.Name) -> bool:
    """Whether a constructor builds something else of a parameter: another value from the caller would change what fits already.

    To keep it under a name, `self.size = size`, builds nothing.
    """
    kept = {one.value for one in ast.walk(function) if isinstance(one, ast.Assign)}
    return any(isinstance(one, ast.Name) and one.id == given.id and one is not given and one not in kept for one in ast.walk(function))


def _makers(crash: Crash, function: ast.FunctionDef, owner: ast.ClassDef | None, name: str) -> Iterator[tuple[ast.Call, ast.expr]]:
    """The calls of a function, or of a method on `self`, that builds layers, each with what it gives for a parameter."""
    names = [arg.arg for arg in function.args.args]
    if name in names:
        method = owner is not None and names[0] == "self"
        for call in crash.code.calls(function.name):
            outer = argument_of(call, names.index(name) - method, name) if isinstance(call.func, ast.Attribute) == method else None
            if outer is not None and crash.function_of(call) is not function:
                yield call, outer


WIDTHS = ("in_features", "in_channels", "input_size")


def _listed(crash: Crash, values: Values, given: ast.expr) -> Iterator[tuple[ast.Call | None, ast.expr]]:
    """The entries with the failing layer's width in a list of widths that layers are built from, `for i, o in zip(sizes, sizes[1:])` or
    `sizes[i]`, each with the call that handed the list down."""
    function, owner = crash.function_of(given), crash.class_of(given)
    width = next((int(text) for name in WIDTHS if (text := crash.setting(name)).isdecimal()), None)
    held = _list_behind(crash, given)
    if width is None or held is None:
        return
    lists: list[tuple[ast.Call | None, ast.expr]] = [(None, birth.value) for birth in crash.births(held)]
    arguments = [arg.arg for arg in function.args.args] if isinstance(function, ast.FunctionDef) else []
    if not lists and held.id in arguments and isinstance(function, ast.FunctionDef):
        method = owner is not None and arguments[0] == "self"
        name = owner.name if owner is not None and function.name == "__init__" else function.name
        calls = values.calls_of(name) if owner is None or function.name == "__init__" else crash.code.calls(name)
        found = ((call, argument_of(call, arguments.index(held.id) - method, held.id)) for call in calls if call in crash.code.parents)
        for call, one in found:
            birth = crash.born(one) if isinstance(one, ast.Name) else None
            lists += [(call, birth.value if birth is not None else one)] if one is not None else []
    for maker, whole in lists:
        for element in whole.elts if isinstance(whole, ast.List | ast.Tuple) else ():
            if evaluate(element, values.of(crash.function_of(element))) == width:
                yield maker, element


def _list_behind(crash: Crash, given: ast.expr) -> ast.Name | None:
    """The list that a width is read from by its index, or by a loop or comprehension around it."""
    if isinstance(given, ast.Subscript):
        return given.value if isinstance(given.value, ast.Name) else None
    if not isinstance(given, ast.Name):
        return None
    for up in crash.code.ancestors(given):
        loops = up.generators if isinstance(up, ast.ListComp | ast.GeneratorExp) else [up] if isinstance(up, ast.For) else []
        for loop in loops:
            if any(isinstance(one, ast.Name) and one.id == given.id for one in ast.walk(loop.target)):
                names = [
                    one for one in ast.walk(loop.iter) if isinstance(one, ast.Name) and one.id not in ("zip", "range", "enumerate", "len")
                ]
                return names[0] if names and len({one.id for one in names}) == 1 else None
    return None


def _makes_failing(crash: Crash, call: ast.Call) -> bool:
    """Whether what a call builds is kept under a name on the path of the module that failed: `self.up1 = block(64, 32)` for `UNet.up1.0`."""
    statement = crash.code.parents.get(call)
    while isinstance(statement, ast.Tuple | ast.List | ast.Call):
        statement = crash.code.parents.get(statement)
    path = crash.module.path.split(".") if crash.module else []
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    pairs = [(target, statement.value) for target in targets if isinstance(statement, ast.Assign)]
    if len(pairs) == 1 and isinstance(pairs[0][0], ast.Tuple) and isinstance(pairs[0][1], ast.Tuple):
        pairs = list(zip(pairs[0][0].elts, pairs[0][1].elts, strict=False))
    return any(isinstance(target, ast.Attribute) and target.attr in path and call in ast.walk(value) for target, value in pairs)


def _several_times(crash: Crash, given: ast.expr, owner: ast.ClassDef | None) -> Iterator[str]:
    """Widths that a layer of the class gives which is built with the same argument and gives it several times: both directions, all heads."""
    text = crash.text(given)
    for call in crash.code.all(ast.Call, owner) if owner is not None and isinstance(given, ast.Name | ast.Attribute) else ():
        name = ast.unparse(call.func).rpartition(".")[2]
        width = argument_of(call, 1, "hidden_size", "out_channels")
        if width is None or crash.text(width) != text:
            continue
        heads = argument_of(call, 2, "heads")
        both = argument_of(call, 6, "bidirectional")
        if name in ("RNN", "LSTM", "GRU") and both is not None and ast.unparse(both) != "False":
            yield f"{text} * 2"
        apart = all(one.arg != "concat" or ast.unparse(one.value) == "True" for one in call.keywords)
        if name in ("GATConv", "GATv2Conv", "TransformerConv") and heads is not None and apart:
            yield f"{text} * {crash.text(heads)}"


def _parts(given: ast.expr, function: ast.AST) -> Iterator[str]:
    """The parameters in a sum or product: the width may be one of them alone, whatever value each call gives it."""
    if isinstance(given, ast.BinOp) and isinstance(function, ast.FunctionDef):
        names = {arg.arg for arg in function.args.args}
        yield from (node.id for node in ast.walk(given) if isinstance(node, ast.Name) and node.id in names)


def fed_from_outside(crash: Crash) -> bool:
    """Whether the failing layer is given the very data that its model was called with."""
    call = crash.call
    first = call.args[0] if call is not None and call.args else None
    last = crash.module.path.rpartition(".")[2] if crash.module else ""
    if not isinstance(first, ast.Name) or (last.isdigit() and last != "0"):
        return False
    function = crash.function_of(first)
    given = isinstance(function, ast.FunctionDef) and parameter_index(function, first.id) is not None
    return given and not crash.births(first)


def parameter_index(function: ast.FunctionDef, name: str) -> int | None:
    """The position of a method's parameter as its caller counts: without self."""
    names = [arg.arg for arg in function.args.args]
    return names.index(name) - 1 if name in names[1:] else None


def feature_map(crash: Crash, width: int) -> tuple[int, ...]:
    """The shape (channels, sizes) of the feature map that was flattened to a width, as far as the calls before show; empty when unknown."""
    outcome = crash.context.outcome
    for call in reversed(outcome.calls if outcome else ()):
        shape = call.output.shape if call.output else None
        if not shape or len(shape) < 3 or width % shape[1]:
            continue
        if shape[1] == width:
            return ()
        rest = width // shape[1]
        if prod(shape[2:]) == rest:
            return shape[1:]
        side = isqrt(rest)
        if len(shape) == 4 and side * side == rest and shape[2] == shape[3]:
            return (shape[1], side, side)
        for height in range(1, shape[2] + 1) if len(shape) == 4 else ():
            if rest % height == 0 and shape[2] // height == shape[3] // (rest // height):
                return (shape[1], height, rest // height)
        if len(shape) == 3 and rest <= shape[2] and call.module.type.startswith(("Conv1d", "MaxPool1d", "AvgPool1d", "BatchNorm1d")):
            return (shape[1], rest)
    return ()

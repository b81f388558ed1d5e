"""Recurrent layers that a class builds, and where their outputs go, read from the text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from snipfix.code import Code, written
from snipfix.rules.base import Context
from snipfix.rules.mending import keyword
from snipfix.rules.values import evaluate

__all__ = ["Layer", "Unpacked", "unpacked"]

KINDS = {"torch.nn.LSTM": "LSTM", "torch.nn.GRU": "GRU", "torch.nn.RNN": "RNN"}


@dataclass(frozen=True)
class Layer:
    """One `self.rnn = nn.GRU(...)`."""

    name: str
    kind: str
    depth: int | None
    """num_layers; None where the text does not tell."""
    bidirectional: bool
    batch_first: bool


@dataclass(frozen=True)
class Unpacked:
    """One `out, state = self.rnn(x)` in a method."""

    layer: Layer
    statement: ast.Assign
    function: ast.FunctionDef
    output: ast.expr
    state: ast.expr

    def reads(self, code: Code, name: str) -> list[ast.Name]:
        """Where a name is read behind the statement in this function."""
        return [
            one
            for one in code.all(ast.Name, inside=self.function)
            if one.id == name and isinstance(one.ctx, ast.Load) and one.lineno > self.statement.lineno
        ]


def unpacked(context: Context) -> list[Unpacked]:
    """Every call of a recurrent layer whose two results are given names, where the layer is built in the same class."""
    known: list[Unpacked] | None = context.memo.get(__name__)
    if known is None:
        known = context.memo[__name__] = list(_unpacked(context))
    return known


def _unpacked(context: Context) -> Iterator[Unpacked]:
    code = context.code
    if not code.calls("LSTM", "GRU", "RNN"):
        return
    for owner in code.all(ast.ClassDef):
        layers = {layer.name: layer for layer in _layers(context, owner)}
        for statement in code.all(ast.Assign, inside=owner) if layers else ():
            target, call = statement.targets[0], statement.value
            if isinstance(call, ast.Call) and isinstance(target, ast.Tuple) and len(target.elts) == 2 and written(call.func) in layers:
                function = code.around(statement, ast.FunctionDef)
                if function is not None:
                    yield Unpacked(layers[written(call.func)], statement, function, *target.elts)


def _layers(context: Context, owner: ast.ClassDef) -> Iterator[Layer]:
    for call in context.code.calls(*KINDS.values(), inside=owner):
        statement = context.code.parents[call]
        kind = KINDS.get(context.scopes.qualified(call.func) or "")
        if kind is None or not isinstance(statement, ast.Assign):
            continue
        depth = call.args[2] if len(call.args) > 2 else keyword(call, "num_layers")
        function = context.code.around(statement, ast.FunctionDef) or context.code.tree
        number = 1 if depth is None else evaluate(depth, context.values.of(function))
        yield Layer(written(statement.targets[0]), kind, number, _true(call, "bidirectional"), _true(call, "batch_first"))


def _true(call: ast.Call, name: str) -> bool:
    value = keyword(call, name)
    return isinstance(value, ast.Constant) and value.value is True

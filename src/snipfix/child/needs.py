"""What is known of the parameters of a `forward`, and of the values that its text computes from them."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple


class Flow(NamedTuple):
    """A parameter of forward after some reshaping."""

    parameter: str
    moves: tuple = ()

    def then(self, *move: Any) -> Flow:
        return Flow(self.parameter, (*self.moves, move))


class Made(NamedTuple):
    """Something computed; its last dimension, where known."""

    width: int | None = None


class Joined(NamedTuple):
    """Tensors joined along a dimension."""

    parts: tuple


class Layer(NamedTuple):
    module: Any


class Use(NamedTuple):
    """The first consumer of a parameter."""

    layer: Any
    name: str
    """The layer's own word for the argument."""
    moves: tuple
    width: int | None = None
    """What is left for the parameter when it is joined with tensors of known width."""
    certain: bool = True
    """Whether that share is known and not a guess."""


class Need:
    """What is known of one parameter."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.uses: list[Use] = []
        self.dims: int | None = None
        self.least = 0
        self.names: tuple[str, ...] = ()
        """What its dimensions are called where they are unpacked."""
        self.attributes: list[str] = []
        self.roles: set[str] = set()
        self.parts = 0
        """Greater than zero: it is unpacked as a tuple of so many."""

    @property
    def use(self) -> Use | None:
        return self.uses[0] if self.uses else None


class Texts:
    """The functions of the snippet's classes, by class name and by (file, line), from their source."""

    def __init__(self, trees: list[ast.Module]) -> None:
        self._functions: dict[tuple[int, str], ast.FunctionDef] = {}
        for tree in trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef):
                    first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
                    self._functions[(first, node.name)] = node

    def of(self, function: Any, sources: Any) -> ast.FunctionDef | None:
        """The definition of a function of the snippet; None for any other."""
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        if code is None or code.co_filename not in sources:
            return None
        return self._functions.get((code.co_firstlineno, code.co_name))

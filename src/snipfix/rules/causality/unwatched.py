"""Transformers over token ids that no probe could watch, because another fault stops the run: read from their class alone.

Only what is plain is read: ids that are looked up and go into the layer as they are, but for scaling, dropout and another order of dims.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from snipfix.code import Code
from snipfix.evidence import Outcome
from snipfix.rules.causality.sequence import BUILT_IN, TARGETS, language_model
from snipfix.rules.observed import called, text, words
from snipfix.rules.written import forward_of, value_of

__all__ = ["DECODING", "MASKED", "Read", "parameters", "reads", "unwatched"]

PLACES = re.compile(r"pos|rotary|rope|alibi|\bpe\b|\bsin\b|recurrent|lstm|gru|conv", re.IGNORECASE)
"""What else in a class may tell a model the order of its tokens."""
MASKED = {"TransformerEncoder": ("mask", 2), "TransformerEncoderLayer": ("src_mask", 2), "MultiheadAttention": ("attn_mask", 6)}
DECODING = {"Transformer": ("tgt_mask", 4), "TransformerDecoder": ("tgt_mask", 3), "TransformerDecoderLayer": ("tgt_mask", 3)}
SAME = frozenset({"permute", "transpose", "contiguous", "float", "to"})
PASSING = frozenset({"Dropout", "LayerNorm"})


@dataclass(frozen=True)
class Read:
    """One call of a Transformer layer in the forward of a class, with the look-ups that feed it, by the parameter that they look up."""

    node: ast.ClassDef
    call: ast.Call
    kind: str
    made: ast.expr
    """What builds the layer."""
    embedded: dict[str, ast.Call]

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def knows_places(self) -> bool:
        return bool(PLACES.search(ast.unparse(self.node)))

    @property
    def batch_first(self) -> bool:
        used = {one.id for one in ast.walk(self.made) if isinstance(one, ast.Name)}
        layers = [
            one.value
            for one in ast.walk(self.node)
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name) and one.targets[0].id in used
        ]
        calls = [one for value in (self.made, *layers) for one in ast.walk(value) if isinstance(one, ast.Call)]
        given = [word for one in calls for word in one.keywords if word.arg == "batch_first"]
        return any(isinstance(word.value, ast.Constant) and word.value.value is True for word in given)

    def decoded(self) -> str:
        """The parameter whose later tokens must be hidden; empty where none must, or a mask is given."""
        word, places = (DECODING | MASKED)[self.kind]
        masked = any(one.arg in {word, "is_causal", "tgt_is_causal", None} for one in self.call.keywords) or len(self.call.args) >= places
        if masked or any(isinstance(one, ast.Starred) for one in self.call.args):
            return ""
        if self.kind in DECODING and len(parameters(self.node)) > 1:
            return next((name for name in self.embedded if set(words(name)) & TARGETS), "")
        return next(iter(self.embedded), "") if language_model(self.name) else ""


def unwatched(code: Code, outcome: Outcome) -> Iterator[Read]:
    """The calls of Transformer layers in classes of the text of which no `order` was observed."""
    watched = {text(one.facts, "module", "type") for one in outcome.seen("order")}
    for node in code.all(ast.ClassDef):
        if node.name not in watched and [ast.unparse(base).rpartition(".")[2] for base in node.bases] == ["Module"]:
            yield from reads(code, node)


def reads(code: Code, node: ast.ClassDef) -> Iterator[Read]:
    """The calls of Transformer layers in the forward of a class that are handed embedded ids."""
    forward, made = forward_of(node), dict(_made(code, node))
    for call in code.all(ast.Call, forward) if forward else ():
        value = made.get(ast.unparse(call.func))
        kind = next((kind for kind in _builders(value) if kind in BUILT_IN), "")
        found = [_looked_up(code, one, made) for one in [*call.args, *(one.value for one in call.keywords)]] if kind else []
        embedded = {one.args[0].id: one for one in found if one is not None and isinstance(one.args[0], ast.Name)}
        embedded = {name: one for name, one in embedded.items() if name in parameters(node)}
        if value is not None and embedded:
            yield Read(node, call, kind, value, embedded)


def parameters(node: ast.ClassDef) -> list[str]:
    """The names that forward takes, without `self`."""
    forward = forward_of(node)
    return [one.arg for one in forward.args.args[1:]] if forward else []


def _made(code: Code, node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Each attribute that a class assigns once, with the value."""
    bound: dict[str, list[ast.expr]] = {}
    for one in code.all(ast.Assign, node):
        for target in one.targets:
            bound.setdefault(ast.unparse(target), []).append(one.value)
    yield from ((name, values[0]) for name, values in bound.items() if name.startswith("self.") and len(values) == 1)


def _builders(value: ast.expr | None) -> list[str]:
    """What a value calls, outermost first: `TransformerEncoder`, `TransformerEncoderLayer`."""
    return [called(one) for one in ast.walk(value) if isinstance(one, ast.Call)] if value is not None else []


def _looked_up(code: Code, value: ast.expr, made: dict[str, ast.expr]) -> ast.Call | None:
    """The look-up of ids that a value is, whatever plain steps lie between."""
    for _ in range(8):
        if isinstance(value, ast.Name):
            given = value_of(code, value)
            if given is None or given[1] is not None:
                return None
            value = given[0]
        elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
            sides = [found for side in (value.left, value.right) if (found := _looked_up(code, side, made)) is not None]
            return sides[0] if len(sides) == 1 else None
        elif not isinstance(value, ast.Call):
            return None
        elif isinstance(value.func, ast.Attribute) and value.func.attr in SAME:
            value = value.func.value
        elif _builders(made.get(ast.unparse(value.func))) == ["Embedding"] and len(value.args) == 1:
            return value
        elif set(_builders(made.get(ast.unparse(value.func)))) & PASSING and len(value.args) == 1:
            value = value.args[0]
        else:
            return None
    return None

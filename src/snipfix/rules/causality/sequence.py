"""What sequence models saw, read from the `order` observations."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from snipfix.code import Code
from snipfix.evidence import Outcome, Span
from snipfix.rules.batch_layout.layout import class_named
from snipfix.rules.observed import items, mapping, place, shape, text, words

__all__ = ["Seen", "language_model", "seen"]

AUTOREGRESSIVE = frozenset({"gpt", "lm", "llm", "causal", "autoregressive", "llama"})
TARGETS = frozenset({"tgt", "trg", "target", "dec", "decoder"})
BUILT_IN = frozenset(
    {"Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer", "MultiheadAttention"}
)


@dataclass(frozen=True)
class Seen:
    """One model and what its output does when its input changes."""

    code: Code
    facts: Mapping[str, Any]
    span: Span | None
    """The call of the model in the text; None when snipfix made it."""

    @property
    def name(self) -> str:
        return text(self.facts, "module", "type")

    @property
    def node(self) -> ast.ClassDef | None:
        return class_named(self.code, self.name)

    @property
    def attention(self) -> list[str]:
        return [one for one in items(self.facts, "attention") if isinstance(one, str)]

    @property
    def stacks(self) -> list[Mapping[str, Any]]:
        return [mapping({"s": one}, "s") for one in items(self.facts, "stacks")]

    @property
    def output(self) -> tuple[int, ...]:
        return shape(self.facts, "output") or ()

    @property
    def main(self) -> Mapping[str, Any]:
        return mapping(self.facts, "arguments", text(self.facts, "main"))

    @property
    def integers(self) -> list[str]:
        """Arguments that are ids."""
        return [name for name in mapping(self.facts, "arguments") if mapping(self.facts, "arguments", name).get("integers") is True]

    @property
    def is_language_model(self) -> bool:
        return language_model(self.name)

    def targets(self) -> list[str]:
        """Arguments that are named like what a decoder is to write."""
        return [name for name in mapping(self.facts, "arguments") if set(words(name)) & TARGETS]

    def embedded_at(self) -> Span | None:
        for one in items(self.facts, "embeddings"):
            if (found := place(self.code, one, "span")) is not None:
                return found
        return None

    def stack_call(self, *, leaking: bool) -> tuple[Span, Mapping[str, Any]] | None:
        """Where the text calls its attention: the first such call, or the first whose output leaks."""
        for stack in self.stacks:
            at = place(self.code, stack, "span")
            earlier = any(isinstance(moved, list) and moved for moved in mapping(stack, "earlier").values())
            if at is not None and (earlier or not leaking):
                return at, stack
        return None

    def fallback(self) -> Span | None:
        """The head of the class, or the call of the model."""
        if self.node is not None:
            line = self.node.lineno
            return Span(line, self.node.col_offset + 1, line, len(self.code.lines[line - 1].rstrip()) + 1)
        return self.span


def language_model(name: str) -> bool:
    """Whether a class is one by its name: GPT, a causal language model; not a masked or bidirectional one."""
    named, written = set(words(name)), name.lower().replace("_", "")
    if named & {"bert", "masked", "mlm", "bidirectional"} or "bert" in written:
        return False
    return bool(named & AUTOREGRESSIVE) or "languagemodel" in written or written.startswith(("gpt", "minigpt", "nanogpt"))


def seen(code: Code, outcome: Outcome) -> Iterator[Seen]:
    """One for each kind of model."""
    told: set[str] = set()
    for observation in outcome.seen("order"):
        one = Seen(code, observation.facts, observation.span)
        if one.name not in told:
            told.add(one.name)
            yield one

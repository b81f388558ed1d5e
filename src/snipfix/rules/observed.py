"""Reading what probes saw. Facts come from the child and may be anything: every look at them is guarded."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from snipfix.code import Code
from snipfix.evidence import Observation, Outcome, Span

__all__ = ["called", "each", "flag", "innermost", "items", "mapping", "number", "place", "randomness", "shape", "text", "warned", "words"]


def randomness(outcome: Outcome) -> tuple[bool, bool]:
    """Whether random numbers were drawn, and whether the snippet seeded them; without an observation only code free of torch is trusted."""
    seen = outcome.seen("randomness")
    return (bool(items(seen[0].facts, "drawn")), flag(seen[0].facts, "seeded")) if seen else (bool(outcome.calls), False)


def mapping(value: Any, *path: str) -> Mapping[str, Any]:
    """The mapping at a path of keys; an empty one when something else is there."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def text(value: Any, *path: str) -> str:
    """The string at a path of keys; empty when something else is there."""
    found = mapping(value, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""


def number(value: Any, *path: str) -> float | None:
    """The number at a path of keys; None when something else is there."""
    found = mapping(value, *path[:-1]).get(path[-1])
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def flag(value: Any, *path: str) -> bool:
    """Whether `true` stands at a path of keys."""
    return mapping(value, *path[:-1]).get(path[-1]) is True


def items(value: Any, *path: str) -> list[Any]:
    """The list at a path of keys; empty when something else is there."""
    found = mapping(value, *path[:-1]).get(path[-1])
    return list(found) if isinstance(found, (list, tuple)) else []


def shape(value: Any, *path: str) -> tuple[int, ...] | None:
    """The shape at a path of keys; None when something else is there."""
    found = mapping(value, *path[:-1]).get(path[-1])
    if not isinstance(found, (list, tuple)) or not all(isinstance(size, int) and not isinstance(size, bool) for size in found):
        return None
    return tuple(found)


def place(code: Code, value: Any, *path: str) -> Span | None:
    """The Span at a path of keys, when it lies in the text."""
    found = shape(value, *path)
    if found is None or len(found) != 4:
        return None
    span = Span(*found)
    inside = 1 <= span.line <= span.end_line <= len(code.lines) and span.column >= 1
    return span if inside and (span.line, span.column) < (span.end_line, span.end_column) else None


def each(outcome: Outcome, code: Code, probe: str) -> Iterator[tuple[Observation, Span]]:
    """The observations of a probe that have a place in the text, one for each place."""
    seen: set[Span] = set()
    for observation in outcome.seen(probe):
        span = observation.span
        if span is not None and span not in seen and 1 <= span.line <= span.end_line <= len(code.lines):
            seen.add(span)
            yield observation, span


def warned(outcome: Outcome, code: Code, pattern: str) -> Iterator[tuple[re.Match[str], Span]]:
    """The warnings raised in the text whose message has the pattern, each with its place."""
    for warning in outcome.warnings:
        found = re.search(pattern, text(warning.facts, "message"))
        if found and warning.span is not None and 1 <= warning.span.line <= warning.span.end_line <= len(code.lines):
            yield found, warning.span


def innermost(code: Code, span: Span, kind: type[ast.AST] | tuple[type[ast.AST], ...] = ast.Call) -> ast.AST | None:
    """The node of `kind` at exactly this span, else the smallest around it; None when there is none on these lines."""
    return code.node_at(span, kind)


def called(node: ast.AST) -> str:
    """The last name of what a call calls: `softmax` for `F.softmax(x)`; empty for anything else."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""


WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """`maxSeq_len` → max, seq, len."""
    return tuple(word.lower() for word in WORDS.findall(name))

"""Which output depends on which input, as a matrix: sample by sample across the batch, position by position in time, and what of it is a leak.

A row is an output, a column an input, as in a picture of attention: what may see only itself is a diagonal, what may see the past a triangle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape
from rich.cells import cell_len

from snipfix.evidence import Outcome
from snipfix.model import Category, Finding
from snipfix.report.bilingual import Words
from snipfix.report.drawing import CHARACTER, svg
from snipfix.report.text import short
from snipfix.rules.causality.sequence import TARGETS
from snipfix.rules.observed import words as parts_of

__all__ = ["draw"]

EDGE = 8
"""Rows and columns that are drawn."""
SHOWN = 3
"""Matrices of one picture."""
CELL, STEP, LEFT, TOP = 20, 23, 64, 62
FUTURE = "future-visible"
"""The finding that says that an output may not see what comes after it."""
KEY = (
    ("leak", "depends and must not"),
    ("own", "depends on its own"),
    ("fair", "may depend"),
    ("", "independent"),
    ("unseen", "not tried"),
)


@dataclass(frozen=True, slots=True)
class Matrix:
    """What moves with each input. `columns` holds for an input the outputs that moved; None for one that was not changed."""

    name: str
    axis: str
    """`sample` or `position`."""
    of: int
    first: int
    columns: Sequence[AbstractSet[int] | None]
    leaks: bool
    """Whether it is wrong that another sample, or an earlier position, moves."""

    def state(self, row: int, column: int) -> str:
        """The class of a cell."""
        moved = self.columns[column]
        output, changed = row + self.first, column + self.first
        if moved is None:
            return "unseen"
        if output not in moved:
            return ""
        if output == changed:
            return "own"
        return "leak" if self.leaks and (self.axis == "sample" or output < changed) else "fair"

    @property
    def leaking(self) -> bool:
        size = range(len(self.columns))
        return any(self.state(row, column) == "leak" for row in size for column in size)


def draw(outcome: Outcome | None, findings: Sequence[Finding], words: Words) -> Markup | str:
    """Across the batch or in time, whichever the findings speak of; "" where that was not seen."""
    categories = {finding.category for finding in findings}
    future = any(finding.name == FUTURE for finding in findings)
    matrices = [*_batches(outcome, categories), *_times(outcome, categories, leaks=future)] if outcome else []
    return _drawn((matrices or list(_told(findings)))[:SHOWN], words)


def _batches(outcome: Outcome, categories: AbstractSet[Category]) -> Iterator[Matrix]:
    for observation in outcome.seen("batch") if Category.BATCH_LAYOUT in categories else ():
        facts = _mapping(_mapping(observation.facts.get("dims")).get("0"))
        if facts.get("kept"):
            moved = _indices(_mapping(facts.get("moved")).get("0"))
            yield from _matrix(
                _name(observation.facts), "sample", facts.get("pattern"), (facts.get("size"), facts.get("index"), moved), leaks=True
            )


def _times(outcome: Outcome, categories: AbstractSet[Category], *, leaks: bool) -> Iterator[Matrix]:
    for observation in outcome.seen("order") if Category.CAUSALITY in categories else ():
        facts = observation.facts
        arguments = _mapping(facts.get("arguments"))
        named = [str(name) for name in arguments if set(parts_of(str(name))) & TARGETS] or [str(facts.get("main"))]
        for name in named:
            shape, dim = _mapping(arguments.get(name)).get("shape"), _time(facts)
            seen = _mapping(_mapping(_mapping(arguments.get(name)).get("future")).get(str(dim)))
            if not seen or not isinstance(shape, list) or dim >= len(shape):
                continue
            t = seen.get("t")
            moved = _indices(seen.get("earlier")) | _indices(seen.get("later")) | ({t} if seen.get("own") else set())
            yield from _matrix(f"{_name(facts)}({short(name, 20)})", "position", seen.get("pattern"), (shape[dim], t, moved), leaks=leaks)


def _time(facts: Mapping[str, Any]) -> int:
    """The dim that the model's attention takes for time: the first unless it was told that the batch comes first."""
    stacks = facts.get("stacks")
    told = [_mapping(one).get("first") for one in stacks] if isinstance(stacks, list) else []
    return 0 if told and told[0] is False else 1


def _told(findings: Sequence[Finding]) -> Iterator[Matrix]:
    """From what findings rest on, where they were made on another text than the one that was run: behind an error."""
    for finding in findings:
        axis = {Category.BATCH_LAYOUT: "sample", Category.CAUSALITY: "position"}.get(finding.category)
        pattern = finding.evidence.get("pattern")
        if axis and finding.behind and pattern:
            name = finding.evidence.get("layer") or finding.name
            yield from _matrix(short(str(name), 40), axis, pattern, (None, None, set()), leaks=True)


def _matrix(name: str, axis: str, pattern: Any, one: tuple[Any, Any, set[Any]], *, leaks: bool) -> Iterator[Matrix]:
    """Of each with each where that was tried and agrees with what changing `one` index of the whole input did; else of that one alone."""
    size, index, moved = one
    whole = _mapping(pattern)
    rows, of = whole.get("moved"), whole.get("of")
    known = None
    if isinstance(size, int) and isinstance(index, int) and 1 < size <= 4096:
        first = max(min(index - EDGE // 2, size - EDGE), 0)
        known = Matrix(name, axis, size, first, [moved if first + at == index else None for at in range(min(size, EDGE))], leaks)
    if isinstance(rows, list) and isinstance(of, int) and 1 < len(rows) <= EDGE:
        tried = Matrix(name, axis, of, 0, [_indices(row) for row in rows], leaks)
        if known is None or tried.leaking == known.leaking:
            yield tried
            return
    if known is not None:
        yield known


def _drawn(matrices: Sequence[Matrix], words: Words) -> Markup | str:
    if not matrices:
        return ""
    parts: list[str] = []
    y, width = 0, 24 + max(CHARACTER * words.width(key) for _, key in KEY)
    for matrix in matrices:
        count = len(matrix.columns)
        wide = max(LEFT + STEP * count + 4, CHARACTER * cell_len(matrix.name) + 16)
        parts.append(f'<g transform="translate(0 {y})">{"".join(_grid(matrix, words))}</g>')
        y, width = y + TOP + STEP * count + 14, max(width, wide)
    states = {
        matrix.state(row, column) for matrix in matrices for row in range(len(matrix.columns)) for column in range(len(matrix.columns))
    }
    for state, key in KEY:
        if state in states:
            parts.append(f'<rect class="cell {state}" x="0" y="{y}" width="12" height="12" rx="3"/>')
            parts.append(f'<text class="kind" x="20" y="{y + 11}">{words.drawn(key)}</text>')
            y += 20
    return svg(parts, width, y + 2, words, lambda plain: f"{plain['dependence']}: {'; '.join(_words(one, plain) for one in matrices)}")


def _grid(matrix: Matrix, words: Words) -> Iterator[str]:
    count = len(matrix.columns)
    yield f'<text class="name" x="0" y="14">{escape(matrix.name)}</text>'
    cut = f" · {count} / {matrix.of}" if count < matrix.of else ""
    yield f'<text class="kind" x="0" y="31">{words.drawn(f"{matrix.axis} by {matrix.axis}")}{cut}</text>'
    yield f'<text class="tick" x="{LEFT}" y="50">{words.drawn("fact input")} →</text>'
    yield f'<text class="tick" x="0" y="{TOP + 14}">{words.drawn("fact output")} ↓</text>'
    for row in range(count):
        for column in range(count):
            x, y = LEFT + STEP * column, TOP + STEP * row
            yield f'<rect class="cell {matrix.state(row, column)}" x="{x}" y="{y}" width="{CELL}" height="{CELL}" rx="3"/>'


def _words(matrix: Matrix, plain: Mapping[str, str]) -> str:
    """The picture for those who cannot see it."""
    size = range(len(matrix.columns))
    seen = [
        f"{plain['changed']} {column + matrix.first}, {plain['moved']} "
        + (", ".join(str(row + matrix.first) for row in size if matrix.state(row, column)) or "–")
        for column in size
        if matrix.columns[column] is not None
    ]
    leaks = sum(matrix.state(row, column) == "leak" for row in size for column in size)
    verdict = [f"{leaks} × {plain['depends and must not']}"] if leaks else []
    return f"{matrix.name}, {plain[f'{matrix.axis} by {matrix.axis}']}: {'; '.join([*verdict, *seen])}"


def _name(facts: Mapping[str, Any]) -> str:
    module = _mapping(facts.get("module"))
    return short(str(module.get("path") or module.get("type") or ""), 40)


def _indices(value: Any) -> set[Any]:
    return {one for one in value[:64] if isinstance(one, int)} if isinstance(value, list) else set()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

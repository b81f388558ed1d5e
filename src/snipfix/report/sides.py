"""Two texts side by side: which lines belong together, and which words differ in them. Plain data for the HTML report."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Gap", "Line", "Row", "rows", "written"]

CONTEXT = 3
"""Equal lines shown around a change."""
PAIRING = 1600
"""Line pairs compared at most when looking for what belongs together in one change."""
ALIKE = 0.4
WORD = re.compile(r"\w+|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one side: its number and pieces, each with whether it differs from the other side."""

    number: int
    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        return "".join(piece for piece, _ in self.pieces)

    @property
    def indent(self) -> int:
        """Blanks that it begins with."""
        return len(self.text) - len(self.text.lstrip())

    @property
    def differing(self) -> Iterator[tuple[int, int]]:
        """Where in the line the words stand that the other side does not have."""
        at = 0
        for piece, differs in self.pieces:
            if differs:
                yield at, at + len(piece)
            at += len(piece)


@dataclass(frozen=True, slots=True)
class Row:
    """Old and new beside each other; a missing side is None. `equal`: context."""

    old: Line | None
    new: Line | None
    equal: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Equal lines that are not shown."""

    lines: int


def rows(old: str, new: str) -> list[Row | Gap]:
    """The rows of both texts, long equal stretches as a Gap."""
    a, b = old.split("\n"), new.split("\n")
    if a[-1] == b[-1] == "":
        a, b = a[:-1], b[:-1]
    found: list[Row | Gap] = []
    codes = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    for number, (tag, a1, a2, b1, b2) in enumerate(codes):
        if tag == "equal":
            found += _context(a, a1, a2, b1, first=number == 0, last=number == len(codes) - 1)
        else:
            found += _changed(a, b, range(a1, a2), range(b1, b2))
    return found


def written(old: str, new: str) -> list[Line]:
    """The lines of the new text that the old one does not have so, in order; empty ones tell nothing."""
    a, b = old.split("\n"), new.split("\n")
    codes = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    found = [row.new for tag, a1, a2, b1, b2 in codes if tag != "equal" for row in _changed(a, b, range(a1, a2), range(b1, b2))]
    return [line for line in found if line and line.text.strip()]


def _context(lines: Sequence[str], start: int, end: int, other: int, *, first: bool, last: bool) -> Iterator[Row | Gap]:
    equal = [
        Row(Line(at + 1, ((lines[at], False),)), Line(at - start + other + 1, ((lines[at], False),)), equal=True)
        for at in range(start, end)
    ]
    before, after = 0 if first else CONTEXT, 0 if last else CONTEXT
    if len(equal) <= before + after + 1:
        yield from equal
        return
    yield from equal[:before]
    yield Gap(len(equal) - before - after)
    yield from equal[len(equal) - after :]


def _changed(a: Sequence[str], b: Sequence[str], old: range, new: range) -> Iterator[Row]:
    for left, right in _pairs(a, b, old, new):
        if left is None or right is None:
            yield Row(_whole(a, left), _whole(b, right))
            continue
        before, after = _words(a[left], b[right])
        yield Row(Line(left + 1, before), Line(right + 1, after))


def _whole(lines: Sequence[str], at: int | None) -> Line | None:
    return None if at is None else Line(at + 1, ((lines[at], False),))


def _pairs(a: Sequence[str], b: Sequence[str], old: range, new: range) -> list[tuple[int | None, int | None]]:
    """Lines that belong together, in order: the alignment with the greatest likeness."""
    if not old or not new or len(old) * len(new) > PAIRING:
        return [*((at, None) for at in old), *((None, at) for at in new)]
    likeness = [[_alike(a[left], b[right]) for right in new] for left in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + likeness[i][j])
    found: list[tuple[int | None, int | None]] = []
    i = j = 0
    while i < len(old) and j < len(new):
        if likeness[i][j] and best[i][j] == best[i + 1][j + 1] + likeness[i][j]:
            found.append((old[i], new[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            found.append((old[i], None))
            i += 1
        else:
            found.append((None, new[j]))
            j += 1
    return [*found, *((at, None) for at in old[i:]), *((None, at) for at in new[j:])]


def _alike(one: str, other: str) -> float:
    if not one.strip() or not other.strip() or max(len(one), len(other)) > 1000:
        return 0.0
    ratio = difflib.SequenceMatcher(None, WORD.findall(one.strip()), WORD.findall(other.strip()), autojunk=False).ratio()
    return ratio if ratio >= ALIKE else 0.0


def _words(one: str, other: str) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[str, bool], ...]]:
    a, b = WORD.findall(one), WORD.findall(other)
    before: list[tuple[str, bool]] = []
    after: list[tuple[str, bool]] = []
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if a2 > a1:
            before.append(("".join(a[a1:a2]), tag != "equal"))
        if b2 > b1:
            after.append(("".join(b[b1:b2]), tag != "equal"))
    return tuple(before), tuple(after)

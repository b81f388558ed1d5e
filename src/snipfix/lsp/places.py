"""Places in a text as the Language Server Protocol counts them: lines and columns from 0, columns in units of an agreed encoding."""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol import types

from snipfix.documents.source import Source
from snipfix.evidence import Span

__all__ = ["Places", "overlap"]

UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


@dataclass(frozen=True)
class Places:
    """The places of one text. `encoding` is what client and server agreed on; without a word it is UTF-16."""

    source: Source
    encoding: str = "utf-16"

    def range(self, span: Span) -> types.Range:
        """A span in code points, in protocol terms; what lies outside the text is moved to its edge."""
        return types.Range(self._position(span.line, span.column), self._position(span.end_line, span.end_column))

    def between(self, start: int, end: int) -> types.Range:
        """The range between two offsets of the text."""
        return types.Range(self._at(start), self._at(end))

    def _at(self, offset: int) -> types.Position:
        number = self.source.line_at(offset)
        return self._position(number, offset - self.source.lines[number - 1].start + 1)

    def _position(self, line: int, column: int) -> types.Position:
        lines = self.source.lines
        if line > len(lines):
            line, column = len(lines), len(lines[-1].code) + 1
        start = self.source.text[lines[line - 1].start : lines[line - 1].start + max(column - 1, 0)]
        codec, size = UNITS[self.encoding]
        return types.Position(line - 1, len(start.encode(codec, "surrogatepass")) // size)


def overlap(one: types.Range, other: types.Range) -> bool:
    """Whether two ranges have a place in common; ranges that only touch do."""

    def key(position: types.Position) -> tuple[int, int]:
        return position.line, position.character

    return key(one.start) <= key(other.end) and key(other.start) <= key(one.end)

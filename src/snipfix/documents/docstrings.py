"""Python files."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.documents.events import Event, Fence
from snipfix.documents.source import Source

__all__ = ["read"]


def read(source: Source) -> Iterator[Event]:
    """The file as one snippet."""
    lines = source.lines if source.lines[-1].code else source.lines[:-1]
    yield Fence("python", 1, lines, 0, final_newline=not source.lines[-1].code, title=source.path)

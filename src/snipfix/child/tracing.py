"""Where in the snippet are we? Exact places of snippet frames, in code points."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import islice
from types import CodeType, FrameType

Place = list[int]
"""Line, column, end line, end column: 1-based, in code points, end exclusive."""

HERE = os.path.dirname(os.path.abspath(__file__))


def is_own(code: CodeType) -> bool:
    """Whether the code belongs to the child itself (its frames are never shown)."""
    return code.co_filename.startswith(HERE) or code.co_filename.startswith("<frozen importlib")


class Sources:
    """The texts whose frames count as the author's code, by the file name they were compiled with."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}
        self._audited: set[str] = set()
        self._cache: dict[tuple[int, int], Place] = {}
        self._alive: list[CodeType] = []

    def add(self, name: str, text: str, *, audited: bool = True) -> None:
        """`audited`: places in it are the snippet's, not those of a block that it builds on."""
        self._lines[name] = text.split("\n")
        if audited:
            self._audited.add(name)

    def is_audited(self, code: CodeType) -> bool:
        """Whether a place in this code is one in the snippet."""
        return code.co_filename in self._audited

    def __contains__(self, name: str) -> bool:
        return name in self._lines

    def column(self, name: str, line: int, offset: int) -> int:
        """The 1-based code-point column of a UTF-8 byte offset."""
        lines = self._lines.get(name, ())
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        if text.isascii():
            return offset + 1
        return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore")) + 1

    def line_place(self, name: str, line: int) -> Place:
        """The place of a whole line, without its indentation."""
        lines = self._lines.get(name, ())
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        start = len(text) - len(text.lstrip())
        return [line, start + 1, line, max(len(text.rstrip()), start + 1) + 1]

    def place(self, code: CodeType, instruction: int, line: int) -> Place:
        """The place of one instruction of a code object."""
        key = (id(code), instruction)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = self._locate(code, instruction, line)
            self._alive.append(code)
        return found

    def _locate(self, code: CodeType, instruction: int, line: int) -> Place:
        if sys.version_info >= (3, 11) and instruction >= 0:
            start, end, column, end_column = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
            if start is not None and end is not None and column is not None and end_column is not None:
                name = code.co_filename
                return [start, self.column(name, start, column), end, self.column(name, end, end_column)]
        return self.line_place(code.co_filename, line)

    def frames(self, frame: FrameType | None) -> Iterator[FrameType]:
        """The snippet's frames on a stack, innermost first."""
        while frame is not None:
            if self.is_audited(frame.f_code):
                yield frame
            frame = frame.f_back

    def of_frame(self, frame: FrameType) -> Place:
        return self.place(frame.f_code, frame.f_lasti, frame.f_lineno)

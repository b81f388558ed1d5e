"""A document's bytes as text, without losing one: every place in the text leads back to its bytes."""

from __future__ import annotations

import hashlib
import re
import stat
import sys
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from snipfix.documents.charsets import decoded
from snipfix.documents.events import Line
from snipfix.errors import DocumentError, UsageError

__all__ = ["STDIN", "Source", "unreadable"]

STDIN = "-"
LARGEST = 100 * 2**20
"""Bytes of a document."""
NEWLINE = re.compile(r"\r\n?|\n")  # what CommonMark and Python call a line ending; form feed and U+2028 are not


def unreadable(path: Path, error: OSError) -> UsageError:
    """Why a path cannot be read, and what to do about it."""
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return UsageError(f"a link to what is not there: {path.readlink()}", place=str(path), hint="mend the link, or remove it")
    if isinstance(error, FileNotFoundError):
        return UsageError("no such file", place=str(path), hint="check the spelling, or run from the folder the path starts in")
    hint = "check the path"
    if isinstance(error, PermissionError):
        hint = f"ask for the right to read it: chmod u+{'rx' if path.is_dir() else 'r'} {path}"
    return UsageError(f"cannot be read: {error.strerror}", place=str(path), hint=hint)


@dataclass(frozen=True)
class Source:
    """A document as it was read. `text` is decoded without translating newlines and without the byte order mark."""

    path: str
    raw: bytes
    text: str
    encoding: str = "utf-8"
    bom: bytes = b""

    @classmethod
    def read(cls, path: Path | str) -> Source:
        """The document at a path, or standard input for "-".

        Raises:
            UsageError: when there is no such file, or it may not be read.
            DocumentError: for a binary or a huge file, or bytes that are not text in its encoding.
        """
        if str(path) == STDIN:
            return cls.decode(STDIN, sys.stdin.buffer.read())
        try:
            found = Path(path).stat()
            if not stat.S_ISREG(found.st_mode):
                raise UsageError("neither a file nor a folder", place=str(path), hint=f"pipe it in: snipfix audit - < {path}")
            if found.st_size > LARGEST:
                size = f"{found.st_size / 2**20:.0f} MiB"
                raise DocumentError(
                    f"too large for a document: {size}", place=str(path), hint=f"snipfix reads up to {LARGEST // 2**20} MiB"
                )
            raw = Path(path).read_bytes()
        except OSError as error:
            raise unreadable(Path(path), error) from error
        return cls.decode(str(path), raw)

    @classmethod
    def decode(cls, path: str, raw: bytes) -> Source:
        """The document that these bytes are. Raises DocumentError as `read` does."""
        text, encoding, bom = decoded(path, raw)
        return cls(path, raw, text, encoding, bom)

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes."""
        return hashlib.sha256(self.raw).hexdigest()

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines without their newline; the last one is empty when the text ends with a newline."""
        lines, at = list[Line](), 0
        for ending in NEWLINE.finditer(self.text):
            lines.append(Line(len(lines) + 1, at, ending.start(), self.text[at : ending.start()]))
            at = ending.end()
        return (*lines, Line(len(lines) + 1, at, len(self.text), self.text[at:]))

    def line_at(self, offset: int) -> int:
        """The number of the line that holds an offset."""
        return bisect_right(self.lines, offset, key=lambda line: line.start)

    def newline(self, number: int) -> str:
        """The newline that ends a line (1-based); that of the line before where it has none."""
        for line in (number, number - 1):
            if 1 <= line < len(self.lines):
                return self.text[self.lines[line - 1].end : self.lines[line].start]
        return "\n"

    def column(self, line: Line) -> int:
        """The number of code points before a line's text in the document."""
        return line.start - self.lines[line.number - 1].start

    def encode(self, text: str) -> bytes:
        """The bytes of a changed text, in the encoding of the document."""
        return self.bom + text.encode(self.encoding)

    def byte(self, offset: int) -> int:
        """The byte where an offset of the text stands."""
        number = self.line_at(offset)
        return self._bytes[number - 1] + len(self.text[self.lines[number - 1].start : offset].encode(self.encoding))

    @cached_property
    def _bytes(self) -> list[int]:
        """The byte where each line starts."""
        starts = [len(self.bom)]
        for line, following in pairwise(self.lines):
            starts.append(starts[-1] + len(self.text[line.start : following.start].encode(self.encoding)))
        return starts

    def spliced(self, changes: Iterable[tuple[int, int, str]]) -> bytes:
        """The bytes with text[start:end] replaced for each change, everything else as it was.

        Raises:
            DocumentError: when changes overlap, the encoding lacks a character, or it has several ways to write one and others would change.
        """
        out, at = list[str](), 0
        for start, end, text in sorted(changes, key=lambda change: change[:2]):
            if start < at:
                raise DocumentError("two changes meet at one place", place=self.path, hint="write them back one after the other")
            out += [self.text[at:start], text]
            at = end
        new = "".join([*out, self.text[at:]])
        try:
            if self.encode(self.text) != self.raw:
                raise DocumentError(f"{self.encoding} writes its text in other bytes than it has", place=self.path, hint="save it as UTF-8")
            return self.encode(new)
        except UnicodeEncodeError as error:
            place = f"{self.path}:{new.count(chr(10), 0, error.start) + 1}"
            lacking = f"{self.encoding} has no {new[error.start]!r}, which the mend needs"
            raise DocumentError(lacking, place=place, hint="save the document as UTF-8") from error

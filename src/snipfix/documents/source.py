"""A document's bytes as text, without losing one: every place in the text leads back to its bytes."""

from __future__ import annotations

import codecs
import hashlib
import re
import sys
import tokenize
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from snipfix.documents.events import Line
from snipfix.errors import DocumentError, UsageError

__all__ = ["STDIN", "Source"]

STDIN = "-"
BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
NEWLINE = re.compile(r"\r\n?|\n")  # what CommonMark and Python call a line ending; form feed and U+2028 are not


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
            UsageError: when there is no such file.
            DocumentError: for a binary file or bytes that are not text in its encoding.
        """
        if str(path) == STDIN:
            return cls.decode(STDIN, sys.stdin.buffer.read())
        try:
            raw = Path(path).read_bytes()
        except FileNotFoundError as error:
            raise UsageError(
                "no such file", place=str(path), hint="check the spelling, or run from the folder the path starts in"
            ) from error
        except OSError as error:
            raise UsageError(f"cannot be read: {error.strerror}", place=str(path)) from error
        return cls.decode(str(path), raw)

    @classmethod
    def decode(cls, path: str, raw: bytes) -> Source:
        """The document that these bytes are. Raises DocumentError as `read` does."""
        bom, encoding = next(((bom, name) for bom, name in BOMS if raw.startswith(bom)), (b"", ""))
        if not encoding:
            encoding = _cookie(raw) if path.endswith((".py", ".pyi")) else "utf-8"
        if b"\0" in raw and not encoding.startswith("utf-16"):
            raise DocumentError(
                f"a binary file (a NUL byte at offset {raw.index(0)})",
                place=path,
                hint="name documents: Markdown, reST, notebooks, HTML or Python",
            )
        try:
            text = raw[len(bom) :].decode(encoding)
        except UnicodeDecodeError as error:
            if encoding == "utf-8" and not bom and (chinese := _chinese(raw)) is not None:
                return cls(path, raw, chinese, "gb18030")
            offset = len(bom) + error.start
            line = raw.count(b"\n", 0, offset) + 1
            raise DocumentError(
                f"not valid {encoding.upper()}: byte 0x{raw[offset]:02x} at offset {offset}, line {line}",
                place=path,
                hint="save the document as UTF-8",
            ) from error
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
            DocumentError: when changes overlap, or the encoding lacks a character.
        """
        out, at = list[str](), 0
        for start, end, text in sorted(changes, key=lambda change: change[:2]):
            if start < at:
                raise DocumentError("two changes meet at one place", place=self.path, hint="write them back one after the other")
            out += [self.text[at:start], text]
            at = end
        try:
            return self.encode("".join([*out, self.text[at:]]))
        except UnicodeEncodeError as error:
            raise DocumentError(
                f"{self.encoding} has no {error.object[error.start]!r}", place=self.path, hint="save it as UTF-8"
            ) from error


def _chinese(raw: bytes) -> str | None:
    """The text, where the bytes are beyond doubt those of Chinese in GBK: nearly all of it in common characters, and the same bytes again."""
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return None
    foreign = "".join(char for char in text if char > "\x7f")
    common = len(foreign.encode("gb2312", "ignore")) // 2
    return text if len(foreign) >= 4 and common * 10 >= len(foreign) * 9 and text.encode("gb18030") == raw else None


def _cookie(raw: bytes) -> str:
    """The encoding that a Python file declares (PEP 263)."""
    try:
        return tokenize.detect_encoding(BytesIO(raw).readline)[0]
    except SyntaxError:
        return "utf-8"

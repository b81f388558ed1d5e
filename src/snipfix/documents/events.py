"""What a reader says of a document, in order: headings, prose, comments, fences. One vocabulary for every format."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Comment", "Event", "Fence", "Heading", "Line", "Prose", "Style", "code_of"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of code and the slice of the document's text that stands for it.

    `code` equals text[start:end] unless the format escapes it (HTML, JSON) or the line cannot run (a notebook magic is blank).
    """

    number: int
    """The document's line, from 1."""
    start: int
    end: int
    code: str
    places: tuple[int, ...] = ()
    """Where the format escapes: the offset of each character of `code`. Empty: they follow each other from `start`."""

    def cut(self, width: int) -> Line:
        """The line without its first characters."""
        return Line(self.number, self.start + min(width, len(self.code)), self.end, self.code[width:])

    def behind(self, width: int) -> Line:
        """The same slice of the document, of which the first characters are no code: a prompt in HTML, among its tags."""
        return Line(self.number, self.start, self.end, self.code[width:], self.offsets[width:])

    @property
    def offsets(self) -> tuple[int, ...]:
        """The offset of each character of `code`, in the document's text."""
        return self.places or tuple(range(self.start, self.start + len(self.code)))


class Style(StrEnum):
    """How a line of code is written in its document."""

    TEXT = "text"
    PROMPT = "prompt"
    """An interactive session: `>>> ` and `... `."""
    IPYTHON = "ipython"
    """A session of IPython: `In [1]: ` and `   ...: `."""
    JSON = "json"
    """A string of a notebook's source list."""
    HTML = "html"
    HTML_PROMPT = "html-prompt"
    """A session in HTML: a line's slice of the document begins before its prompt."""
    HTML_IPYTHON = "html-ipython"


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 is the highest."""

    level: int
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph, as plain text."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that readers of the rendered page do not see: marks live there. `lines` are those of its body."""

    line: int
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "\n".join(line.code for line in self.lines)


@dataclass(frozen=True, slots=True)
class Fence:
    """A code block as it stands."""

    info: str
    """What follows the opening fence, verbatim."""
    line: int
    """Where the block opens."""
    lines: tuple[Line, ...]
    at: int
    """The offset where its first line is, or would be."""
    language: str = ""
    """The reader's word for the language, where the info string does not say it."""
    prefix: str = ""
    """What a line added to the block starts with in the document."""
    style: Style = Style.TEXT
    final_newline: bool = True
    tags: frozenset[str] = field(default_factory=frozenset)
    """skip, expect-error, setup, continue, reset, output: said by the format itself (cell tags, directive names). file: it is all of a Python file; of-its-file: it imports
    the file that it stands in; indented: it is a block by its indentation alone."""
    title: str = ""
    docstring: int = 0
    """The line of the docstring that it stands in, if it stands in one."""
    pinned: frozenset[Line] = frozenset()
    """Lines that stay what they are whatever becomes of the code: outputs between prompts, notebook magics."""
    shown: tuple[Line, ...] = ()
    """The outputs between the prompts of a session."""
    refused: str = ""
    """Why the reader knows that this is not to be looked at."""


Event = Heading | Prose | Comment | Fence


def code_of(fence: Fence) -> str:
    """The text of a fence, newlines as "\\n"."""
    text = "\n".join(line.code for line in fence.lines)
    return text + "\n" if fence.lines and fence.final_newline else text

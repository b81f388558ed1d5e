"""reStructuredText: directives, literal blocks and doctest blocks, read by indentation as docutils does, each line with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from snipfix.documents.events import Comment, Event, Fence, Heading, Line, Prose
from snipfix.documents.source import Source

__all__ = ["events", "read"]

DIRECTIVE = re.compile(r"\.\. +(?:\|[^|]+\| +)?([A-Za-z][\w:+.-]*?) ?:: *(.*)$")
EXPLICIT = re.compile(r"\.\.(?: +|$)(.*)")
TARGET = re.compile(r"\.\. +(?:_|\[|__)")
OPTION = re.compile(r":[\w-]+:( |$)")
ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*$")
ITEM = re.compile(r"(?:[-*+•‣]|\(?(?:\d+|[A-Za-z]|#|[ivxIVX]+)[.)])( +|$)")
ROLE = re.compile(r":[\w:+.-]+:`~?([^`<]*?)(?:\s*<[^`]*>)?`")
INLINE = re.compile(r"(\*\*|``|\*|`)(\S.*?)\1_{0,2}")
PROMPT = ">>> "

LANGUAGES = {
    "doctest": "pycon", "testcode": "python", "testsetup": "python", "ipython": "ipython", "jupyter-execute": "python", "plot": "python"
}  # fmt: skip
NAMED = frozenset({"code", "code-block", "sourcecode", "code-cell", "prompt"})
"""Directives whose argument is the language."""
CELL = re.compile(r"\|.*\.\. (?:code|code-block|sourcecode|testcode)::")
TAGS = {"testsetup": {"setup"}, "testoutput": {"output"}, "output": {"output"}}
LITERAL = frozenset({"raw", "parsed-literal", "math", "graphviz", "digraph", "mermaid", "productionlist", "csv-table", "plantuml", "uml"})


def read(source: Source) -> Iterator[Event]:
    """The events of a reStructuredText document."""
    yield from events(source, source.lines)


def events(source: Source, lines: Sequence[Line]) -> Iterator[Event]:
    """The events of lines that are reStructuredText, also inside another document."""
    yield from _Reader(source).blocks(_dedented(lines))


@dataclass
class _Reader:
    """One document; what the whole of it shares is here: the default language and the order of heading styles."""

    source: Source
    language: str = ""
    styles: list[str] = field(default_factory=list)

    def blocks(self, lines: Sequence[Line]) -> Iterator[Event]:
        """The events of lines at one indentation, and of what is indented below them."""
        at = 0
        while at < len(lines):
            line = lines[at]
            if not line.code.strip():
                at += 1
            elif _indent(line):
                body, at = _indented(lines, at)
                yield from self.blocks(_dedented(body))
            elif EXPLICIT.match(line.code):
                body, after = _indented(lines, at + 1)
                yield from self._explicit(line, body)
                at = after
            elif line.code.startswith(PROMPT):
                end = _paragraph_end(lines, at)
                yield Fence("pycon", line.number, tuple(lines[at:end]), line.start)
                at = end
            elif (heading := self._heading(lines, at)) is not None:
                title, at = heading
                yield title
            elif item := ITEM.match(line.code):
                body, after = _indented(lines, at + 1)
                yield from self.blocks([line.cut(item.end()), *_dedented(body, item.end())])
                at = after
            else:
                found, at = self._paragraph(lines, at)
                yield from found

    def _paragraph(self, lines: Sequence[Line], at: int) -> tuple[list[Event], int]:
        """A paragraph, with the literal block that its `::` announces, and where they end."""
        end = _paragraph_end(lines, at)
        text = "\n".join(line.code for line in lines[at:end]).rstrip()
        announces = text.endswith("::")
        text = text[:-1].removesuffix(" :") if announces else text
        found: list[Event] = [Prose(_plain(text), lines[at].number)] if text.strip(":") else []
        found += [Fence("", line.number, (), line.end, refused="in a table") for line in lines[at:end] if CELL.match(line.code)]
        body, after = _indented(lines, end) if announces else ([], end)
        if body:
            found.append(self._fence("", lines[end - 1], body, self.language))
        return found, after if body else end

    def _heading(self, lines: Sequence[Line], at: int) -> tuple[Heading, int] | None:
        """The title at a line, under- or overlined, and where it ends."""
        line, over = lines[at], ADORNMENT.match(lines[at].code)
        title, under = (at + 1, at + 2) if over else (at, at + 1)
        if under >= len(lines) or not lines[title].code.strip():
            return (Heading(9, "", line.number), at + 1) if over else None
        adornment = ADORNMENT.match(lines[under].code)
        if adornment is None:
            return None
        style = adornment[1] * (2 if over else 1)
        if style not in self.styles:
            self.styles.append(style)
        return Heading(self.styles.index(style) + 1, _plain(lines[title].code.strip()), lines[title].number), under + 1

    def _explicit(self, line: Line, body: Sequence[Line]) -> Iterator[Event]:
        directive = DIRECTIVE.match(line.code)
        if directive is None:
            if TARGET.match(line.code):
                yield from self.blocks(_dedented(body))
            else:
                first = EXPLICIT.match(line.code)
                yield Comment(line.number, (line.cut(first.start(1) if first else 2), *_dedented(body)))
            return
        name, argument = directive[1].lower().rpartition(":")[2], directive[2].strip()
        if name == "highlight":
            self.language = argument
        elif name in NAMED:
            yield self._fence(argument, line, _after_options(body), "" if argument else self.language)
        elif name in LANGUAGES or name in TAGS:
            yield self._fence("", line, _after_options(body), LANGUAGES.get(name, "text"), frozenset(TAGS.get(name, ())))
        elif name == "literalinclude":
            yield Fence(argument, line.number, (), line.end, refused="a file that is included from elsewhere")
        elif name in LITERAL:
            if body:
                yield Fence(name, line.number, (), line.end, refused=f"not code ({name})")
        else:
            yield from self.blocks(_after_options(body))

    def _fence(self, info: str, opening: Line, body: Sequence[Line], language: str, tags: frozenset[str] = frozenset()) -> Fence:
        lines = list(_dedented(body))
        while lines and not lines[-1].code.strip():
            lines.pop()
        while lines and not lines[0].code.strip():
            del lines[0]
        at = lines[0].start if lines else opening.end
        return Fence(info, opening.number, tuple(lines), at, language="" if language == "default" else language, tags=tags)


def _paragraph_end(lines: Sequence[Line], at: int) -> int:
    end = at + 1
    while end < len(lines) and lines[end].code.strip() and not _indent(lines[end]):
        end += 1
    return end


def _indent(line: Line) -> int:
    return len(line.code) - len(line.code.lstrip(" \t")) if line.code.strip() else 0


def _indented(lines: Sequence[Line], at: int) -> tuple[list[Line], int]:
    """The blank and indented lines from a place on, without blank ones at the end, and where they end."""
    end = at
    while end < len(lines) and (not lines[end].code.strip() or _indent(lines[end])):
        end += 1
    body = list(lines[at:end])
    while body and not body[-1].code.strip():
        body.pop()
    return body, end


def _dedented(lines: Sequence[Line], most: int | None = None) -> list[Line]:
    """The lines without the indentation that they share, or as much of it as belongs to what holds them."""
    margin = min((_indent(line) for line in lines if line.code.strip()), default=0)
    margin = margin if most is None else min(margin, most)
    return [line.cut(margin if line.code.strip() else len(line.code)) for line in lines]


def _after_options(body: Sequence[Line]) -> list[Line]:
    """The content of a directive, after its `:name: value` lines."""
    lines = _dedented(body)
    at = 0
    while at < len(lines) and OPTION.match(lines[at].code):
        at += 1
        while at < len(lines) and _indent(lines[at]):  # a value of several lines
            at += 1
    return _dedented(lines[at:])


def _plain(text: str) -> str:
    return INLINE.sub(r"\2", ROLE.sub(r"\1", text)).strip()

"""HTML pages: `<pre>` blocks, with or without `<code>`, highlighted or plain."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from snipfix.documents.events import Comment, Event, Fence, Heading, Line, Prose, Style
from snipfix.documents.info import PYTHON, SESSION
from snipfix.documents.source import Source

__all__ = ["blocks", "read"]

LANGUAGE = re.compile(r"(?:language|lang|highlight-source|highlight|brush)[-:]\s*([\w+#-]+)")
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
TEXTS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "figcaption", "summary"})


def read(source: Source) -> Iterator[Event]:
    """The events of an HTML page."""
    reader = _Reader(source)
    reader.feed(source.text)
    reader.close()
    yield from reader.events


def blocks(source: Source, start: int, end: int) -> list[Fence]:
    """The <pre> blocks of a part of a document that is HTML."""
    reader = _Reader(source, start)
    reader.feed(source.text[start:end])
    reader.close()
    return [event for event in reader.events if isinstance(event, Fence)]


@dataclass
class _Block:
    """A <pre> in the making: its characters with their places, and where its content starts."""

    line: int
    language: str
    output: bool
    start: int
    end: int = -1
    characters: list[tuple[str, int, int]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self, source: Source, base: int = 0) -> None:
        """`base` is the offset in the document where the text that is fed starts."""
        super().__init__(convert_charrefs=False)
        self.source = source
        self.events = list[Event]()
        self.stack = list[tuple[str, str]]()
        self.text: list[str] | None = None
        self.block: _Block | None = None
        # html.parser counts "\n" only.
        self.starts = [base, *(match.end() for match in re.compile("\n").finditer(source.text, base))]

    @property
    def place(self) -> int:
        line, column = self.getpos()
        return self.starts[line - 1] + column

    @property
    def line(self) -> int:
        return self.source.line_at(self.place)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        words = " ".join(value or "" for name, value in attrs if name == "class")
        words += "".join(f" language-{value}" for name, value in attrs if name in {"data-lang", "data-language"})
        after = self.place + len(self.get_starttag_text() or "")
        if self.block is not None:
            if tag == "code" and not self.block.characters:
                self.block.start = after
                self.block.language = _language(words) or self.block.language
            elif tag == "br":
                self.block.characters.append(("\n", self.place, after))
            return
        if tag not in VOID:
            self.stack.append((tag, words))
        if tag == "pre":
            classes = [one for _, one in reversed(self.stack)]
            language = next((found for one in classes if (found := _language(one))), "")
            self.block = _Block(self.line, language, any("output" in one.lower() for one in classes), after)
        elif tag in TEXTS:
            self.text = []

    def handle_endtag(self, tag: str) -> None:
        if self.block is not None:
            if tag == "code" and self.block.end < 0:
                self.block.end = self.place
            if tag == "pre":
                if self.block.end < 0:
                    self.block.end = self.place
                self._finish(self.block)
                self.block = None
                self.stack.pop()
            return
        if any(name == tag for name, _ in self.stack):
            while self.stack.pop()[0] != tag:
                pass
        if tag in TEXTS and self.text is not None:
            text = " ".join("".join(self.text).split()).rstrip("¶#")
            self.events.append(Heading(int(tag[1]), text, self.line) if tag[0] == "h" else Prose(text, self.line))
            self.text = None

    def handle_data(self, data: str) -> None:
        self._characters([(char, self.place + at, self.place + at + 1) for at, char in enumerate(data)])

    def handle_entityref(self, name: str) -> None:
        self._reference(f"&{name}")

    def handle_charref(self, name: str) -> None:
        self._reference(f"&#{name}")

    def _reference(self, text: str) -> None:
        start = self.place
        end = start + len(text) + (self.source.text[start + len(text) : start + len(text) + 1] == ";")
        self._characters([(html.unescape(self.source.text[start:end]), start, end)])

    def _characters(self, characters: list[tuple[str, int, int]]) -> None:
        if self.block is not None and self.block.end < 0:
            self.block.characters += characters
        elif self.text is not None:
            self.text += [char for char, _, _ in characters]

    def handle_comment(self, data: str) -> None:
        start = self.place + len("<!--")
        lines, at = list[Line](), start
        for text in re.split(r"\r\n?|\n", data):
            lines.append(Line(self.source.line_at(at), at, at + len(text), text))
            at += len(text) + len(self.source.newline(lines[-1].number))
        self.events.append(Comment(self.line, tuple(lines)))

    def _finish(self, block: _Block) -> None:
        """The fence that a <pre> is. A newline right after the tag is not part of it."""
        lines, start, code, places = list[Line](), block.start, "", list[int]()
        characters = block.characters
        while characters and characters[0][0] in "\r\n" and characters[0][1] == block.start:
            start = block.start = characters.pop(0)[2]
        for number, (char, first, end) in enumerate(characters):
            if char == "\r" and number + 1 < len(characters) and characters[number + 1][0] == "\n":
                continue
            if char in "\r\n":
                stop = first - (number > 0 and characters[number - 1][0] == "\r")
                lines.append(Line(self.source.line_at(start), start, stop, code, tuple(places)))
                start, code, places = end, "", []
            else:
                code += char.replace("\xa0", " ")
                places += [first] * len(char)
        final_newline = not code.strip()
        if not final_newline:
            lines.append(Line(self.source.line_at(start), start, block.end, code, tuple(places)))
        self.events.append(
            Fence(
                block.language,
                block.line,
                tuple(lines),
                block.start,
                style=Style.HTML,
                final_newline=final_newline,
                tags=frozenset({"output"} if block.output else ()),
            )
        )


def _language(words: str) -> str:
    """The language that class names tell, as highlighters and generators write them."""
    match = LANGUAGE.search(words)
    if match:
        word = match[1].lower()
        return "python" if word in {"default", "ipython3-notranslate"} else word
    return next((word for word in words.lower().split() if word in PYTHON | SESSION), "")

"""Markdown: CommonMark by a real parser, with the directives of MyST, the chunks of Quarto and R Markdown, and the comments of MDX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from snipfix.documents.events import Comment, Event, Fence, Heading, Line, Prose
from snipfix.documents.info import CELL_TAGS, CONTAINERS, Info
from snipfix.documents.islands import code_blocks, components, fences_in
from snipfix.documents.source import Source
from snipfix.documents.titles import numbered
from snipfix.errors import DocumentError

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.token import Token

__all__ = ["read", "read_lines"]

COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
MDX_COMMENT = re.compile(r"\{/\*(.*?)\*/\}", re.DOTALL)
EMPHASIS = re.compile(r"(\*\*|__|\*|`)(?=\S)(.*?)(?<=\S)\1")
OPTION = re.compile(r"^:[\w-]+:( |$)")
BULLET = re.compile(r"[^\s>]")
HOLDER = re.compile(r"(?:(?:!!!|\?\?\?\+?|===)[ !+]*(?:\w|\")|\[\^[^\]\s]+\]:|:[ \t])")
"""What holds Markdown indented by four: notes and tabs of MkDocs (`!!! note`, `=== "Tab"`), footnotes, definitions."""
SHOWN_FENCE = re.compile(r"^\s*(?:`{3}|~{3}|:{3})", re.MULTILINE)
CELL_TAG = re.compile(r":?tags:\s*\[(.*)\]")
INTERRUPTING: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
BOLD_LEVEL = 7
"""Of a numbered question in bold letters: below every heading."""


def read(source: Source) -> Iterator[Event]:
    """The events of a Markdown document.

    Raises:
        DocumentError: for a fence that runs to the end of the document because it is never closed.
    """
    lines = source.lines
    body = _after_front_matter(lines)
    # Blank lines instead of the front matter: its `---` would make a heading of the line above.
    blanked = [*(Line(line.number, line.start, line.start, "") for line in lines[:body]), *lines[body:]]
    yield from read_lines(source, blanked)


def read_lines(source: Source, lines: Sequence[Line]) -> Iterator[Event]:
    """The events of lines that are Markdown inside another document: a docstring, a cell. Raises DocumentError as `read`."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    if source.path.lower().endswith(".mdx"):  # tags are components there: their content is Markdown, however far indented
        parser.disable(["code", "html_block"])
        parser.block.ruler.before("paragraph", "component", components, INTERRUPTING)
    parser.block.ruler.before("fence", "code_block_of_a_dialect", code_blocks, INTERRUPTING)
    yield from _Reader(source, parser).events(lines)


def _after_front_matter(lines: Sequence[Line]) -> int:
    if lines and lines[0].code.rstrip() == "---":
        for number, line in enumerate(lines[1:], start=1):
            if line.code.rstrip() in {"---", "..."}:
                return number + 1
    return 0


class _Reader:
    """One document; `events` calls itself for directives whose content is Markdown again."""

    def __init__(self, source: Source, parser: MarkdownIt) -> None:
        self.source, self.parser = source, parser

    def events(self, lines: Sequence[Line]) -> Iterator[Event]:
        """What the lines say, in order."""
        level, read_to = 0, 0
        for token in self.parser.parse("\n".join(line.code for line in lines)):
            if not token.map or token.map[0] < read_to:
                continue
            first, last = token.map
            at = lines[first].number
            match token.type:
                case "heading_open":
                    level = int(token.tag[1:])
                case "paragraph_open":
                    level = 0
                    if HOLDER.match(lines[first].code):
                        yield Prose(lines[first].code, at)
                        read_to = _indented_end(lines, first + 1)
                        yield from self._indented(lines[first + 1 : read_to])
                case "inline":
                    yield from self._inline_comments(lines, token)
                    text = _plain(token)
                    yield Heading(level or BOLD_LEVEL, text, at) if level or _is_bold_question(token, text) else Prose(text, at)
                case "html_block":
                    yield from self._comments(lines[first:last], COMMENT)
                    yield from fences_in(self.source, lines[first:last], contained=token.level > 0)
                case "code_block" if held := _held(lines, first):
                    read_to = _indented_end(lines, first)
                    yield from self._indented(lines[held:read_to])
                case "code_block":
                    yield self._indented_block(lines[first:last], token.content)
                case "fence":
                    yield from self._fence(lines, token)

    def _indented(self, lines: Sequence[Line]) -> Iterator[Event]:
        """What a note, a footnote or a definition holds."""
        yield from self.events([line.cut(min(4, _margin(line))) for line in lines])

    def _comments(self, lines: Sequence[Line], pattern: re.Pattern[str]) -> Iterator[Event]:
        text = "\n".join(line.code for line in lines)
        for comment in pattern.finditer(text):
            before = text.count("\n", 0, comment.start())
            body, at = list[Line](), comment.start(1)
            for line in lines[before : before + comment[1].count("\n") + 1]:
                column = at - (text.rfind("\n", 0, at) + 1)
                end = min(text.find("\n", at) if "\n" in text[at:] else len(text), comment.end(1))
                body.append(Line(line.number, line.start + column, line.start + column + end - at, text[at:end]))
                at = end + 1
            yield Comment(lines[before].number, tuple(body))

    def _inline_comments(self, lines: Sequence[Line], token: Token) -> Iterator[Event]:
        """Comments within a paragraph, and those of MDX, which CommonMark takes for text."""
        assert token.map is not None
        for opening, pattern in (("<!--", COMMENT), ("{/*", MDX_COMMENT)):
            if opening in token.content:
                yield from self._comments(lines[token.map[0] : token.map[1]], pattern)

    def _fence(self, lines: Sequence[Line], token: Token) -> Iterator[Event]:
        assert token.map is not None
        first, last = token.map
        contents = token.content.removesuffix("\n").split("\n") if token.content else []
        closed = last - first - 1 > len(contents)
        if not closed and not any(line.code.strip() for line in lines[last:]):
            shown = token.markup if len(token.markup) < 20 else f"{token.markup[:3]}... ({len(token.markup)} of them)"
            raise DocumentError(
                f"the fence that opens here ({shown}{token.info[:40]}) is never closed",
                place=f"{self.source.path}:{lines[first].number}",
                hint=f"add a line with {shown} after its code",
            )
        body = self._body(lines[first + 1 : last], contents)
        info = Info.parse(token.info)
        if info.directive in CONTAINERS:
            yield from self.events(_without_options(body))
            return
        if info.directive == "eval-rst":
            from snipfix.documents import rst

            yield from rst.events(self.source, body)
            return
        tags = frozenset[str]()
        if info.directive:
            whole, body = body, _without_options(body)
            tags = _cell_tags(whole[: len(whole) - len(body)])
        prefix = self._prefix(lines[first], lines[first].code.split(token.markup)[0])
        following = lines[first + 1].number if first + 1 < len(lines) else lines[first].number
        at = body[0].start if body else self.source.lines[following - 1].start
        refused = "a file that is included from elsewhere" if info.directive == "literalinclude" else ""
        yield Fence(token.info.strip(), lines[first].number, body, at, prefix=prefix, tags=tags, refused=refused)

    def _indented_block(self, lines: Sequence[Line], content: str) -> Fence:
        """An indented block. Up to three blanks that all its lines share are a list's: `1. ` and eight blanks leave one too many."""
        contents = content.removesuffix("\n").split("\n")
        margin = min(len(code) - len(code.lstrip(" ")) for code in contents if code.strip(" \t"))
        body = self._body(lines, [code[margin:] for code in contents] if margin < 4 else contents)
        prefix = self._prefix(lines[0], self.source.text[lines[0].start : body[0].start])
        refused = "an indented block that shows a fence: a fence has three blanks before it at most" if SHOWN_FENCE.search(content) else ""
        return Fence("", lines[0].number, body, body[0].start, prefix=prefix, tags=frozenset({"indented"}), refused=refused)

    def _prefix(self, line: Line, taken: str) -> str:
        """What a further line of a block starts with in the document: what stands before a line of nested Markdown, and the part of it that is no code."""
        return self.source.text[self.source.lines[line.number - 1].start : line.start] + BULLET.sub(" ", taken)

    def _body(self, lines: Sequence[Line], contents: Sequence[str]) -> tuple[Line, ...]:
        return tuple(self._line(line, code) for line, code in zip(lines, contents, strict=False))

    @staticmethod
    def _line(line: Line, code: str) -> Line:
        if line.code.endswith(code):
            return line.cut(len(line.code) - len(code))
        return Line(line.number, line.start, line.end, code)  # a tab that the container's indentation ends in


def _without_options(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The content of a directive: after its `:name: value` lines or its YAML block."""
    if lines and lines[0].code.strip() == "---":
        for number, line in enumerate(lines[1:], start=1):
            if line.code.strip() == "---":
                return lines[number + 1 :]
    start = next((number for number, line in enumerate(lines) if not OPTION.match(line.code)), len(lines))
    return lines[start + 1 :] if 0 < start < len(lines) and not lines[start].code.strip() else lines[start:]


def _cell_tags(options: Sequence[Line]) -> frozenset[str]:
    """The marks that the tags among a directive's options stand for."""
    found = [match[1] for line in options if (match := CELL_TAG.match(line.code.strip()))]
    return frozenset(CELL_TAGS[word] for words in found for word in re.findall(r"[\w-]+", words) if word in CELL_TAGS)


def _held(lines: Sequence[Line], at: int) -> int:
    """Where the content of the note, footnote or definition starts that opened the indentation at a line; 0 when none did."""
    above = next((number for number in reversed(range(at)) if lines[number].code.strip() and _margin(lines[number]) < 4), None)
    return above + 1 if above is not None and HOLDER.match(lines[above].code) else 0


def _margin(line: Line) -> int:
    return len(line.code) - len(line.code.lstrip(" "))


def _indented_end(lines: Sequence[Line], at: int) -> int:
    """Where the blank lines and lines indented by four end."""
    while at < len(lines) and (not lines[at].code.strip() or _margin(lines[at]) >= 4):
        at += 1
    return at


def _is_bold_question(token: Token, text: str) -> bool:
    """Whether a paragraph is a heading in all but name: all of it bold, and numbered."""
    kinds = [child.type for child in token.children or () if child.type != "text" or child.content]
    bold = kinds[:1] == ["strong_open"] and kinds[-1:] == ["strong_close"] and kinds.count("strong_open") == 1
    return bold and numbered(text)[0] is not None


def _plain(token: Token) -> str:
    """The text of an inline token without its marks of emphasis, code and links."""
    parts = (
        child.content if child.type in {"text", "code_inline"} else "\n" * (child.type in {"softbreak", "hardbreak"})
        for child in token.children or ()
    )
    text = "".join(parts)
    # `**label：**next` is not emphasis to CommonMark, but it is to the author.
    return EMPHASIS.sub(r"\2", text).strip()

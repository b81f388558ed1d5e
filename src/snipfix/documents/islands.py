"""Code in Markdown that is no fence to CommonMark: the colon directives of MyST, the highlight tags of Jekyll and Hugo, HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from snipfix.documents.events import Fence, Line
from snipfix.documents.info import CODE_DIRECTIVES
from snipfix.documents.source import Source

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock

__all__ = ["code_blocks", "components", "fences_in"]

COLONS = re.compile(rf"(:{{3,}})[ \t]*(\{{(?:{'|'.join(sorted(CODE_DIRECTIVES))})\}}.*)")
JEKYLL = re.compile(r"(\{%-?)\s*highlight\s+(.*?)\s*-?%\}\s*$")
HUGO = re.compile(r"(\{\{[<%])\s*highlight\s+(.*?)\s*[>%]\}\}\s*$")
FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*([^`]*)$")
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
COMPONENT = re.compile(r"</?[A-Za-z].*>\s*$")
PRE = re.compile(r"<pre\b", re.IGNORECASE)


def code_blocks(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A block rule of markdown-it: what the dialects write instead of a fence becomes a fence, closed by its own closing line."""
    if state.is_code_block(start):
        return False
    opening, closing = _opening(_text(state, start))
    if opening is None or closing is None:
        return False
    if silent:
        return True
    at = start + 1
    while at < end and not closing.match(_text(state, at)):
        if _text(state, at) and state.sCount[at] < state.blkIndent:  # the container ends
            end = at
            break
        at += 1
    token = state.push("fence", "code", 0)
    token.info, token.markup = opening[2], opening[1]
    token.content = state.getLines(start + 1, at, state.sCount[start], True)
    state.line = min(at + 1, end)
    token.map = [start, state.line]
    return True


def components(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    """A block rule of markdown-it for MDX: a line of tags stands alone, and what is below it is Markdown."""
    if not COMPONENT.match(_text(state, start)):
        return False
    if not silent:
        token = state.push("html_block", "", 0)
        token.map, token.content = [start, start + 1], _text(state, start)
        state.line = start + 1
    return True


def _opening(text: str) -> tuple[re.Match[str] | None, re.Pattern[str] | None]:
    """The line that opens such a block, and what closes it."""
    if match := COLONS.match(text):
        return match, re.compile(rf":{{{len(match[1])},}}\s*$")
    if match := JEKYLL.match(text):
        return match, re.compile(r"\{%-?\s*endhighlight")
    if match := HUGO.match(text):
        return match, re.compile(r"\{\{[<%]\s*/\s*highlight")
    return None, None


def _text(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def fences_in(source: Source, lines: Sequence[Line], *, contained: bool) -> Iterator[Fence]:
    """The <pre> blocks of a block of HTML, and, refused, what is written as a fence there and is none.

    `contained`: the block stands in a quote or a list, whose prefixes are no part of the HTML.
    """
    text = "\n".join(line.code for line in lines)
    bare = COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text)
    if PRE.search(bare):
        yield from _preformatted(source, lines, contained=contained)
    opened = ""
    for number, line in enumerate(lines):
        match = FENCE.match(line.code)
        if match is None:
            continue
        if opened:
            opened = "" if match[1].startswith(opened) and not match[2].strip() else opened
            continue
        opened = match[1]
        shown = bare.split("\n")[number].strip()
        why = "inside HTML, where Markdown has no fences: a blank line above makes it one" if shown else "in an HTML comment"
        yield Fence(match[2].strip(), line.number, (), line.end, refused=why)


def _preformatted(source: Source, lines: Sequence[Line], *, contained: bool) -> Iterator[Fence]:
    from snipfix.documents import html

    whole = not contained and all(line.start == source.lines[line.number - 1].start for line in lines)
    found = html.blocks(source, lines[0].start, lines[-1].end) if whole else []
    yield from found
    if not found:
        yield Fence("", lines[0].number, (), lines[0].end, refused="a <pre> that is quoted, in a list, or cut short by a blank line")

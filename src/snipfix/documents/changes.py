"""From new code for a fence to the few changes of the document's text that bring it there, line by line."""

from __future__ import annotations

import difflib
import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from snipfix.code import parse
from snipfix.documents.events import Fence, Line, Style
from snipfix.documents.sessions import BLANK
from snipfix.documents.source import Source
from snipfix.errors import DocumentError

__all__ = ["Change", "changes", "retold"]

Change = tuple[int, int, str]
PLAIN_PREFIX = re.compile(r"[ \t>]*")
PROMPTED = re.compile(r"([ \t>]*)(>>>|\.\.\.(?!\.*:)|(?:In ?\[\d+\]|\.{3,}):) ?")
TAG = re.compile(r"<[^>]*>")
PROMPTS = frozenset({Style.PROMPT, Style.HTML_PROMPT})
NUMBERED = frozenset({Style.IPYTHON, Style.HTML_IPYTHON})
ESCAPED = frozenset({Style.JSON, Style.HTML, Style.HTML_PROMPT, Style.HTML_IPYTHON})


def changes(source: Source, fence: Fence, code: str) -> list[Change]:
    """Replacements (start, end, text) in the document's text that make `code` stand in the fence.

    Lines that stay keep every byte; a changed line keeps its prefix and its newline; a new line gets those of its neighbour.

    Raises:
        DocumentError: for a block that can be read but not written.
    """
    new = code.removesuffix("\n").split("\n") if code else []
    writer = (_InLiteral if fence.style in ESCAPED else _InText)(source, fence, new)
    return list(writer.changes())


def retold(source: Source, fence: Fence, output: str) -> list[Change]:
    """Replacements that make a session show what it prints: line for line, so that each stays under its prompt.

    Raises:
        DocumentError: when it prints more lines or fewer than it shows.
    """
    new = output.removesuffix("\n").split("\n")
    if len(new) != len(fence.shown):
        place = f"{source.path}:{fence.line}"
        raise DocumentError("a session that prints another number of lines than it shows", place=place, hint="mend it by hand")
    plain = fence.style not in ESCAPED
    pairs = zip(fence.shown, (text or BLANK for text in new), strict=True)
    return [(line.start, line.end, text if plain else html.escape(text, quote=False)) for line, text in pairs if line.code != text]


@dataclass
class _Writer:
    """One fence and the lines it is to have."""

    source: Source
    fence: Fence
    new: Sequence[str]

    @property
    def old(self) -> tuple[Line, ...]:
        return self.fence.lines

    def changes(self) -> Iterator[Change]:
        """The changes, each touching only lines that differ."""
        matcher = difflib.SequenceMatcher(None, [line.code for line in self.old], self.new, autojunk=False)
        for tag, a1, a2, b1, b2 in matcher.get_opcodes():
            if tag == "equal":
                continue
            free = [number for number in range(a1, a2) if self.old[number] not in self.fence.pinned]
            pairs = list(zip(free, range(b1, b2), strict=False))
            for number, at in pairs:
                yield self.replaced(self.old[number], at)
            for number in free[len(pairs) :]:
                self.check_removal(number)
                yield self.removed(number)
            added = [at for at in range(b1 + len(pairs), b2) if self.is_shown(at)]
            if added:
                number = pairs[-1][0] + 1 if pairs else self.below_magics(a1)
                yield self.grown(number, added) if self.fence.style in NUMBERED else self.inserted(number, added)

    def is_shown(self, at: int) -> bool:
        """Whether a new line is worth a line of the document: between the statements of a session a blank one is none."""
        return bool(self.new[at].strip()) or at not in self.statements or self.fence.style not in PROMPTS | NUMBERED

    def check_removal(self, number: int) -> None:
        """Raises DocumentError for a line of a session on whose prompt other things rest: the output below it, the rest of its cell."""
        if self.fence.style not in PROMPTS | NUMBERED:
            return
        following = self.old[number + 1] if number + 1 < len(self.old) else None
        last = following is None and any(one.number > self.old[number].number for one in self.fence.shown)
        goes_on = following is not None and self.starts_cell(number) and following.code.strip() and not self.starts_cell(number + 1)
        if last or following in self.fence.pinned or goes_on:
            raise self.cannot("a session cannot be bereft of a statement that shows an output or opens a cell")

    def cannot(self, reason: str) -> DocumentError:
        return DocumentError(reason, place=f"{self.source.path}:{self.fence.line}", hint="mend it by hand")

    def below_magics(self, number: int) -> int:
        """Where a line goes that is to stand first: below the magics at the head, of which `%%time` must be the first line and `!pip` run first."""
        if any(line not in self.fence.pinned for line in self.old[:number]):
            return number
        return next((at for at in range(number, len(self.old)) if self.old[at].code or self.old[at] not in self.fence.pinned), number)

    def prompt(self, at: int) -> str:
        """What a session of Python's own shows before line `at` of the new code; nothing before other code."""
        if self.fence.style in PROMPTS:
            return ">>> " if at in self.statements else "... "
        return ""

    def shown_prompt(self, number: int) -> str:
        """The prompt that the document shows before an old line, with its blank."""
        raise NotImplementedError

    def starts_cell(self, number: int) -> bool:
        """Whether an old line has a number of IPython's."""
        return self.fence.style in NUMBERED and self.shown_prompt(number).startswith("In")

    def going_on(self, number: int) -> str:
        """The prompt of IPython for a further line of the cell that an old line stands in."""
        start = next((one for one in range(number, -1, -1) if self.starts_cell(one)), number)
        return "...: ".rjust(len(self.shown_prompt(start).rstrip()) + 1)

    def grown(self, number: int, added: Sequence[int]) -> Change:
        """New lines of a numbered session before old line `number`: as further lines of a cell, so that all numbers stay.

        Raises:
            DocumentError: where they would come last in a cell whose last value is shown.
        """
        above, below = number - 1, number
        on = above >= 0 and self.old[above].code.strip() and not (below < len(self.old) and self.old[below] in self.fence.pinned)
        within = below < len(self.old) and bool(self.old[below].code.strip()) and not self.starts_cell(below)
        imports = self.new[added[0] - 1].startswith(("import ", "from ")) and added[0] > 0
        ends = below >= len(self.old) and not any(line.number > self.old[above].number for line in self.fence.shown)
        if on and (within or imports or ends or added[0] not in self.statements):
            return self.inserted_in_cell(above, added)
        start = next((one for one in range(number, len(self.old)) if self.starts_cell(one)), None)
        if start is None:
            raise self.cannot("a numbered session cannot be given a statement after a value that it shows")
        return self.opened_cell(start, added)

    def inserted_in_cell(self, number: int, added: Sequence[int]) -> Change:
        """New lines below old line `number`, in its cell."""
        raise NotImplementedError

    def opened_cell(self, number: int, added: Sequence[int]) -> Change:
        """New lines at the head of the cell that old line `number` opens."""
        raise NotImplementedError

    @cached_property
    def statements(self) -> set[int]:
        """The new lines (from 0) that a prompt of its own introduces: all but the insides of statements."""
        try:
            body = parse("\n".join(self.new)).body
        except (SyntaxError, ValueError):
            return {number for number, text in enumerate(self.new) if not text.startswith((" ", "\t"))}
        inside = set[int]()
        for statement in body:
            first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", []))])
            inside |= set(range(first, statement.end_lineno or first))
        return set(range(len(self.new))) - inside

    def replaced(self, line: Line, at: int) -> Change:
        """A line of the document with line `at` of the new code."""
        raise NotImplementedError

    def removed(self, number: int) -> Change:
        raise NotImplementedError

    def inserted(self, number: int, added: Sequence[int]) -> Change:
        """Lines `added` of the new code before line `number` of the old."""
        raise NotImplementedError


class _InText(_Writer):
    """Lines of code that are lines of the document, each behind a prefix: Markdown, reST, docstrings, sessions, plain files."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """What may stand before a line that is a whole line of the document."""
        return PROMPTED if self.fence.style in {Style.PROMPT, Style.IPYTHON} else PLAIN_PREFIX

    def before(self, line: Line) -> str:
        """What stands before a line of code in the document."""
        return self.source.text[self.source.lines[line.number - 1].start : line.start]

    def prefix(self, number: int) -> str:
        """What a new line before line `number` starts with: what its nearest neighbour does, without prompt, and no less than the fence."""
        for distance in range(len(self.old)):
            for near in (number - 1 - distance, number + distance):
                if 0 <= near < len(self.old) and self.old[near].code.strip():
                    match = self.pattern.fullmatch(self.before(self.old[near]))
                    if match and self.old[near] not in self.fence.pinned and self.is_plain(self.old[near]):
                        found = match[1] if match.groups() else match[0]
                        return found if _width(found) >= _width(self.fence.prefix) else self.fence.prefix
        return self.fence.prefix

    def is_plain(self, line: Line) -> bool:
        return self.source.text[line.start : line.end] == line.code

    def line(self, number: int, at: int) -> str:
        """New line `at` with everything before it."""
        text, prefix = self.new[at], self.prefix(number) + self.prompt(at)
        return prefix + text if text else prefix.rstrip(" \t")

    def shown_prompt(self, number: int) -> str:
        match = PROMPTED.fullmatch(self.before(self.old[number]))
        return self.before(self.old[number])[match.end(1) :] if match else ""

    def inserted_in_cell(self, number: int, added: Sequence[int]) -> Change:
        newline, prompt = self.source.newline(self.old[number].number), self.prefix(number) + self.going_on(number)
        end = self.old[number].end
        return end, end, "".join(newline + (prompt + self.new[at]).rstrip() for at in added)

    def opened_cell(self, number: int, added: Sequence[int]) -> Change:
        line, newline, shown = self.old[number], self.source.newline(self.old[number].number), self.shown_prompt(number)
        on = self.prefix(number) + self.going_on(number)
        first, *rest = (self.new[at] for at in added)
        lines = [shown + first, *((on + text).rstrip() for text in rest), on]
        return line.start - len(shown), line.start, newline.join(lines)

    def replaced(self, line: Line, at: int) -> Change:
        text = self.new[at]
        if self.fence.style is Style.PROMPT and (shown := self.shown_prompt(self.old.index(line))) != (prompt := self.prompt(at)):
            return line.start - len(shown), line.end, (prompt + text).rstrip()
        if not self.is_plain(line):  # a tab that ends inside the container's indentation
            return self.source.lines[line.number - 1].start, line.end, self.fence.prefix + text
        before = self.before(line)
        # A line indented less than its fence can be read back only as long as it starts with no blank.
        less = not line.code or (text.startswith((" ", "\t")) and not line.code.startswith((" ", "\t")))
        if less and self.fence.style is Style.TEXT and PLAIN_PREFIX.fullmatch(before):
            prefix = self.prefix(self.old.index(line))
            if text and _width(before) < _width(prefix):
                return line.start - len(before), line.end, prefix + text
        if not text and PLAIN_PREFIX.fullmatch(before):
            return line.start - len(before) + len(before.rstrip()), line.end, ""
        return line.start, line.end, text

    def removed(self, number: int) -> Change:
        line, full = self.old[number], self.source.lines
        if not self.pattern.fullmatch(self.before(line)) or line.number >= len(full):
            start = self.old[number - 1].end if number else line.start
            return start, line.end, ""
        return full[line.number - 1].start, full[line.number].start, ""

    def inserted(self, number: int, added: Sequence[int]) -> Change:
        texts = [self.line(number, at) for at in added]
        if number < len(self.old) and self.pattern.fullmatch(self.before(self.old[number])):
            at = self.source.lines[self.old[number].number - 1].start
            newline = self.source.newline(max(self.old[number].number - 1, 1))
            return at, at, "".join(text + newline for text in texts)
        if self.old:
            newline = self.source.newline(self.old[-1].number)
            return self.old[-1].end, self.old[-1].end, "".join(newline + text for text in texts)
        newline = self.source.newline(self.fence.line)
        return self.fence.at, self.fence.at, "".join(text + newline for text in texts)


def _width(prefix: str) -> int:
    return len(prefix.expandtabs(4))


class _InLiteral(_Writer):
    """Lines of code that the format escapes: strings of a notebook, HTML."""

    def written(self, at: int) -> str:
        """Line `at` of the new code as it stands in the document."""
        return self.escaped(self.prompt(at) + self.new[at])

    def escaped(self, text: str) -> str:
        """Text as the format writes it."""
        if self.fence.style is not Style.JSON:
            return html.escape(text, quote=False)
        return json.dumps(text, ensure_ascii="\\u" in self.source.text and self.source.text.isascii())[1:-1]

    @property
    def separator(self) -> str:
        """What stands between two lines."""
        if len(self.old) > 1:
            return self.source.text[self.old[0].end : self.old[1].start]
        if self.fence.style is not Style.JSON:
            return self.source.newline(self.fence.line)
        return self.fence.prefix

    def shown_prompt(self, number: int) -> str:
        line = self.old[number]
        match = PROMPTED.match(html.unescape(TAG.sub("", self.source.text[line.start : line.end])))
        return match[2] + " " if match else ""

    def inserted_in_cell(self, number: int, added: Sequence[int]) -> Change:
        end, prompt = self.old[number].end, self.going_on(number)
        return end, end, "".join(self.separator + self.escaped((prompt + self.new[at]).rstrip()) for at in added)

    def opened_cell(self, number: int, added: Sequence[int]) -> Change:
        line, on = self.old[number], self.going_on(number)
        first, *rest = (self.new[at] for at in added)
        lines = [self.shown_prompt(number) + first, *((on + text).rstrip() for text in rest), on + line.code]
        return line.start, line.end, self.separator.join(map(self.escaped, lines))

    def replaced(self, line: Line, at: int) -> Change:
        if self.fence.style is Style.HTML_IPYTHON:
            number = self.old.index(line)
            prompt = self.shown_prompt(number) if self.starts_cell(number) else self.going_on(number)
            return line.start, line.end, self.escaped(prompt + self.new[at])
        return line.start, line.end, self.written(at)

    def removed(self, number: int) -> Change:
        if number + 1 < len(self.old):
            return self.old[number].start, self.old[number + 1].start, ""
        return self.old[number - 1].end if number else self.old[number].start, self.old[number].end, ""

    def inserted(self, number: int, added: Sequence[int]) -> Change:
        texts = [self.written(at) for at in added]
        if number < len(self.old):
            at = self.old[number].start
            return at, at, "".join(text + self.separator for text in texts)
        at = self.old[-1].end if self.old else self.fence.at
        return at, at, "".join(self.separator + text for text in texts)

"""From a reader's events to a Document: which fences are snippets, what they are called, what they print, what they build on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from snipfix.documents import recognise
from snipfix.documents.events import Comment, Event, Fence, Heading, Line, Prose, Style, code_of
from snipfix.documents.fragments import SKETCH, fragment_of
from snipfix.documents.info import Info, cell_options
from snipfix.documents.marks import Mark, mark_of
from snipfix.documents.names import names_of
from snipfix.documents.namespaces import Block, link
from snipfix.documents.sessions import Statements, value_of, without_prompts
from snipfix.documents.source import STDIN, Source
from snipfix.documents.titles import Headings, announces_error, announces_wrong, is_output_label, language_of
from snipfix.errors import DocumentError, SnipfixError
from snipfix.model import Skipped, Snippet

__all__ = ["Document", "Part", "assemble"]


ESCAPING = frozenset({Style.JSON, Style.HTML, Style.HTML_PROMPT, Style.HTML_IPYTHON})
"""Of the formats in which a character of code may be several of the document."""
MOST_CODE = 1_000_000
"""Characters of a block that is looked at: more is no text for readers, and its tree takes a thousand bytes for each."""


@dataclass(frozen=True)
class Part:
    """Where a snippet and its documented output stand in the document."""

    fence: Fence
    output: Fence | None = None
    question: int | None = None


@dataclass(frozen=True)
class Document:
    """A document as it was read: its snippets, and everything in it that was not looked at."""

    path: str
    """As given."""
    format: str
    language: str
    snippets: tuple[Snippet, ...]
    skipped: tuple[Skipped, ...]
    source: Source | None = None
    """None for a workspace."""
    parts: tuple[Part, ...] = ()
    """One for each snippet, for documents that can be written back."""
    trouble: SnipfixError | None = None
    """Why it could not be read; it has no snippets then."""

    @property
    def raw(self) -> bytes:
        """The bytes that were read."""
        return self.source.raw if self.source else b""

    @property
    def encoding(self) -> str:
        return self.source.encoding if self.source else "utf-8"

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the bytes."""
        return self.source.sha256 if self.source else ""

    def part(self, snippet: str) -> Part:
        """Where the snippet of an id stands. Raises DocumentError when there is none."""
        try:
            return self._parts[snippet]
        except KeyError as error:
            raise DocumentError(f"no snippet {snippet!r}", place=self.path) from error

    @cached_property
    def _parts(self) -> dict[str, Part]:
        return {one.id: part for one, part in zip(self.snippets, self.parts, strict=False)}


@dataclass
class _Draft:
    """A snippet in the making."""

    fence: Fence
    title: str
    section: int
    question: int | None
    tags: set[str]
    documented: str | None = None
    output: Fence | None = None
    hidden: bool = False
    """Not looked at for itself: others may build on it."""
    session: Statements = ()


@dataclass
class _Assembler:
    """Reads events in order; what it remembers between them is all here."""

    source: Source
    headings: Headings = field(default_factory=Headings)
    drafts: list[_Draft] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    label: str = ""
    left_out: dict[str, int] = field(default_factory=dict)
    """Names that sketches give, with the lines of the sketches."""
    given: set[str] = field(default_factory=set)
    """Names that blocks give."""
    open: bool = False
    """Whether the fence that comes next may be the output of the last draft."""

    def read(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case Heading():
                    self.open = self.open and is_output_label(event.text)
                    self.headings.enter(event)
                    self.label = event.text
                    self.prose.append(event.text)
                case Prose():
                    self.label = event.text
                    self.prose.append(event.text)
                case Comment():
                    mark = mark_of(event, self.source.path)
                    if mark and mark.lines:
                        self._hide(event, mark)
                    elif mark:
                        self.marks.append(mark)
                case Fence():
                    self._fence(event)
                    self.label = ""
        if any(mark.word not in {"reset", "setup"} for mark in self.marks):
            word = self.marks[-1].word
            raise DocumentError(
                f"a mark `snipfix: {word}` with no block after it", place=self.source.path, hint="put it above the block it speaks of"
            )

    def _hide(self, comment: Comment, mark: Mark) -> None:
        fence = Fence("python", comment.line, mark.lines, mark.lines[0].start)
        self.drafts.append(_Draft(fence, "setup", self.headings.section, None, {"setup"}, hidden=True))

    def _fence(self, fence: Fence) -> None:
        info = Info.parse(fence.info)
        labelled = is_output_label(self.label) or "output" in fence.tags or info.language in {"output", "out", "stdout"}
        if self.open and not self.marks and recognise.is_output(fence, info, labelled=labelled):
            self.open = False
            self._output(fence, info)
            return
        self.open = False
        marks, self.marks = self.marks, []
        tags = {mark.word for mark in marks} | info.tags | fence.tags | cell_options(line.code for line in fence.lines)
        reason = fence.refused or next((mark.reason for mark in marks if mark.word == "skip"), "")
        if (size := sum(len(line.code) for line in fence.lines)) > MOST_CODE:
            self._skip(fence, f"more code than is looked at ({size} characters)")
        elif fence.refused or not recognise.is_python(fence, info):
            self._skip(fence, fence.refused or _why_not(fence, info))
        elif "skip" in tags:
            self._skip(fence, f"marked skip: {reason}" if reason else "marked skip")
        else:
            self._python(fence, info, tags)

    def _python(self, fence: Fence, info: Info, tags: set[str]) -> None:
        documented: str | None = None
        session: Statements = ()
        if recognise.is_session(fence):
            fence, documented, session = without_prompts(fence)
            if any(recognise.ends_in_error(line.code) for line in fence.shown):
                tags, documented, session = tags | {"expect-error"}, None, ()
        shown = "file" not in tags  # in a program `...` is a value, and its comments speak of other things
        if shown and (announces_error(self.label) or recognise.ends_on_purpose(code_of(fence))):
            tags = tags | {"expect-error"}
        fence, blanked, foreign = recognise.without_magics(fence)
        if foreign or not code_of(fence).strip():
            self._skip(fence, foreign or "nothing in it")
            return
        if shown and (sketch := self._sketched(code_of(fence), fence.line)):
            self._skip(fence, sketch)
            return
        for line, text in blanked:
            self.skipped.append(Skipped(self.source.path, line.number, fence.info, f"left out, not Python: {text[:60]}"))
        wrong = shown and not tags & {"expect-error", "setup"} and (announces_wrong(self.label) or recognise.opens_as_wrong(code_of(fence)))
        if wrong:
            self._skip(fence, "shown as how not to do it")
            tags = tags | {"expect-error"}
        title = fence.title or self.headings.title
        self.drafts.append(
            _Draft(fence, title, self.headings.section, self.headings.question, tags, documented, hidden=wrong, session=session)
        )
        self.open = documented is None

    def _sketched(self, code: str, line: int) -> str:
        """Why a block cannot be judged: it leaves out what it needs, or needs what an earlier one left out. Empty for any other."""
        names = names_of(code)
        wanted = names.needs & self.left_out.keys()
        for name in names.gives:
            self.left_out.pop(name, None)
        reason = SKETCH if recognise.is_sketch(code) else fragment_of(code, self.given)
        if not wanted and not reason:
            self.given |= names.gives
            return ""
        if wanted or reason.startswith("a sketch"):
            self.left_out |= dict.fromkeys(names.gives - names.imports, line)
        if wanted:
            return f"builds on a sketch (line {min(self.left_out.get(name, line) for name in wanted)})"
        return reason

    def _output(self, fence: Fence, info: Info) -> None:
        draft = self.drafts[-1]
        if recognise.is_traceback(fence, info):
            draft.tags.add("expect-error")
        else:
            draft.output, draft.documented = fence, code_of(fence)
            draft.session = value_of(code_of(draft.fence)) if "value" in fence.tags else ()

    def _skip(self, fence: Fence, reason: str) -> None:
        self.skipped.append(Skipped(self.source.path, fence.line, fence.info, reason))


def _why_not(fence: Fence, info: Info) -> str:
    word = recognise.other_program(code_of(fence)) or fence.language or info.language
    if word:
        return f"not Python ({word})"
    if info.directive:
        return f"not Python ({info.directive})"
    return f"{'an indented block' if 'indented' in fence.tags else 'no language'}, and not plainly Python"


def assemble(source: Source, events: Iterable[Event], format: str, *, shared: bool = False) -> Document:  # noqa: A002
    """The Document that a reader's events amount to. `shared`: all its blocks live in one namespace.

    Raises:
        ConfigError: for a mark that cannot be understood.
        DocumentError: for a mark that speaks of nothing; and what the reader raises.
    """
    assembler = _Assembler(source)
    assembler.read(events)
    language = language_of("\n".join(assembler.prose) or source.text)
    drafts = assembler.drafts
    blocks = [
        Block(code_of(one.fence), one.section, frozenset(one.tags), shared, one.fence.docstring, one.documented is not None)
        for one in drafts
    ]
    stem = "stdin" if source.path == STDIN else Path(source.path).stem
    made, shown = list[Snippet](), list[Snippet]()
    for draft, before in zip(drafts, link(blocks), strict=True):
        name = f"{stem}:setup{len(made) - len(shown) + 1}" if draft.hidden else f"{stem}:{len(shown) + 1}"
        earlier = tuple(replace(made[one], expect_error=True) if one in before.changed else made[one] for one in before.blocks)
        snippet = replace(_snippet(source, draft, name), before=earlier, language=language)
        made.append(snippet)
        if not draft.hidden:
            shown.append(snippet)
    parts = tuple(Part(draft.fence, draft.output, draft.question) for draft in drafts if not draft.hidden)
    return Document(source.path, format, language, tuple(shown), tuple(assembler.skipped), source, parts)


def _snippet(source: Source, draft: _Draft, name: str) -> Snippet:
    lines = draft.fence.lines
    indents = tuple(source.column(line) for line in lines)
    return Snippet(
        id=name,
        title=draft.title,
        document=source.path,
        code=code_of(draft.fence),
        line=lines[0].number,
        indents=indents if any(indents) else (),
        info=draft.fence.info,
        unlabelled=recognise.unlabelled(draft.fence, Info.parse(draft.fence.info)),
        documented_output=draft.documented,
        expect_error="expect-error" in draft.tags,
        session=draft.session,
        places=tuple(_places(source, line) for line in lines) if draft.fence.style in ESCAPING else (),
    )


def _places(source: Source, line: Line) -> tuple[int, tuple[int, ...]]:
    """The document's line where a line of code stands, and the columns there of its characters and of its end."""
    start = source.lines[line.number - 1].start
    offsets = line.offsets
    # Tags follow the last character; its own end is where the next one begins, or it is one wide.
    end = offsets[-1] + 1 if offsets else line.start
    return line.number, tuple(offset - start + 1 for offset in (*offsets, end))

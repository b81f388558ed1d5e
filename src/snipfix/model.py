"""The frozen data types of an audit: snippets, findings, fixes, repairs and the report of one run.

Everything imports this module; it imports nothing of snipfix but `evidence`. Words are those of DESIGN §1.
Positions are 1-based lines and columns in code points, ends exclusive, in the snippet's own text unless a name says otherwise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from pathlib import PurePath
from typing import Any

from snipfix.evidence import Outcome, Span, StandIn

__all__ = [
    "Applicability",
    "Category",
    "Edit",
    "Finding",
    "Fix",
    "Meaning",
    "Repair",
    "RepairVerdict",
    "Result",
    "RunReport",
    "Severity",
    "Skipped",
    "Snippet",
    "Span",
    "Stage",
    "StageResult",
    "Verdict",
    "Waived",
]


class Stage(StrEnum):
    """How deep a snippet is looked at, in order."""

    PARSE = "parse"
    STATIC = "static"
    RUN = "run"
    EXERCISE = "exercise"
    PROBE = "probe"

    @cached_property
    def depth(self) -> int:
        return list(Stage).index(self)


class Severity(StrEnum):
    """Error: an expert would say so with confidence. Warning: doubt. Note: taste."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Category(StrEnum):
    """The kinds of defect (DESIGN §2); a finding has exactly one."""

    SYNTAX = "syntax"
    UNDEFINED_NAME = "undefined-name"
    SHAPE = "shape"
    DTYPE = "dtype"
    DEVICE = "device"
    API_MISUSE = "api-misuse"
    AUTOGRAD = "autograd"
    DEPRECATED = "deprecated"
    LOSS = "loss"
    TRAINING_LOOP = "training-loop"
    BATCH_LAYOUT = "batch-layout"
    CAUSALITY = "causality"
    DOCUMENTED_OUTPUT = "documented-output"
    RESOURCE = "resource"
    ENVIRONMENT = "environment"


class Applicability(StrEnum):
    """First grading of a Fix: does the mended code run? Running it may lift UNSAFE, never DISPLAY_ONLY."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    DISPLAY_ONLY = "display-only"


class Meaning(StrEnum):
    """Second grading of a Fix: what becomes of the author's intent. Running never proves it."""

    KEEPS = "keeps"
    RESTORES = "restores"
    CHANGES = "changes"


class Verdict(StrEnum):
    """What an audit says of a snippet."""

    CLEAN = "clean"
    SUSPECT = "suspect"
    FAILING = "failing"
    NOT_RUNNABLE = "not runnable"


class RepairVerdict(StrEnum):
    """What a repair says of a snippet."""

    UNCHANGED = "unchanged"
    REPAIRED = "repaired"
    PARTLY_REPAIRED = "partly repaired"
    UNREPAIRED = "unrepaired"


SHELL_INFO = re.compile(r"ipython|code-cell|jupyter", re.IGNORECASE)
MOST_PACKAGES = 4
"""Folders above a file that may be packages."""
HIDDEN_ID = re.compile(r":setup\d+$")


def modules_of(path: str) -> tuple[str, ...]:
    """The names by which a Python file may be imported, the shortest first; none for another document."""
    if not path.endswith(".py"):
        return ()
    parts = list(PurePath(path).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    names = list[str]()
    while parts and parts[-1].isidentifier() and len(names) < MOST_PACKAGES:
        names.append(".".join([parts.pop(), *names[-1:]]))
    return tuple(names)


@dataclass(frozen=True)
class Snippet:
    """An extracted, frozen unit of code.

    `code` has newlines as "\\n" and the fence's indentation or quote prefix removed. `line` is the document line of its
    first line; `indents[i]` is the number of code points removed from the front of line i (empty: none anywhere).
    `before` are earlier snippets of the document that must run first in the same namespace.
    """

    id: str
    title: str
    document: str
    code: str
    line: int = 1
    indents: tuple[int, ...] = ()
    info: str = "python"
    documented_output: str | None = None
    before: tuple[Snippet, ...] = ()
    expect_error: bool = False
    language: str = "en"
    path: str | None = None
    """The snippet's own file, in a workspace."""
    session: tuple[tuple[str, bool], ...] = ()
    """Of a session at the prompt: its statements, each with whether the document shows the value that the prompt echoes for it."""
    unlabelled: str = ""
    """In words, what kind of block it is, where its code alone says that it is Python."""
    places: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """Where a format escapes code (HTML, notebooks): for each line that of the document, and the columns of its characters and of its end."""

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the code's UTF-8 bytes."""
        return hashlib.sha256(self.code.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def hidden(self) -> bool:
        """Whether readers do not see it: a setup block within a comment, which has no place to be written to."""
        return HIDDEN_ID.search(self.id) is not None

    @property
    def in_shell(self) -> bool:
        """Whether it is to run where IPython runs: in a notebook, or a document that becomes one."""
        return self.document.lower().endswith((".ipynb", ".qmd", ".rmd")) or SHELL_INFO.search(self.info) is not None

    @property
    def modules(self) -> tuple[str, ...]:
        """The names by which the examples of a Python file may import that file."""
        return modules_of(self.document)

    def locate(self, span: Span) -> Span:
        """The same place in document coordinates."""

        return Span(*self._place(span.line, span.column), *self._place(span.end_line, span.end_column))

    def _place(self, line: int, column: int) -> tuple[int, int]:
        if 0 < line <= len(self.places):
            number, columns = self.places[line - 1]
            return number, columns[min(max(column, 1), len(columns)) - 1]
        indent = self.indents[line - 1] if 0 < line <= len(self.indents) else 0
        return line + self.line - 1, column + indent


@dataclass(frozen=True, slots=True)
class Skipped:
    """A fence that was not looked at, and why: never silently."""

    document: str
    line: int
    info: str
    reason: str


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace code[start:end] (offsets in code points) by text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A candidate edit, transactional: all edits or none. `title` says what it does, in the imperative."""

    title: str
    edits: tuple[Edit, ...]
    applicability: Applicability = Applicability.UNSAFE
    meaning: Meaning = Meaning.RESTORES
    rule: str = ""
    preference: int = 0
    """Among the fixes of one finding: lower is what a teacher would rather write."""
    chinese: str = ""
    """The title in Chinese where no catalogue has it: that of a patch, which its author wrote in both languages."""

    def apply(self, code: str) -> str:
        """The edited text.

        Raises:
            ValueError: when edits overlap or lie outside the text.
        """
        out, at = [], 0
        for edit in sorted(self.edits):
            if edit.start < at or edit.end > len(code) or edit.end < edit.start:
                raise ValueError(f"edits of {self.title!r} overlap or leave the text at offset {edit.start}")
            out += [code[at : edit.start], edit.text]
            at = edit.end
        return "".join([*out, code[at:]])


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's report at one place of one snippet, with the evidence it rests on."""

    rule: str
    name: str
    category: Category
    severity: Severity
    message: str
    span: Span
    stage: Stage
    evidence: Mapping[str, Any] = field(default_factory=dict)
    fixes: tuple[Fix, ...] = ()
    behind: str = ""
    """Set when the finding shows only after another one is mended: that mending's title."""

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    @property
    def key(self) -> tuple[str, int, int]:
        """What makes it the same finding in two audits of the same text."""
        return (self.rule, self.span.line, self.span.column)

    def moved(self, span: Span) -> Finding:
        return replace(self, span=span)


@dataclass(frozen=True, slots=True)
class StageResult:
    """How one stage ended: passed, failed, or skipped; `reason` whenever it did not pass."""

    stage: Stage
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Repair:
    """A Fix or Patch with its proof."""

    verdict: RepairVerdict
    corrected: str
    diff: str
    fixes: tuple[Fix, ...] = ()
    patch: str | None = None
    """File name in fixes/ when a reviewed patch was used."""
    reason: str = ""
    findings_after: tuple[Finding, ...] = ()
    outcome: Outcome | None = None
    alternatives: tuple[Fix, ...] = ()
    """What also works in place of the last fix, each with the edits of the snippet's own text that its whole repair amounts to."""
    tries: int = 0
    output: str | None = None
    """What the corrected code prints, where the documented output was proven wrong."""
    earlier: tuple[tuple[str, str], ...] = ()
    """Blocks of the document that were mended for this one, because the fault was born there: the id of each and its new code."""


@dataclass(frozen=True, slots=True)
class Result:
    """All that one run knows of one snippet."""

    snippet: Snippet
    verdict: Verdict
    stages: tuple[StageResult, ...]
    findings: tuple[Finding, ...]
    stand_ins: tuple[StandIn, ...] = ()
    outcome: Outcome | None = None
    repair: Repair | None = None
    reason: str = ""
    """Why, when not runnable."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Waived:
    """What a baseline took out of a run: how many findings it accepts, and entries of it that nothing needs any more."""

    file: str
    accepted: int
    unneeded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run over documents or a workspace: the only thing a report renders."""

    results: tuple[Result, ...]
    skipped: tuple[Skipped, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    """python, torch, device, isolation and its layers: no time, no host, no absolute path."""
    command: str = "audit"
    seconds: float = 0.0
    """Wall time; for the terminal only, never in a committed report."""
    baseline: Waived | None = None
    """Set when accepted findings were taken out of the results."""

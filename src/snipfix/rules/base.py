"""What a rule is. One rule = one file under `rules/<category>/`, one class, no registration: `registry` walks the package.

A rule overrides only the hooks it needs. Hooks judge; they never run anything. Fixes are asked for separately, so that a detector stays cheap
and LibCST loads only when something is to be mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from snipfix.code import Code
from snipfix.evidence import Exercise, Failure, Outcome, Span
from snipfix.model import Applicability, Category, Edit, Finding, Fix, Meaning, Severity, Snippet, Stage

if TYPE_CHECKING:
    from snipfix.rules.scopes import Scopes
    from snipfix.rules.values import Values

__all__ = ["Bad", "Context", "Good", "Rule", "earlier_blocks"]


def earlier_blocks(snippet: Snippet) -> dict[str, Snippet]:
    """The snippets that run before it, by the name that their frames carry."""
    return {f"block_{number}.py": earlier for number, earlier in enumerate(snippet.before, 1)}


@dataclass(frozen=True, slots=True)
class Good:
    """Code on which the rule must be silent: near misses above all. `runs`: it is executed to show that it is right."""

    code: str
    runs: bool = True
    expect_error: bool = False
    """The document says that it raises."""


@dataclass(frozen=True, slots=True)
class Bad:
    """Code that the rule must report at `at` (line, column). `fixed` is the text after its first fix; None: it offers none.

    With `runs`, the harness executes both: the bad code truly fails or misbehaves, the fixed code truly runs.
    """

    code: str
    at: tuple[int, int]
    fixed: str | None = None
    runs: bool = True
    documented_output: str | None = None
    before: str = ""
    """A block of the document that runs first in the same namespace."""
    expect_error: bool = False
    """The document says that it raises."""


@dataclass(frozen=True)
class Context:
    """All that a hook may look at. Built once per audited text; the same object is passed to every rule."""

    snippet: Snippet
    code: Code
    outcome: Outcome | None = None
    """None before the run stage."""
    memo: dict[str, Any] = field(default_factory=dict)
    """Shared results of expensive look-ups, keyed by module name."""

    @cached_property
    def scopes(self) -> Scopes:
        """Scopes, bindings and qualified names of the text (see `rules.scopes`), computed once."""
        from snipfix.rules.scopes import Scopes

        return Scopes(self.code, [earlier.code for earlier in self.snippet.before])

    @cached_property
    def values(self) -> Values:
        """The values of names in each function as far as the text tells (see `rules.values`), computed once."""
        from snipfix.rules.values import Values

        return Values(self.code)


class Rule:
    """A documented kind of defect. The docstring has the sections What it does, Why is this bad?, Example, Use instead, Fix safety, References."""

    id: ClassVar[str]
    """`SNF` and three digits, permanent."""
    name: ClassVar[str]
    """kebab-case; names the defect, never the cure."""
    category: ClassVar[Category]
    severity: ClassVar[Severity] = Severity.ERROR
    applicability: ClassVar[Applicability] = Applicability.UNSAFE
    silent: ClassVar[bool] = False
    """Nothing stops at this defect, whatever its category: a failure on the same line is another matter."""
    GOOD: ClassVar[tuple[Good, ...]] = ()
    BAD: ClassVar[tuple[Bad, ...]] = ()

    # Hooks -----------------------------------------------------------------------------------------------------------

    def on_syntax(self, context: Context, error: SyntaxError) -> Iterable[Finding]:
        """The text does not parse. Called instead of every other hook."""
        return ()

    def static(self, context: Context) -> Iterable[Finding]:
        """From the text alone (`context.code`, `context.scopes`)."""
        return ()

    def on_failure(self, context: Context, failure: Failure, exercise: Exercise | None) -> Iterable[Finding]:
        """The snippet raised (`exercise` is None), or a call it does not make itself did. Yield only what this rule explains."""
        return ()

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterable[Finding]:
        """Every outcome, failed or not: judge its observations, exercises, output, limits."""
        return ()

    def on_earlier_failure(self, context: Context, outcome: Outcome) -> Iterable[Finding]:
        """The run ended in a block before the snippet (`outcome.stopped_in`). Called instead of the two hooks above."""
        return ()

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        """Candidate edits for a finding of this rule, best first. The search tries them all: offer several when several are plausible."""
        return ()

    # What hooks build with -------------------------------------------------------------------------------------------

    def finding(
        self,
        message: str,
        span: Span,
        *,
        stage: Stage = Stage.STATIC,
        evidence: Mapping[str, Any] | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule. `message` starts lower-case, without a final dot, and says what was seen."""
        return Finding(
            rule=self.id,
            name=self.name,
            category=self.category,
            severity=severity or self.severity,
            message=message,
            span=span,
            stage=stage,
            evidence=dict(evidence or {}),
        )

    def fix(
        self,
        title: str,
        *edits: Edit,
        applicability: Applicability | None = None,
        meaning: Meaning = Meaning.RESTORES,
        preference: int = 0,
    ) -> Fix:
        """A fix of this rule."""
        return Fix(title, tuple(edits), applicability or self.applicability, meaning, self.id, preference)

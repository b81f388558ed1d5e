"""The code needed more memory than it was given."""

from __future__ import annotations

from collections.abc import Iterable

from snipfix.evidence import Exercise, Failure, Outcome
from snipfix.model import Applicability, Category, Finding, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.diagnosis import Crash
from snipfix.rules.resource.base import reached


class OutOfMemory(Rule):
    """The code needed more memory than it was given.

    ## What it does
    Reports a run that the memory limit ended, at the statement it was in, and an allocation that was refused.

    ## Why is this bad?
    On a machine with less memory the reader's program dies as well. What comes after that statement was not looked at.

    ## Example
    ```python
    table = [0] * 10**12
    ```

    ## Use instead
    ```python
    table = [0] * 10**6
    ```

    ## Fix safety
    No edit is offered: the sizes are the author's; a larger `--memory` looks further.

    ## References
    - snipfix: --memory
    """

    id = "SNF371"
    name = "out-of-memory"
    category = Category.RESOURCE
    severity = Severity.WARNING
    applicability = Applicability.DISPLAY_ONLY
    GOOD = (
        Good("table = [0] * 10**6\n"),
        Good("size = 10**12\n"),
    )
    BAD = (Bad("table = [0] * 10**12\n", at=(1, 9)),)

    def on_failure(self, context: Context, failure: Failure, exercise: Exercise | None) -> Iterable[Finding]:
        refused = failure.type in ("MemoryError", "OutOfMemoryError") or "can't allocate memory" in failure.message
        if refused and exercise is None:
            crash = Crash(context, failure, exercise)
            yield self.finding("needs more memory than the limit", crash.span, stage=crash.stage, evidence=crash.evidence())

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterable[Finding]:
        if outcome.kind == "out-of-memory":
            span, _ = reached(context, outcome)
            yield self.finding("needs more memory than the limit", span, stage=Stage.RUN, evidence={"detail": outcome.detail})

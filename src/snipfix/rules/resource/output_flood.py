"""The code prints more than anybody reads."""

from __future__ import annotations

from collections.abc import Iterable

from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.resource.base import reached


class OutputFlood(Rule):
    """The code prints more than anybody reads.

    ## What it does
    Reports a run that was ended because it printed without end.

    ## Why is this bad?
    The output of a document's code is there to be read. What comes after that statement was not looked at.

    ## Example
    ```python
    while True:
        print(1)
    ```

    ## Use instead
    ```python
    for _ in range(3):
        print(1)
    ```

    ## Fix safety
    No edit is offered: which lines matter only the author knows.

    ## References
    - snipfix: limits of a run
    """

    id = "SNF372"
    name = "output-flood"
    category = Category.RESOURCE
    severity = Severity.WARNING
    applicability = Applicability.DISPLAY_ONLY
    GOOD = (
        Good("for number in range(100):\n    print(number)\n"),
        Good('text = "x" * 10**6\n'),
    )
    BAD = (Bad("while True:\n    print(1)\n", at=(1, 1), runs=False),)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterable[Finding]:
        if outcome.kind == "output-flood":
            span, _ = reached(context, outcome)
            yield self.finding("prints more than the limit", span, stage=Stage.RUN, evidence={"detail": outcome.detail})

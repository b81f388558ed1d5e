"""The code ended its process."""

from __future__ import annotations

from collections.abc import Iterable

from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.resource.base import reached


class ProcessDied(Rule):
    """The code ended its process.

    ## What it does
    Reports a run that crashed the interpreter (an error), or left it with an exit code other than 0 (a warning).

    ## Why is this bad?
    In a notebook the reader loses everything computed so far. What comes after that statement was not looked at.

    ## Example
    ```python
    import sys
    sys.exit(1)
    ```

    ## Use instead
    ```python
    raise ValueError('no data')
    ```

    ## Fix safety
    No edit is offered: why the process ends there only the author knows.

    ## References
    - Python, sys.exit
    """

    id = "SNF373"
    name = "process-died"
    category = Category.RESOURCE
    severity = Severity.WARNING
    applicability = Applicability.DISPLAY_ONLY
    GOOD = (
        Good("import sys\nprint(sys.version_info)\n"),
        Good("import os\nprint(os.name)\n"),
    )
    BAD = (Bad("import sys\nsys.exit(1)\n", at=(2, 1), runs=False),)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterable[Finding]:
        span, _ = reached(context, outcome)
        facts = {"detail": outcome.detail}
        if outcome.kind == "crashed":
            ended = f"by signal {outcome.signal}" if outcome.signal else "without a word"
            yield self.finding(f"the interpreter died {ended}", span, stage=Stage.RUN, evidence=facts, severity=Severity.ERROR)
        elif outcome.kind == "exited" and outcome.exit_code:
            yield self.finding(f"leaves the interpreter with exit code {outcome.exit_code}", span, stage=Stage.RUN, evidence=facts)

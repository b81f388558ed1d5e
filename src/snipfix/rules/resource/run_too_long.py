"""The code was still running when its time was up."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.resource.base import reached


class RunTooLong(Rule):
    """The code was still running when its time was up.

    ## What it does
    Reports a run that the wall-clock limit ended, at the statement it was in. A `while True` that nothing leaves is an error, everything else a warning.

    ## Why is this bad?
    A reader waits as long. What comes after that statement was not looked at.

    ## Example
    ```python
    while True:
        pass
    ```

    ## Use instead
    ```python
    for step in range(100):
        pass
    ```

    ## Fix safety
    No edit is offered: a long training may be right; a larger `--timeout` or `--quick` looks further.

    ## References
    - snipfix: --timeout, --quick
    """

    id = "SNF370"
    name = "run-too-long"
    category = Category.RESOURCE
    severity = Severity.WARNING
    applicability = Applicability.DISPLAY_ONLY
    GOOD = (
        Good("while True:\n    break\n"),
        Good("for step in range(3):\n    pass\n"),
    )
    BAD = (Bad("print(1)\nwhile True:\n    pass\n", at=(2, 1), runs=False),)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterable[Finding]:
        if outcome.kind != "timeout":
            return
        span, statement = reached(context, outcome)
        endless = isinstance(statement, ast.While) and ast.unparse(statement.test) in ("True", "1") and not _is_left(statement)
        severity = Severity.ERROR if endless else Severity.WARNING
        message = "this loop never ends" if endless else "still running when the time limit was reached"
        yield self.finding(message, span, stage=Stage.RUN, evidence={"detail": outcome.detail}, severity=severity)


def _is_left(loop: ast.While) -> bool:
    """Whether a break, an exit or an exception may leave the loop."""
    return any(isinstance(node, ast.Break | ast.Return | ast.Raise | ast.Call) for node in ast.walk(loop))

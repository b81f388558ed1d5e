"""The code builds on an earlier block that fails."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule, earlier_blocks


class BuildsOnFailingBlock(Rule):
    """The code builds on an earlier block that fails.

    ## What it does
    Reports a block that needs names of an earlier one, when that one raises, exits or never ends, so that nothing here could be run.
    It is a note, because the fault is reported where it is; for a hidden setup block, which is audited nowhere else, it is an error.

    ## Why is this bad?
    Whether this code is right is not known until the earlier block is mended.

    ## Example
    ```python
    print(model(batch))
    ```

    ## Use instead
    Mend the earlier block; `snipfix repair` does it in the right order.

    ## Fix safety
    No edit is offered here.

    ## References
    - The marks `continue`, `reset` and `setup`, docs/documents.md.
    """

    id = "SNF359"
    name = "builds-on-failing-block"
    category = Category.ENVIRONMENT
    severity = Severity.NOTE
    GOOD = (Good("width = 3\nprint(width)\n"), Good("try:\n    1 / 0\nexcept ZeroDivisionError:\n    print(0)\n"))
    BAD = (
        Bad("print(width)\n", at=(1, 1), before="width = 3 / 0\n"),
        Bad("import math\n\nprint(math.sqrt(width))\n", at=(1, 1), before="import sys\nwidth = 3\nsys.exit(1)\n"),
    )

    def on_earlier_failure(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        earlier = earlier_blocks(context.snippet).get(outcome.stopped_in)
        if earlier is None:
            return
        hidden = earlier.hidden
        why = _reason(outcome)
        block = "a hidden setup block" if hidden else "a block"
        yield self.finding(
            f"builds on {block} that fails (line {earlier.line}): {why}",
            Span.at(1, 1, max(len(context.code.lines[0]), 1)),
            stage=Stage.RUN,
            evidence={"block": earlier.id, "line": earlier.line, "error": why},
            severity=Severity.ERROR if hidden else None,
        )


def _reason(outcome: Outcome) -> str:
    """How the earlier block ended, without the name of the file that it was run from."""
    failure = outcome.failure
    if failure is None:
        return outcome.kind
    message = failure.message.splitlines()[0] if failure.message else ""
    return f"{failure.type}: {message.partition(f' ({outcome.stopped_in}')[0]}".removesuffix(": ")

"""A scheduler that steps before the optimizer has."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import text


class SchedulerBeforeOptimizer(Rule):
    """The learning-rate scheduler steps before the optimizer's first step.

    ## What it does
    Reports the place of torch's own warning about `lr_scheduler.step()` before `optimizer.step()`.

    ## Why is this bad?
    The first value of the schedule is skipped.

    ## Example
    ```python
    scheduler.step()
    optimizer.step()
    ```

    ## Use instead
    ```python
    optimizer.step()
    scheduler.step()
    ```

    ## Fix safety
    No fix: where the epoch ends is not always plain.

    ## References
    - torch.optim: "How to adjust learning rate" (since 1.1.0).
    """

    id = "SNF439"
    name = "scheduler-before-optimizer"
    category = Category.TRAINING_LOOP
    severity = Severity.WARNING
    HEAD = (
        "import torch\nw = torch.ones(1, requires_grad=True)\noptimizer = torch.optim.SGD([w], lr=0.1)\n"
        "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)\nfor _ in range(3):\n    optimizer.zero_grad()\n    (w ** 2).sum().backward()\n"
    )
    GOOD = (Good(HEAD + "    optimizer.step()\n    scheduler.step()\n"), Good(HEAD + "    optimizer.step()\nscheduler.step()\n"))
    BAD = (Bad(HEAD + "    scheduler.step()\n    optimizer.step()\n", at=(8, 5)),)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for warning in outcome.warnings:
            if "lr_scheduler.step()` before `optimizer.step()" in text(warning.facts, "message") and warning.span is not None:
                message = "the scheduler steps before the optimizer: the first learning rate of the schedule is skipped"
                yield self.finding(message, warning.span, stage=Stage.PROBE)
                return

"""A learning-rate scheduler that is made and forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Category, Finding, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import optimizers, receiver, schedulers, steps_in


class SchedulerNeverStepped(Rule):
    """A learning-rate scheduler is built and its `step()` never called.

    ## What it does
    Reports a scheduler whose name is not read again although the optimizer steps.

    ## Why is this bad?
    The learning rate stays what it was: the schedule that the text speaks of does not happen.

    ## Example
    ```python
    scheduler = StepLR(optimizer, step_size=10)
    for epoch in range(100):
        train(epoch)
    ```

    ## Use instead
    ```python
    for epoch in range(100):
        train(epoch)
        scheduler.step()
    ```

    ## Fix safety
    No fix: whether it steps once a batch or once an epoch depends on the scheduler.

    ## References
    - torch.optim: "How to adjust learning rate".
    """

    id = "SNF440"
    name = "scheduler-never-stepped"
    category = Category.TRAINING_LOOP
    severity = Severity.WARNING
    HEAD = (
        "import torch\nw = torch.ones(1, requires_grad=True)\noptimizer = torch.optim.SGD([w], lr=0.1)\n"
        "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)\nfor _ in range(3):\n    optimizer.zero_grad()\n    (w ** 2).sum().backward()\n    optimizer.step()\n"
    )
    GOOD = (Good(HEAD + "    scheduler.step()\n"), Good(HEAD + "trainer = dict(scheduler=scheduler)\n"))
    BAD = (Bad(HEAD, at=(4, 13)),)

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for name, call in schedulers(code).items():
            read = any(isinstance(node.ctx, ast.Load) for node in code.mentions(name))
            if not read and steps_in(code.tree, set(optimizers(code))):
                message = f"`{name}` never steps: the learning rate stays what it was"
                yield self.finding(message, code.span(call), evidence={"scheduler": called(call), "stepped": receiver(call)})

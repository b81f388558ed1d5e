"""A learning-rate scheduler that is made and forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_after
from snipfix.model import Category, Edit, Finding, Fix, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home, loops_around, optimizers, receiver, schedulers, steps_in


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
    `step()` comes last in the loop over epochs, for the two schedulers of single steps right behind the optimizer's. One that waits for a metric has
    no fix, nor has a loop that is not known to be one over epochs.

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
    BAD = (
        Bad(HEAD, at=(4, 13)),
        Bad(HEAD.replace(" _ ", " epoch "), at=(4, 13), fixed=HEAD.replace(" _ ", " epoch ") + "    scheduler.step()\n"),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for name, call in schedulers(code).items():
            read = any(isinstance(node.ctx, ast.Load) for node in code.mentions(name))
            if not read and steps_in(code.tree, set(optimizers(code))):
                message = f"`{name}` never steps: the learning rate stays what it was"
                yield self.finding(message, code.span(call), evidence={"scheduler": called(call), "stepped": receiver(call)})

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        code = context.code
        for name, call in schedulers(code).items():
            if code.span(call) == finding.span and (edits := _stepped(code, name, call)):
                yield self.fix("Step the scheduler", *edits)


def _stepped(code: Code, name: str, call: ast.Call) -> tuple[Edit, ...]:
    """`scheduler.step()` at its pace; nothing for a name of another function, or where the pace is not told."""
    steps = [one for one in code.calls("step") if receiver(one) in optimizers(code) and home(code, one) is home(code, call)]
    if called(call) == "ReduceLROnPlateau" or len(steps) != 1:
        return ()
    if called(call) in ("OneCycleLR", "CyclicLR"):
        return insert_statement_after(code, steps[0].lineno, f"{name}.step()")
    epochs = [one for one in loops_around(code, steps[0]) if isinstance(one, ast.For) and "epoch" in ast.unparse(one.target).lower()]
    return insert_statement_after(code, epochs[-1].body[-1].lineno, f"{name}.step()") if epochs else ()

"""A scheduler that steps before the optimizer has."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_after, joined, remove_statement
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import warned
from snipfix.rules.training_loop.loops import optimizers, receiver


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
    Unsafe: the scheduler steps behind the statement in which the optimizer does, or at the end of the loop's body.

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
    EPOCHS = (
        "import torch\nw = torch.ones(1, requires_grad=True)\noptimizer = torch.optim.SGD([w], lr=0.1)\n"
        "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)\nfor epoch in range(3):\n"
    )
    BATCHES = "    for _ in range(2):\n        optimizer.zero_grad()\n        (w ** 2).sum().backward()\n        optimizer.step()\n"
    GOOD = (Good(HEAD + "    optimizer.step()\n    scheduler.step()\n"), Good(HEAD + "    optimizer.step()\nscheduler.step()\n"))
    BAD = (
        Bad(HEAD + "    scheduler.step()\n    optimizer.step()\n", at=(8, 5), fixed=HEAD + "    optimizer.step()\n    scheduler.step()\n"),
        Bad(
            EPOCHS + "    scheduler.step()  # 每轮一次\n" + BATCHES + "    print(epoch)\n",
            at=(6, 5),
            fixed=EPOCHS + BATCHES + "    scheduler.step()  # 每轮一次\n    print(epoch)\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for _, span in warned(outcome, context.code, r"lr_scheduler\.step\(\)` before `optimizer\.step\(\)"):
            message = "the scheduler steps before the optimizer: the first learning rate of the schedule is skipped"
            yield self.finding(message, span, stage=Stage.PROBE)
            return

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        code = context.code
        call = code.node_at(finding.span, ast.Call)
        statement = code.parents.get(call) if call is not None else None
        body = getattr(code.parents.get(statement), "body", []) if isinstance(statement, ast.Expr) else []
        if statement not in body or not isinstance(statement, ast.Expr):
            return
        later = body[body.index(statement) + 1 :]
        stepping = [one for one in later if _steps(code, one)] or (
            later if isinstance(code.parents.get(statement), ast.For | ast.While) else []
        )
        if stepping:
            text = "\n".join(code.lines[statement.lineno - 1 : statement.end_lineno])
            edits = joined(remove_statement(code, statement.lineno), insert_statement_after(code, stepping[-1].lineno, text))
            yield self.fix("Step the scheduler after the optimizer", *edits)


def _steps(code: Code, statement: ast.stmt) -> bool:
    """Whether an optimizer steps in a statement."""
    known = set(optimizers(code))
    return any(receiver(call) in known for call in code.calls("step", inside=statement))

"""`get_lr()` of a scheduler."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import rename_attribute
from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, warned

__all__ = ["RateOfAnotherStep"]

MODULE = "torch.optim.lr_scheduler."


class RateOfAnotherStep(Rule):
    """The learning rate is read with `get_lr()`, which computes a next one.

    ## What it does
    Reports `scheduler.get_lr()` where `scheduler` is one of torch's, or where torch warns of it.

    ## Why is this bad?
    `get_lr` is what `step` computes with. Called from outside it applies the schedule once more: at a step of `StepLR` or `ExponentialLR`
    the rate that is shown is not the one that is used. torch warns.

    ## Example
    ```python
    print(scheduler.get_lr())
    ```

    ## Use instead
    ```python
    print(scheduler.get_last_lr())
    ```

    ## Fix safety
    Safe: it is the same list of rates, those in use.

    ## References
    - Release notes of PyTorch 1.4, torch.optim.lr_scheduler.
    """

    id = "SNF144"
    name = "rate-of-another-step"
    category = Category.DEPRECATED
    severity = Severity.WARNING
    applicability = Applicability.SAFE
    HEAD = "import torch\nopt = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)\n"
    GOOD = (
        Good(HEAD + "scheduler = torch.optim.lr_scheduler.StepLR(opt, 1)\nprint(scheduler.get_last_lr())\n"),
        Good(
            HEAD
            + "class Warm(torch.optim.lr_scheduler.LRScheduler):\n    def get_lr(self):\n        return [0.1 * (1 + self.last_epoch)]\n"
            "scheduler = Warm(opt)\nopt.step()\nscheduler.step()\n"
        ),
        Good("class Plan:\n    def get_lr(self):\n        return 0.1\n\nscheduler = Plan()\nprint(scheduler.get_lr())\n"),
    )
    BAD = (
        Bad(
            HEAD + "scheduler = torch.optim.lr_scheduler.StepLR(opt, 1)\nprint('lr', scheduler.get_lr()[0])  # 学习率\n",
            at=(4, 13),
            fixed=HEAD + "scheduler = torch.optim.lr_scheduler.StepLR(opt, 1)\nprint('lr', scheduler.get_last_lr()[0])  # 学习率\n",
        ),
        Bad(
            HEAD + "def show(plan):\n    print(plan.get_lr())\nshow(torch.optim.lr_scheduler.LambdaLR(opt, lambda n: 1.0))\n",
            at=(4, 11),
            fixed=HEAD + "def show(plan):\n    print(plan.get_last_lr())\nshow(torch.optim.lr_scheduler.LambdaLR(opt, lambda n: 1.0))\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for call in context.code.calls("get_lr"):
            if not call.args and isinstance(call.func, ast.Attribute) and _is_scheduler(context, call.func.value):
                yield self._report(context, call, Stage.STATIC)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for _, span in warned(outcome, context.code, r"please use `get_last_lr\(\)`"):
            call = context.code.node_at(span, ast.Call)
            if isinstance(call, ast.Call) and called(call) == "get_lr" and isinstance(call.func, ast.Attribute):
                yield self._report(context, call, Stage.RUN)

    def _report(self, context: Context, call: ast.Call, stage: Stage) -> Finding:
        return self.finding("`get_lr()` computes a next rate: `get_last_lr()` is the one in use", context.code.span(call), stage=stage)

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            yield self.fix("Use `get_last_lr()`", *rename_attribute(context.code, call.func, "get_last_lr"))


def _is_scheduler(context: Context, owner: ast.expr) -> bool:
    bound = context.scopes.bindings(owner) if isinstance(owner, ast.Name) else ()
    makers = [one.value.func if isinstance(one.value, ast.Call) else None for one in bound]
    return bool(makers) and all(one is not None and (context.scopes.qualified(one) or "").startswith(MODULE) for one in makers)

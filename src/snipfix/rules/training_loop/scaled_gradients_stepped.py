"""Gradients that carry the scale of mixed precision, and an optimizer that steps by them as they are."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_after, joined, replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.training_loop.clipped_before_unscaling import scalers
from snipfix.rules.training_loop.loops import loops_around, optimizers, receiver

__all__ = ["ScaledGradientsStepped"]

MADE = (
    "import torch, torch.nn as nn\n\nnet = nn.Linear(3, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
    'scaler = torch.amp.GradScaler("cpu")\n'
)
LOOP = "for _ in range(2):\n    opt.zero_grad()\n    loss = net(torch.ones(4, 3)).pow(2).mean()\n    scaler.scale(loss).backward()\n"
HEAD = MADE + LOOP


class ScaledGradientsStepped(Rule):
    """The loss is multiplied by the scale of a `GradScaler`, and the optimizer steps by the gradients without taking it off.

    ## What it does
    Reports `optimizer.step()` behind `scaler.scale(loss).backward()` where neither `scaler.step(optimizer)` nor `scaler.unscale_(optimizer)` is called.

    ## Why is this bad?
    The scale is 65536 at first: with SGD each step is that many times too large and the weights leave every sensible range; with Adam the weights
    learn, but an overflow to `inf` is no longer skipped and ruins them.

    ## Example
    ```python
    scaler.scale(loss).backward()
    optimizer.step()
    scaler.update()
    ```

    ## Use instead
    ```python
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    ```

    ## Fix safety
    The training changes: it takes the steps that it was meant to.

    ## References
    - PyTorch, "Automatic Mixed Precision package": gradient scaling.
    """

    id = "SNF601"
    name = "scaled-gradients-stepped"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "    scaler.step(opt)\n    scaler.update()\n"),
        Good(HEAD + "    scaler.unscale_(opt)\n    opt.step()\n    scaler.update()\n", runs=False),
        Good(HEAD.replace('("cpu")', '("cpu", enabled=False)') + "    opt.step()\n"),
        Good(
            HEAD
            + "    scaler.step(opt)\n    scaler.update()\nfor _ in range(2):\n    net(torch.ones(4, 3)).pow(2).mean().backward()\n    opt.step()\n"
        ),
    )
    BAD = (
        Bad(
            HEAD + "    opt.step()  # 更新\n    scaler.update()\n",
            at=(10, 5),
            fixed=HEAD + "    scaler.step(opt)  # 更新\n    scaler.update()\n",
            runs=False,
        ),
        Bad(LOOP + "    opt.step()\n", at=(5, 5), fixed=LOOP + "    scaler.step(opt)\n    scaler.update()\n", before=MADE, runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for step, scaler in _bare(context.code):
            message = f"the gradients carry the scale of `{scaler}`, and `{receiver(step)}` steps by them as they are"
            yield self.finding(message, context.code.span(step))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        for step, scaler in _bare(code):
            if code.span(step) == finding.span and (statement := statement_of(code, step)) is not None:
                edits = replace_expression(code, step, f"{scaler}.step({receiver(step)})")
                if not any(receiver(one) == scaler for one in code.calls("update")):
                    edits = joined(edits, insert_statement_after(code, statement.lineno, f"{scaler}.update()"))
                yield self.fix("let the scaler take the step", *edits)


def _bare(code: Code) -> Iterator[tuple[ast.Call, str]]:
    """Each step of an optimizer in the loop of a scaled backward pass, with the scaler, where nothing takes the scale off."""
    scaled = [one for one in code.calls("scale") if isinstance(up := code.parents.get(one), ast.Attribute) and up.attr == "backward"]
    known = scalers(code) if scaled else set()
    own = {receiver(one) for one in code.calls("step", "unscale_") if one.args}
    for step in code.calls("step") if known else ():
        if step.args or step.keywords or receiver(step) not in optimizers(code):
            continue
        around = loops_around(code, step)[:1]
        for one in scaled:
            if receiver(one) in known - own and loops_around(code, one)[:1] == around and one.lineno < step.lineno:
                yield step, receiver(one)
                break

"""A loss that is no number any more."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.generator_helps_discriminator import loss_of
from snipfix.rules.observed import each, number


class NonFiniteLoss(Rule):
    """The loss becomes NaN or infinite during training.

    ## What it does
    Reports the first backward pass from a loss that is NaN or infinite.

    ## Why is this bad?
    One such step makes every parameter NaN; nothing that comes after it means anything.

    ## Example
    ```python
    loss = -torch.log(p).mean()  # p reaches 0
    ```

    ## Use instead
    ```python
    loss = F.binary_cross_entropy_with_logits(scores, y)
    ```

    ## Fix safety
    No fix: a smaller step, a stable loss or clean data may be needed.

    ## References
    - PyTorch FAQ, torch.autograd.detect_anomaly.
    """

    id = "SNF443"
    name = "non-finite-loss"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good("import torch\nw = torch.ones(2, requires_grad=True)\n(w ** 2).sum().backward()\n"),
        Good("import torch\nprint(torch.tensor([1.0, float('nan')]).nanmean())\n"),
    )
    BAD = (
        Bad(
            "import torch\nw = torch.ones(2, requires_grad=True)\no = torch.optim.SGD([w], lr=100.0)\nfor _ in range(60):\n    o.zero_grad()\n"
            "    loss = (w ** 4).sum()\n    loss.backward()\n    o.step()\n",
            at=(6, 12),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "backward"):
            first = number(observation.facts, "nonfinite")
            if first:
                where = f"in backward pass {first:.0f}" if first > 1 else "from the first backward pass on"
                message = f"the loss is NaN or infinite {where}"
                yield self.finding(message, loss_of(context.code, span), stage=Stage.PROBE, evidence={"first": first})

"""A loss that stays exactly the same through the training."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.generator_helps_discriminator import loss_of
from snipfix.rules.observed import each, flag, items, number

ENOUGH = 5


class LossNeverChanges(Rule):
    """The loss has exactly the same value in every backward pass although the optimizer steps.

    ## What it does
    Reports a loss that was bit for bit the same in five or more backward passes with as many steps between them.

    ## Why is this bad?
    Nothing is learnt: what is stepped does not act on the loss, the learning rate is zero, or every gradient is.

    ## Example
    ```python
    loss = criterion(torch.softmax(model(x)[:, :1], dim=1), y)  # always 1
    ```

    ## Use instead
    A loss that depends on what is trained.

    ## Fix safety
    No fix: the cause lies elsewhere.

    ## References
    - Karpathy 2019, "A Recipe for Training Neural Networks".
    """

    id = "SNF442"
    name = "loss-never-changes"
    category = Category.TRAINING_LOOP
    severity = Severity.WARNING
    HEAD = "import torch\nw = torch.ones(2, requires_grad=True)\noptimizer = torch.optim.SGD([w], lr=0.1)\nfor _ in range(6):\n    optimizer.zero_grad()\n"
    GOOD = (
        Good(HEAD + "    loss = (w ** 2).sum()\n    loss.backward()\n    optimizer.step()\n"),
        Good("import torch\nw = torch.ones(2, requires_grad=True)\nfor _ in range(6):\n    w.grad = None\n    (w ** 2).sum().backward()\n"),
    )
    BAD = (Bad(HEAD + "    loss = torch.softmax(w, 0).sum()\n    loss.backward()\n    optimizer.step()\n", at=(6, 12)),)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "backward"):
            passes, steps = number(observation.facts, "passes") or 0, number(observation.facts, "steps") or 0
            values = items(observation.facts, "values")
            if (
                flag(observation.facts, "same")
                and passes >= ENOUGH
                and steps >= passes
                and values
                and not number(observation.facts, "nonfinite")
            ):
                message = f"the loss is {values[0]:.6g} in all {passes:.0f} backward passes: the steps do not act on it"
                yield self.finding(message, loss_of(context.code, span), stage=Stage.PROBE, evidence={"value": values[0], "passes": passes})

"""BCEWithLogitsLoss applied to the output of a sigmoid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.fed import fed, replace_loss, without_activation


class SigmoidTwice(Rule):
    """`BCEWithLogitsLoss` is fed the output of a sigmoid or softmax: squashed twice.

    ## What it does
    Reports a binary cross-entropy with logits whose input was made by a sigmoid or a softmax.

    ## Why is this bad?
    The sigmoid of a number in (0, 1) lies in (0.5, 0.73). The model can never say "no", and the loss never falls below 0.31 for a positive
    sample and 0.69 for a negative one.

    ## Example
    ```python
    loss = nn.BCEWithLogitsLoss()(torch.sigmoid(scores), y)
    ```

    ## Use instead
    ```python
    loss = nn.BCEWithLogitsLoss()(scores, y)
    ```

    ## Fix safety
    Unsafe: without the sigmoid the model returns scores; the other remedy is `BCELoss`.

    ## References
    - torch.nn.BCEWithLogitsLoss: "combines a Sigmoid layer and the BCELoss in one single class".
    """

    id = "SNF404"
    name = "sigmoid-twice"
    category = Category.LOSS
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nscores = nn.Linear(4, 1)(torch.randn(3, 4))\n"
            "nn.BCEWithLogitsLoss()(scores, torch.ones(3, 1)).backward()\nprint(torch.sigmoid(scores) > 0.5)\n"
        ),
        Good("import torch, torch.nn as nn\np = torch.sigmoid(nn.Linear(4, 1)(torch.randn(3, 4)))\nnn.BCELoss()(p, torch.ones(3, 1)).backward()\n"),
    )  # fmt: skip
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nmodel = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())\ncriterion = nn.BCEWithLogitsLoss()\n"
            "loss = criterion(model(torch.randn(3, 4)), torch.ones(3, 1))\nloss.backward()\n",
            at=(4, 8),
            fixed="import torch, torch.nn as nn\nmodel = nn.Sequential(nn.Linear(4, 1))\ncriterion = nn.BCEWithLogitsLoss()\n"
            "loss = criterion(model(torch.randn(3, 4)), torch.ones(3, 1))\nloss.backward()\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in fed(context.code, outcome, "binary_cross_entropy_with_logits"):
            if one.head in {"sigmoid", "softmax"}:
                message = f"this loss takes the sigmoid itself, but it is fed the output of a {one.head} ({one.values()}): squashed twice"
                yield self.finding(message, one.span, stage=one.stage, evidence=one.evidence())

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        if edits := without_activation(context.code, finding.evidence):
            yield self.fix("leave the scores to the loss, without a sigmoid in front of it", *edits)
        if edits := replace_loss(context.code, finding.evidence, finding.span, "BCELoss", "binary_cross_entropy"):
            yield self.fix("use the loss that takes probabilities", *edits, preference=1)

"""CrossEntropyLoss applied to the output of a log-softmax."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.fed import fed, replace_loss, without_activation
from snipfix.rules.observed import text


class LogProbabilitiesIntoCrossEntropy(Rule):
    """`CrossEntropyLoss` is fed log-probabilities: right by luck, and one step too many.

    ## What it does
    Notes a cross-entropy whose input was made by a log-softmax.

    ## Why is this bad?
    The log-softmax of a log-softmax is the same log-softmax, so the loss is right. But the reader learns a wrong pairing:
    `CrossEntropyLoss` goes with scores, `NLLLoss` with log-probabilities.

    ## Example
    ```python
    loss = nn.CrossEntropyLoss()(F.log_softmax(scores, dim=1), y)
    ```

    ## Use instead
    ```python
    loss = nn.CrossEntropyLoss()(scores, y)
    ```

    ## Fix safety
    Safe: the value of the loss stays the same.

    ## References
    - torch.nn.CrossEntropyLoss: "equivalent to applying LogSoftmax on an input, followed by NLLLoss".
    """

    id = "SNF401"
    name = "log-probabilities-into-cross-entropy"
    category = Category.LOSS
    severity = Severity.NOTE
    applicability = Applicability.SAFE
    GOOD = (
        Good(
            "import torch, torch.nn as nn\ny = torch.tensor([0, 2])\np = torch.log_softmax(nn.Linear(4, 3)(torch.randn(2, 4)), 1)\n"
            "nn.NLLLoss()(p, y).backward()\n"
        ),
        Good(
            "import torch, torch.nn.functional as F\nscores = torch.randn(2, 3, requires_grad=True)\n"
            "print(F.log_softmax(scores, 1))\nF.cross_entropy(scores, torch.tensor([0, 2])).backward()\n"
        ),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nscores = nn.Linear(4, 3)(torch.randn(2, 4))\ncriterion = nn.CrossEntropyLoss()\n"
            "loss = criterion(torch.log_softmax(scores, 1), torch.tensor([0, 2]))\nloss.backward()\n",
            at=(4, 8),
            fixed="import torch, torch.nn as nn\nscores = nn.Linear(4, 3)(torch.randn(2, 4))\ncriterion = nn.NLLLoss()\n"
            "loss = criterion(torch.log_softmax(scores, 1), torch.tensor([0, 2]))\nloss.backward()\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in fed(context.code, outcome, "cross_entropy"):
            if one.head == "logsoftmax" and "int" in text(one.facts, "target", "dtype"):
                message = (
                    "cross-entropy takes the log-softmax itself; fed log-probabilities it gives the same value, but their loss is NLLLoss"
                )
                yield self.finding(message, one.span, stage=one.stage, evidence=one.evidence())

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        if edits := replace_loss(context.code, finding.evidence, finding.span, "NLLLoss", "nll_loss"):
            yield self.fix("use the loss that takes log-probabilities", *edits, meaning=Meaning.KEEPS)
        if edits := without_activation(context.code, finding.evidence, finding.span):
            yield self.fix("leave the scores to the loss", *edits, meaning=Meaning.KEEPS, preference=1)

"""Several labels for one sample, and a loss that allows for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.fed import fed, replace_loss
from snipfix.rules.observed import items, mapping

__all__ = ["SeveralClassesIntoCrossEntropy"]

CODE = (
    "import torch, torch.nn as nn\n\nnet, criterion = nn.Linear(3, 4), None\ncriterion = nn.{}()\nx, y = torch.randn(5, 3), torch.zeros(5, 4)\n"
    "y[:, {}] = 1\nloss = criterion(net(x), y)\nloss.backward()\nprint(loss)\n"
)


class SeveralClassesIntoCrossEntropy(Rule):
    """`CrossEntropyLoss` is given targets with several ones in a row: a sample has several labels at once.

    ## What it does
    Looks at the targets of a cross-entropy: zeros and ones of which a row has more than one.

    ## Why is this bad?
    The loss takes a row for the probabilities of one class out of many, which add up to one. With several labels the scores fight each other:
    each label can rise only at the expense of the others, and a threshold on each score means nothing.

    ## Example
    ```python
    criterion = nn.CrossEntropyLoss()
    loss = criterion(scores, torch.tensor([[1.0, 0.0, 1.0]]))
    ```

    ## Use instead
    ```python
    criterion = nn.BCEWithLogitsLoss()
    loss = criterion(scores, torch.tensor([[1.0, 0.0, 1.0]]))
    ```

    ## Fix safety
    The loss has other values; each label is learnt by itself.

    ## References
    - torch.nn.CrossEntropyLoss: "probabilities for each class"; torch.nn.BCEWithLogitsLoss for "multi-label".
    """

    id = "SNF427"
    name = "several-classes-into-cross-entropy"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("CrossEntropyLoss", "2")),
        Good(CODE.format("CrossEntropyLoss", "1:3").replace("= 1\n", "= 0.5\n")),
        Good(CODE.format("BCEWithLogitsLoss", "1:3")),
    )
    BAD = (
        Bad(
            CODE.format("CrossEntropyLoss", "1:3"),
            at=(7, 8),
            fixed=CODE.format("BCEWithLogitsLoss", "1:3"),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in fed(context.code, outcome, "cross_entropy"):
            most = items(one.facts, "target_sums")[-1:]
            if most and mapping(one.facts, "target").get("whole") is True and isinstance(most[0], float) and most[0] >= 2:
                low, high = (mapping(one.facts, "target").get(bound) for bound in ("low", "high"))
                if (low, high) == (0, 1):
                    message = f"a row of the targets has {most[0]:.0f} ones: a sample with several labels, in a loss that allows for one"
                    yield self.finding(message, one.span, stage=one.stage, evidence=one.evidence())

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        edits = replace_loss(context.code, finding.evidence, finding.span, "BCEWithLogitsLoss", "binary_cross_entropy_with_logits")
        if edits:
            yield self.fix("judge each label by itself", *edits)

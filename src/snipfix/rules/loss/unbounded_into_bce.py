"""BCELoss applied to numbers that nothing keeps between 0 and 1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snipfix.evidence import Exercise, Failure, Outcome, Span
from snipfix.model import Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.diagnosis import Crash
from snipfix.rules.loss.fed import fed, replace_loss

UNBOUNDED = frozenset({"addmm", "mm", "bmm", "convolution", "relu", "leakyrelu", "tanh", "nativelayernorm", "nativebatchnorm"})
MESSAGE = "all elements of input should be between 0 and 1"


class UnboundedIntoBce(Rule):
    """`BCELoss` is fed scores: nothing keeps them between 0 and 1.

    ## What it does
    Reports a binary cross-entropy whose input was made by a linear or convolution layer, or that failed because a value was outside [0, 1].

    ## Why is this bad?
    `BCELoss` takes the logarithm of its input. It stops as soon as one score is negative or above one; where it happens to pass, the numbers
    are no probabilities.

    ## Example
    ```python
    loss = nn.BCELoss()(nn.Linear(4, 1)(x), y)
    ```

    ## Use instead
    ```python
    loss = nn.BCEWithLogitsLoss()(nn.Linear(4, 1)(x), y)
    ```

    ## Fix safety
    Unsafe: the other remedy is a sigmoid at the end of the model.

    ## References
    - torch.nn.BCEWithLogitsLoss: more stable than a sigmoid followed by BCELoss.
    """

    id = "SNF403"
    name = "unbounded-into-bce"
    category = Category.LOSS
    GOOD = (
        Good("import torch, torch.nn as nn\np = torch.sigmoid(nn.Linear(4, 1)(torch.randn(3, 4)))\nnn.BCELoss()(p, torch.ones(3, 1)).backward()\n"),
        Good("import torch, torch.nn as nn\nnn.BCEWithLogitsLoss()(nn.Linear(4, 1)(torch.randn(3, 4)), torch.ones(3, 1)).backward()\n"),
    )  # fmt: skip
    BAD = (
        Bad(
            "import torch, torch.nn as nn\ncriterion = nn.BCELoss()\nscores = nn.Linear(4, 1)(100 * torch.randn(9, 4))\n"
            "loss = criterion(scores, torch.ones(9, 1))\nloss.backward()\n",
            at=(4, 8),
            fixed="import torch, torch.nn as nn\ncriterion = nn.BCEWithLogitsLoss()\nscores = nn.Linear(4, 1)(100 * torch.randn(9, 4))\n"
            "loss = criterion(scores, torch.ones(9, 1))\nloss.backward()\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in fed(context.code, outcome, "binary_cross_entropy"):
            if one.head in UNBOUNDED:
                message = f"binary cross-entropy needs probabilities, but nothing bounds its input ({one.values()}): a sigmoid is missing"
                yield self.finding(message, one.span, stage=one.stage, evidence=one.evidence())

    def on_failure(self, context: Context, failure: Failure, exercise: Exercise | None) -> Iterator[Finding]:
        crash = Crash(context, failure, exercise)
        if MESSAGE not in failure.message or crash.frame is None:
            return
        operation = failure.operation
        module = operation.module if operation else None
        given = operation.args[0] if operation and operation.args else None
        values = f" (values from {given.low:.4g} to {given.high:.4g})" if given and given.low is not None and given.high is not None else ""
        built = module.built if module and module.type == "BCELoss" else None
        message = f"binary cross-entropy needs probabilities between 0 and 1, but is fed unbounded scores{values}"
        evidence = {"loss_built": _numbers(built), "error": failure.message}
        yield self.finding(message, crash.span, stage=crash.stage, evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        if edits := replace_loss(context.code, finding.evidence, finding.span, "BCEWithLogitsLoss", "binary_cross_entropy_with_logits"):
            yield self.fix("use the binary cross-entropy that takes scores", *edits)


def _numbers(span: Span | None) -> list[int] | None:
    return None if span is None else [span.line, span.column, span.end_line, span.end_column]

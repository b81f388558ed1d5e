"""BCEWithLogitsLoss applied to the output of a sigmoid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.fed import fed, replace_loss, without_activation
from snipfix.rules.written import activated, layer

FUNCTION = "binary_cross_entropy_with_logits"
FIT = (
    "import torch, torch.nn as nn\nclass Net(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.fc = nn.Linear(4, 1)\n"
    "  def forward(self, x):\n    return {}\ndef fit(model, loader):\n  loss_fn = nn.BCEWithLogitsLoss()\n  for x, y in loader:\n"
    "    pred = model(x).squeeze(1)\n    loss = loss_fn(pred, y)\n"
)

FOCAL = (
    "import torch, torch.nn as nn, torch.nn.functional as F\n\ndef focal(logits, y):\n    p = torch.sigmoid(logits)  # 概率\n"
    "    ce = F.binary_cross_entropy_with_logits({}, y)\n    return ((1 - p) ** 2).mean() * ce\n\n"
    "focal(nn.Linear(4, 1)(torch.randn(3, 4)), torch.ones(3, 1)).backward()\n"
)


class SigmoidTwice(Rule):
    """`BCEWithLogitsLoss` is fed the output of a sigmoid or softmax: squashed twice.

    ## What it does
    Reports a binary cross-entropy with logits whose input was made by a sigmoid or a softmax. Where the run does not come to it, the text is
    asked.

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
        Good(FIT.format("torch.sigmoid(self.fc(x))").replace("BCEWithLogitsLoss", "BCELoss")),
        Good(
            "import torch, torch.nn as nn\nscores = nn.Linear(4, 1)(torch.randn(3, 4))\n"
            "nn.BCEWithLogitsLoss()(scores, torch.ones(3, 1)).backward()\nprint(torch.sigmoid(scores) > 0.5)\n"
        ),
        Good("import torch, torch.nn as nn\np = torch.sigmoid(nn.Linear(4, 1)(torch.randn(3, 4)))\nnn.BCELoss()(p, torch.ones(3, 1)).backward()\n"),
    )  # fmt: skip
    BAD = (
        Bad(FIT.format("torch.sigmoid(self.fc(x))"), at=(12, 12), fixed=FIT.format("self.fc(x)"), runs=False),
        Bad(
            "import torch, torch.nn as nn\nmodel = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())\ncriterion = nn.BCEWithLogitsLoss()\n"
            "loss = criterion(model(torch.randn(3, 4)), torch.ones(3, 1))\nloss.backward()\n",
            at=(4, 8),
            fixed="import torch, torch.nn as nn\nmodel = nn.Sequential(nn.Linear(4, 1))\ncriterion = nn.BCEWithLogitsLoss()\n"
            "loss = criterion(model(torch.randn(3, 4)), torch.ones(3, 1))\nloss.backward()\n",
        ),
        Bad(FOCAL.format("p"), at=(5, 10), fixed=FOCAL.format("logits")),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        code = context.code
        reached = {one.span for one in fed(code, outcome, FUNCTION)}
        for call, sigmoid in activated(code, frozenset({"BCEWithLogitsLoss"}), frozenset({FUNCTION}), "sigmoid", "Sigmoid"):
            if (span := code.span(call)) not in reached:
                message = "this loss takes the sigmoid itself, but the model that it judges ends in one: squashed twice"
                maker = layer(code, sigmoid)
                evidence = {"head": "sigmoid", "head_at": _numbers(code.span(sigmoid)), "head_built": maker and _numbers(code.span(maker))}
                yield self.finding(message, span, evidence=evidence)
        for one in fed(code, outcome, FUNCTION):
            if one.head in {"sigmoid", "softmax"}:
                message = f"this loss takes the sigmoid itself, but it is fed the output of a {one.head} ({one.values()}): squashed twice"
                yield self.finding(message, one.span, stage=one.stage, evidence=one.evidence())

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        if edits := without_activation(context.code, finding.evidence, finding.span):
            yield self.fix("leave the scores to the loss, without a sigmoid in front of it", *edits)
        if edits := replace_loss(context.code, finding.evidence, finding.span, "BCELoss", "binary_cross_entropy"):
            yield self.fix("use the loss that takes probabilities", *edits, preference=1)


def _numbers(span: Span) -> tuple[int, int, int, int]:
    return (span.line, span.column, span.end_line, span.end_column)

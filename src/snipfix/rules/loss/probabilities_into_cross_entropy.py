"""CrossEntropyLoss applied to the output of a softmax."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.fed import Fed, fed, without_activation
from snipfix.rules.written import activated, layer

CRITERIA, FUNCTIONS = frozenset({"CrossEntropyLoss"}), frozenset({"cross_entropy"})
STOPS = (
    "import torch, torch.nn as nn\nclass Net(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.fc = nn.Linear(4, 3)\n"
    "  def forward(self, x):\n    x = self.fc(x)\n"
)
UNCALLED = "def fit(model, loader):\n    criterion = nn.CrossEntropyLoss()\n    for x, y in loader:\n        loss = criterion(model(x), y)\n".replace(
    "        loss", "      loss"
)
LOOP = "model = Net()\ncriterion = nn.CrossEntropyLoss()\nloss = criterion(model(torch.randn(5, 9)), torch.arange(5))\n"


class ProbabilitiesIntoCrossEntropy(Rule):
    """`CrossEntropyLoss` is fed probabilities instead of unnormalised scores.

    ## What it does
    Reports a cross-entropy whose input was made by a softmax (seen in the autograd graph), or whose rows are fractions that sum to one. Where
    the run stops before it, the text is asked.

    ## Why is this bad?
    Cross-entropy takes the softmax itself. Taken twice, the scores are squeezed into [0, 1]: with C classes the loss can never fall below
    log(e + C - 1) - 1 (1.46 for ten classes), and the gradient almost vanishes where the model is sure and wrong.

    ## Example
    ```python
    probabilities = torch.softmax(model(x), dim=1)
    loss = nn.CrossEntropyLoss()(probabilities, y)
    ```

    ## Use instead
    ```python
    scores = model(x)
    loss = nn.CrossEntropyLoss()(scores, y)
    ```

    ## Fix safety
    Unsafe: without the softmax the model returns scores; code that reads them as probabilities must take the softmax there.

    ## References
    - torch.nn.CrossEntropyLoss: "The input is expected to contain the unnormalized logits for each class".
    """

    id = "SNF400"
    name = "probabilities-into-cross-entropy"
    category = Category.LOSS
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nscores = nn.Linear(4, 3)(torch.randn(5, 4))\n"
            "loss = nn.CrossEntropyLoss()(scores, torch.tensor([0, 1, 2, 0, 1]))\nprint(torch.softmax(scores, 1).sum())\nloss.backward()\n"
        ),
        Good(
            "import torch, torch.nn.functional as F\nteacher, student = torch.randn(5, 3), torch.randn(5, 3, requires_grad=True)\n"
            "F.cross_entropy(student, F.softmax(teacher, dim=1)).backward()\n"
        ),
        Good("import torch, torch.nn.functional as F\nF.cross_entropy(torch.eye(3), torch.arange(3))\n"),
        Good(f"{STOPS}    return torch.log_softmax(x, dim=1)\n{LOOP}", runs=False),
    )
    BAD = (
        Bad(
            f"{STOPS}    return x.softmax(1)\n{UNCALLED}",
            at=(12, 14),
            fixed=f"{STOPS}    return x\n{UNCALLED}",
            runs=False,
        ),
        Bad(
            f"{STOPS}    return torch.softmax(x, dim=1)\n{LOOP}",
            at=(11, 8),
            fixed=f"{STOPS}    return x\n{LOOP}",
            runs=False,  # it stops before the loss
        ),
        Bad(
            "import torch, torch.nn as nn\nmodel = nn.Linear(4, 3)\np = torch.softmax(model(torch.randn(5, 4)), dim=1)\n"
            "loss = nn.CrossEntropyLoss()(p, torch.tensor([0, 1, 2, 0, 1]))\nloss.backward()\n",
            at=(4, 8),
            fixed="import torch, torch.nn as nn\nmodel = nn.Linear(4, 3)\np = model(torch.randn(5, 4))\n"
            "loss = nn.CrossEntropyLoss()(p, torch.tensor([0, 1, 2, 0, 1]))\nloss.backward()\n",
        ),
        Bad(
            "import torch, torch.nn as nn\nmodel = nn.Sequential(\n    nn.Linear(4, 3),\n    nn.Softmax(dim=1),\n)\n"
            "criterion = nn.CrossEntropyLoss()\nloss = criterion(model(torch.randn(5, 4)), torch.tensor([0, 1, 2, 0, 1]))\nloss.backward()\n",
            at=(7, 8),
            fixed="import torch, torch.nn as nn\nmodel = nn.Sequential(\n    nn.Linear(4, 3),\n)\n"
            "criterion = nn.CrossEntropyLoss()\nloss = criterion(model(torch.randn(5, 4)), torch.tensor([0, 1, 2, 0, 1]))\nloss.backward()\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        reached = {one.span for one in fed(context.code, outcome, "cross_entropy")}
        for call, softmax in activated(context.code, CRITERIA, FUNCTIONS, "softmax", "Softmax"):
            if (span := context.code.span(call)) not in reached:
                yield self._from_text(context.code, span, softmax)
        for one in fed(context.code, outcome, "cross_entropy"):
            if one.head == "softmax":
                yield self._report(one, "the output of a softmax", None)
            elif one.head != "logsoftmax" and one.sums_to_one():
                yield self._report(one, "rows that are probabilities already", None if one.trained else Severity.WARNING)

    def _from_text(self, code: Code, span: Span, softmax: ast.Call) -> Finding:
        maker = layer(code, softmax)
        evidence = {"head": "softmax", "head_at": _numbers(code.span(softmax)), "head_built": maker and _numbers(code.span(maker))}
        message = "cross-entropy takes the softmax itself, but the model that it judges ends in one: the softmax is applied twice"
        return self.finding(message, span, stage=Stage.STATIC, evidence=evidence)

    def _report(self, one: Fed, what: str, severity: Severity | None) -> Finding:
        message = f"cross-entropy takes the softmax itself, but it is fed {what} ({one.values()}): the softmax is applied twice"
        return self.finding(message, one.span, stage=one.stage, evidence=one.evidence(), severity=severity)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        if edits := without_activation(context.code, finding.evidence, finding.span):
            yield self.fix("leave the scores to the loss, without a softmax in front of it", *edits)


def _numbers(span: Span) -> tuple[int, int, int, int]:
    return (span.line, span.column, span.end_line, span.end_column)

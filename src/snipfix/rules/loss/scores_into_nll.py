"""NLLLoss applied to something that is no log-probability."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from snipfix.code import Code
from snipfix.codemods import replace_expression, wrap_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import rename_callee
from snipfix.rules.loss.fed import Fed, fed, replace_loss
from snipfix.rules.observed import called, items, place, text
from snipfix.rules.values import literal

CLOSE = 0.02
CTC = (
    "import torch, torch.nn as nn\nscores = nn.Linear(8, 5)(torch.randn(9, 2, 8))\nctc = nn.CTCLoss()\n"
    "ctc({}, torch.ones(2, 3, dtype=torch.long), torch.full((2,), 9), torch.full((2,), 3)).backward()\n"
)
STEPS = (
    "import torch, torch.nn as nn\nwords = torch.log_softmax(nn.Linear(4, 3)(torch.randn(2, 5, 4)), dim={})\n"
    "nn.NLLLoss()(words[:, 1:].reshape(-1, 3), torch.zeros(8, dtype=torch.long)).backward()\n"
)


class ScoresIntoNll(Rule):
    """`NLLLoss` is fed scores or probabilities instead of log-probabilities.

    ## What it does
    Reports a negative log-likelihood, or a CTC loss, whose input does not sum to one per sample after `exp`: it is no log-probability, or one
    along another dim than that of the classes.

    ## Why is this bad?
    `NLLLoss` only picks the entry of the right class and changes its sign, `CTCLoss` adds up such entries along each way to the text. On raw scores the loss falls without bound, on probabilities it
    ends at -1; neither trains a classifier.

    ## Example
    ```python
    loss = nn.NLLLoss()(model(x), y)  # model ends in a Linear
    ```

    ## Use instead
    ```python
    loss = nn.CrossEntropyLoss()(model(x), y)
    ```

    ## Fix safety
    Unsafe: for scores the right partner is `CrossEntropyLoss`; for probabilities their logarithm is missing.

    ## References
    - torch.nn.CTCLoss: "The logarithmized probabilities of the outputs (e.g. obtained with torch.nn.functional.log_softmax())".
    - torch.nn.NLLLoss: "The input given through a forward call is expected to contain log-probabilities of each class".
    """

    id = "SNF402"
    name = "scores-into-nll"
    category = Category.LOSS
    GOOD = (
        Good(
            "import torch, torch.nn as nn\ny = torch.tensor([0, 2])\np = nn.LogSoftmax(dim=1)(nn.Linear(4, 3)(torch.randn(2, 4)))\n"
            "nn.NLLLoss()(p, y).backward()\n"
        ),
        Good(
            "import torch, torch.nn.functional as F\ny = torch.tensor([0, 2])\np = torch.softmax(torch.randn(2, 3, requires_grad=True), 1)\n"
            "F.nll_loss(torch.log(p + 1e-8), y).backward()\n"
        ),
        Good(CTC.format("torch.log_softmax(scores, -1)")),
        Good(STEPS.format("-1")),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nmodel = nn.Linear(4, 3)\ncriterion = nn.NLLLoss()\n"
            "loss = criterion(model(torch.randn(2, 4)), torch.tensor([0, 2]))\nloss.backward()\n",
            at=(4, 8),
            fixed="import torch, torch.nn as nn\nmodel = nn.Linear(4, 3)\ncriterion = nn.CrossEntropyLoss()\n"
            "loss = criterion(model(torch.randn(2, 4)), torch.tensor([0, 2]))\nloss.backward()\n",
        ),
        Bad(
            "import torch, torch.nn as nn, torch.nn.functional as F\np = F.softmax(nn.Linear(4, 3)(torch.randn(2, 4)), dim=1)\n"
            "loss = F.nll_loss(p, torch.tensor([0, 2]))\nloss.backward()\n",
            at=(3, 8),
            fixed="import torch, torch.nn as nn, torch.nn.functional as F\np = F.log_softmax(nn.Linear(4, 3)(torch.randn(2, 4)), dim=1)\n"
            "loss = F.nll_loss(p, torch.tensor([0, 2]))\nloss.backward()\n",
        ),
        Bad(STEPS.format("1"), at=(3, 1), fixed=STEPS.format("-1")),
        Bad(CTC.format("scores"), at=(4, 1), fixed=CTC.format("scores.log_softmax(-1)")),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in [*fed(context.code, outcome, "nll_loss"), *fed(context.code, outcome, "ctc_loss")]:
            totals = [total for total in items(one.facts, "log_totals") if isinstance(total, (int, float))]
            if one.head != "logsoftmax" and totals and max(abs(total) for total in totals) > CLOSE:
                yield self._report(one)
            elif one.head == "logsoftmax" and totals and max(abs(total) for total in totals) > CLOSE:
                along = _dim(context.code, one.evidence())
                over = None if along is None else literal(along)
                if over is not None and over != 0:  # over the batch is another rule's
                    message = (
                        f"the negative log-likelihood is fed logarithms that add up to one along dim {over:g}, and not along the classes"
                    )
                    yield self.finding(message, one.span, stage=one.stage, evidence=one.evidence())

    def _report(self, one: Fed) -> Finding:
        probable = one.head == "softmax" or one.sums_to_one()
        what = "probabilities: their logarithm is missing" if probable else "raw scores, not log-probabilities"
        severity = None if one.trained else Severity.WARNING
        loss = "CTC loss" if text(one.facts, "function") == "ctc_loss" else "negative log-likelihood"
        message = f"the {loss} is fed {what} ({one.values()})"
        return self.finding(message, one.span, stage=one.stage, evidence=one.evidence(), severity=severity)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code, evidence = context.code, finding.evidence
        along = _dim(code, evidence)
        if along is not None:
            for dim in ("-1", "1"):
                yield self.fix("normalize along the classes", *replace_expression(code, along, dim), preference=int(dim == "1"))
            return
        if evidence.get("head") != "Softmax" and evidence.get("function") == "ctc_loss":
            call = code.node_at(finding.span, ast.Call)
            if isinstance(call, ast.Call) and call.args:
                yield self.fix("turn the scores into log-probabilities", *wrap_expression(code, call.args[0], "{}.log_softmax(-1)"))
            return
        if evidence.get("head") != "Softmax":
            if edits := replace_loss(code, evidence, finding.span, "CrossEntropyLoss", "cross_entropy"):
                yield self.fix("use the loss that takes scores", *edits)
            return
        for which, name, to in (("head_at", "softmax", "log_softmax"), ("head_built", "Softmax", "LogSoftmax")):
            at = place(code, evidence, which)
            node = None if at is None else code.node_at(at, ast.Call)
            if isinstance(node, ast.Call) and called(node) == name:
                yield self.fix("take the logarithm of the probabilities", *rename_callee(code, node, to))


def _dim(code: Code, evidence: Mapping[str, Any]) -> ast.expr | None:
    """Where a log-softmax is told its dim, in the call or in the layer; None for any other head."""
    for which, name in (("head_at", "log_softmax"), ("head_built", "LogSoftmax")):
        at = place(code, evidence, which)
        node = None if at is None else code.node_at(at, ast.Call)
        if isinstance(node, ast.Call) and called(node) == name:
            return next((one.value for one in node.keywords if one.arg == "dim"), node.args[-1] if node.args else None)
    return None

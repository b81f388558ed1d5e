"""KLDivLoss whose first argument is no log-probability."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import joined, replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import rename_callee
from snipfix.rules.loss.fed import fed
from snipfix.rules.observed import called, flag, place, shape, text
from snipfix.rules.written import whole_value


class ProbabilitiesIntoDivergence(Rule):
    """`KLDivLoss` is fed probabilities where it wants their logarithm, or log-probabilities as the target.

    ## What it does
    Reports a KL divergence whose input was made by a softmax or whose rows are probabilities, and one whose target is a log-softmax without
    `log_target=True`.

    ## Why is this bad?
    `KLDivLoss(input, target)` computes target * (log target - input). Fed with probabilities it is no divergence: it is not zero for equal
    distributions and may be negative.

    ## Example
    ```python
    loss = nn.KLDivLoss(reduction="batchmean")(F.softmax(scores, dim=1), target)
    ```

    ## Use instead
    ```python
    loss = nn.KLDivLoss(reduction="batchmean")(F.log_softmax(scores, dim=1), target)
    ```

    ## Fix safety
    Unsafe only in name: the logarithm belongs there.

    ## References
    - torch.nn.KLDivLoss: "this loss expects the argument input in log-space".
    """

    id = "SNF407"
    name = "probabilities-into-divergence"
    category = Category.LOSS
    GOOD = (
        Good(
            "import torch, torch.nn.functional as F\nx = torch.randn(3, 4, requires_grad=True)\nt = F.softmax(torch.randn(3, 4), dim=1)\n"
            'F.kl_div(F.log_softmax(x, dim=1), t, reduction="batchmean").backward()\n'
        ),
        Good(
            "import torch, torch.nn.functional as F\nx = torch.randn(3, 4, requires_grad=True)\nt = F.log_softmax(torch.randn(3, 4), dim=1)\n"
            'F.kl_div(F.log_softmax(x, dim=1), t, reduction="batchmean", log_target=True).backward()\n'
        ),
    )
    BAD = (
        Bad(
            "import torch, torch.nn.functional as F\nx = torch.randn(3, 4, requires_grad=True)\nt = F.softmax(torch.randn(3, 4), dim=1)\n"
            'loss = F.kl_div(F.softmax(x, dim=1), t, reduction="batchmean")\nloss.backward()\n',
            at=(4, 8),
            fixed="import torch, torch.nn.functional as F\nx = torch.randn(3, 4, requires_grad=True)\nt = F.softmax(torch.randn(3, 4), dim=1)\n"
            'loss = F.kl_div(F.log_softmax(x, dim=1), t, reduction="batchmean")\nloss.backward()\n',
        ),
        Bad(
            "import torch, torch.nn.functional as F\nx = torch.randn(3, 4, requires_grad=True)\np = F.softmax(torch.randn(3, 4), dim=1)\n"
            'log_q = F.log_softmax(x, dim=1)\nloss = F.kl_div(p, log_q, reduction="batchmean")\nloss.backward()\n',
            at=(5, 8),
            fixed="import torch, torch.nn.functional as F\nx = torch.randn(3, 4, requires_grad=True)\np = F.softmax(torch.randn(3, 4), dim=1)\n"
            'log_q = F.log_softmax(x, dim=1)\nloss = F.kl_div(log_q, p, reduction="batchmean")\nloss.backward()\n',
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in fed(context.code, outcome, "kl_div"):
            if one.head == "softmax" or (one.head != "logsoftmax" and one.sums_to_one()):
                message = f"KL divergence wants log-probabilities first, but is fed probabilities ({one.values()})"
                yield self.finding(message, one.span, stage=one.stage, evidence=one.evidence())
            elif text(one.facts, "target_head", "op") == "LogSoftmax" and not flag(one.facts, "log_target"):
                evidence = {**one.evidence(), "head": "", "target_at": shape(one.facts, "target_head", "span")}
                message = "the target of this KL divergence is a log-probability, but `log_target` is not set"
                yield self.finding(message, one.span, stage=one.stage, evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        second = whole_value(context.code, call.args[1]) if isinstance(call, ast.Call) and len(call.args) > 1 else None
        if isinstance(call, ast.Call) and second is not None and called(second) in ("log_softmax", "LogSoftmax"):
            swap = [
                replace_expression(context.code, one, context.code.slice(other))
                for one, other in zip(call.args[:2], call.args[1::-1], strict=True)
            ]
            yield self.fix("exchange the two: the log-probabilities first", *joined(*swap))
        for which, name, to in (("head_at", "softmax", "log_softmax"), ("head_built", "Softmax", "LogSoftmax")):
            at = place(context.code, finding.evidence, which)
            node = None if at is None else context.code.node_at(at, ast.Call)
            if isinstance(node, ast.Call) and called(node) == name:
                yield self.fix("take the logarithm of the probabilities", *rename_callee(context.code, node, to))

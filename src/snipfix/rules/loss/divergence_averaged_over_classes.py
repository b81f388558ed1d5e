"""A Kullback-Leibler divergence averaged over the classes as well."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword
from snipfix.model import Category, Finding, Fix, Severity
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["DivergenceAveragedOverClasses"]

NAMES = ("torch.nn.KLDivLoss", "torch.nn.functional.kl_div")
GIVEN = frozenset({"reduction", "size_average", "reduce", None})


class DivergenceAveragedOverClasses(Rule):
    """`KLDivLoss` takes its default mean, over samples and classes alike, which is no divergence.

    ## What it does
    Reports `nn.KLDivLoss()` and `F.kl_div(...)` without `reduction`, or with `reduction="mean"`.

    ## Why is this bad?
    A divergence is a sum over the classes, averaged over the samples. The default divides by the number of classes too: the more classes there
    are, the less it weighs beside the other terms of a loss. torch warns, and the meaning of `mean` will change.

    ## Example
    ```python
    loss = nn.KLDivLoss()(log_p, q)
    ```

    ## Use instead
    ```python
    loss = nn.KLDivLoss(reduction="batchmean")(log_p, q)
    ```

    ## Fix safety
    Unsafe: the loss grows by the number of classes, and with it what a good learning rate or weight is.

    ## References
    - torch.nn.KLDivLoss, "reduction".
    """

    id = "SNF406"
    name = "divergence-averaged-over-classes"
    category = Category.LOSS
    severity = Severity.WARNING
    HEAD = (
        "import torch, torch.nn as nn, torch.nn.functional as F\nlog_p = torch.randn(4, 3, requires_grad=True).log_softmax(dim=1)\n"
        "q = torch.softmax(torch.randn(4, 3), dim=1)\n"
    )
    GOOD = (
        Good(HEAD + "print(nn.KLDivLoss(reduction='batchmean')(log_p, q), F.kl_div(log_p, q, reduction='sum') / 4)\n"),
        Good(HEAD + "print(F.kl_div(log_p, q, reduction='none').sum(dim=1).mean())\n"),
        Good(HEAD + "print(F.kl_div(log_p, q, size_average=False))\n"),
        Good("def kl_div(p, q):\n    return sum(a * b for a, b in zip(p, q))\n\nprint(kl_div([1], [2]))\n"),
    )
    BAD = (
        Bad(
            HEAD + "loss = nn.KLDivLoss()(log_p, q)  # 蒸馏\nloss.backward()\n",
            at=(4, 8),
            fixed=HEAD + 'loss = nn.KLDivLoss(reduction="batchmean")(log_p, q)  # 蒸馏\nloss.backward()\n',
        ),
        Bad(
            HEAD + "loss = F.kl_div(log_p, q, reduction='mean')\nloss.backward()\n",
            at=(4, 8),
            fixed=HEAD + 'loss = F.kl_div(log_p, q, reduction="batchmean")\nloss.backward()\n',
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for call, name in context.scopes.calls:
            if name in NAMES and _averages(call, name):
                message = "the divergence is divided by the number of classes too: a mean over the samples is `batchmean`"
                yield self.finding(message, context.code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for call, name in context.scopes.calls:
            if name in NAMES and context.code.span(call) == finding.span:
                yield self.fix("Average over the samples alone", *add_keyword(context.code, call, "reduction", '"batchmean"'))


def _averages(call: ast.Call, name: str) -> bool:
    """Whether a call takes the mean over all elements, by default or in words."""
    if len(call.args) > (2 if name.endswith("kl_div") else 0) or any(isinstance(one, ast.Starred) for one in call.args):
        return False
    said = {one.arg: one.value for one in call.keywords}
    value = said.get("reduction")
    return (isinstance(value, ast.Constant) and value.value == "mean") or not (GIVEN & said.keys())

"""A loss of pairs that is told 0 where it wants -1."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import wrap_expression
from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, number, text

__all__ = ["PairTargetZero"]

PLACE = {"margin_ranking_loss": 2, "cosine_embedding_loss": 2, "hinge_embedding_loss": 1, "soft_margin_loss": 1}
NAMES = {
    "margin_ranking_loss": "MarginRankingLoss",
    "cosine_embedding_loss": "CosineEmbeddingLoss",
    "hinge_embedding_loss": "HingeEmbeddingLoss",
    "soft_margin_loss": "SoftMarginLoss",
}
CODE = (
    "import torch, torch.nn as nn\nnet = nn.Linear(4, 3)\na, b = torch.randn(2, 5, 4)\nsame = torch.tensor([{}, 1, {}, 1, 1])\n"
    "loss = nn.CosineEmbeddingLoss(margin=0.1)(net(a), net(b), {})\nloss.backward()\n"
)
RANKED = (
    "import torch, torch.nn as nn\nimport torch.nn.functional as F\nscore = nn.Linear(4, 1)\na, b = torch.randn(2, 5, 4)\n"
    "better = torch.tensor([1, 0, 0, 1, 1])\n"
    "loss = F.margin_ranking_loss(score(a).squeeze(1), score(b).squeeze(1), {}, margin=0.5)\nloss.backward()\n"
)


class PairTargetZero(Rule):
    """A loss of pairs whose target is 1 or -1 is given 1 and 0: the pairs with 0 teach nothing.

    ## What it does
    Reports `MarginRankingLoss`, `CosineEmbeddingLoss`, `HingeEmbeddingLoss` and `SoftMarginLoss` whose target holds zeros, and nothing but
    zeros and ones.

    ## Why is this bad?
    The target is a sign that the scores are multiplied with, or that chooses between two terms. With 0 the loss of that pair does not depend
    on the model: the pairs that are unlike are never driven apart, and the loss falls all the same.

    ## Example
    ```python
    same = torch.tensor([1, 0, 1])
    loss = nn.CosineEmbeddingLoss()(a, b, same)
    ```

    ## Use instead
    ```python
    same = torch.tensor([1, 0, 1])
    loss = nn.CosineEmbeddingLoss()(a, b, 2 * same - 1)
    ```

    ## Fix safety
    Unsafe: the training changes, and now learns from all pairs.

    ## References
    - torch.nn.CosineEmbeddingLoss, torch.nn.MarginRankingLoss: the target is 1 or -1.
    """

    id = "SNF419"
    name = "pair-target-zero"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format(-1, -1, "same")),
        Good(CODE.format(0, 0, "torch.where(same == 1, 1, -1)")),
        Good(CODE.format(1, 1, "same")),
        Good(RANKED.format("torch.where(better == 1, 1.0, -1.0)")),
    )
    BAD = (
        Bad(CODE.format(0, 0, "same"), at=(5, 8), fixed=CODE.format(0, 0, "2 * same - 1")),
        Bad(RANKED.format("better"), at=(6, 8), fixed=RANKED.format("2 * better - 1")),
        Bad(RANKED.format("better.float()"), at=(6, 8), fixed=RANKED.format("2 * better.float() - 1")),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "pair-target"):
            if (number(observation.facts, "zeros") or 0) > 0 and number(observation.facts, "others") == 0:
                function = text(observation.facts, "function")
                message = f"the target of {NAMES.get(function, function)} is 1 or -1: here pairs have 0, and their loss does not depend on the model"
                yield self.finding(message, span, stage=Stage.PROBE, evidence={"function": function})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node, position = context.code.node_at(finding.span, ast.Call), PLACE.get(text(finding.evidence, "function"), 2)
        if not isinstance(node, ast.Call) or context.code.span(node) != finding.span or called(node) in NAMES.values():
            return
        given = next((one.value for one in node.keywords if one.arg in ("target", "y")), None)
        given = node.args[position] if len(node.args) > position else given
        if given is not None:
            plain = "{}" if isinstance(given, ast.Name | ast.Attribute | ast.Call | ast.Subscript) else "({})"
            yield self.fix("turn the zeros into -1", *wrap_expression(context.code, given, f"2 * {plain} - 1"))

"""Attention weights that sum to one along another dim than the one their product adds up."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import CodemodError, add_keyword, replace_argument
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import mapping, number, place, shape

__all__ = ["AttentionOverAnotherDim", "weighed"]

HEAD = """\
import torch, torch.nn as nn
x = torch.randn(2, 5, 4)
q, k, v = nn.Linear(4, 4)(x), nn.Linear(4, 4)(x), nn.Linear(4, 4)(x)
scores = q @ k.transpose(1, 2) / 2
"""


def weighed(outcome: Outcome, context: Context) -> Iterator[tuple[Span, int, int, tuple[int, ...]]]:
    """Each softmax in the text whose result weighs values: its place, its dim, the dim that the product adds up, the weights' shape."""
    for observation in outcome.seen("attention"):
        facts = observation.facts
        span, size = place(context.code, facts, "softmax", "span"), shape(facts, "shape")
        dim, summed = number(facts, "softmax", "dim"), number(facts, "summed")
        if span is not None and size and dim is not None and summed is not None and -len(size) <= dim < len(size):
            yield span, int(dim) % len(size), int(summed), size


class AttentionOverAnotherDim(Rule):
    """The softmax of an attention runs along another dim than the one that its product with the values adds up.

    ## What it does
    Follows the weights from the product of queries and keys through the softmax to the product with the values, in the autograd graph, and
    compares the two dims.

    ## Why is this bad?
    Attention is a weighted mean: the weights of one query over all keys sum to one. Along another dim they do not, the output grows or
    shrinks with the length, and every query competes with the others for each key. No error shows it.

    ## Example
    ```python
    weights = torch.softmax(q @ k.transpose(-2, -1), dim=1)
    out = weights @ v
    ```

    ## Use instead
    ```python
    weights = torch.softmax(q @ k.transpose(-2, -1), dim=-1)
    out = weights @ v
    ```

    ## Fix safety
    Unsafe: trained weights of the old model do not fit the new one.

    ## References
    - Vaswani et al. 2017, Attention Is All You Need, equation 1; torch.nn.functional.scaled_dot_product_attention.
    """

    id = "SNF417"
    name = "attention-over-another-dim"
    category = Category.API_MISUSE
    GOOD = (
        Good(HEAD + "print((torch.softmax(scores, dim=-1) @ v).shape)\n"),
        Good(HEAD + "print((torch.softmax(scores, dim=1).transpose(1, 2) @ v).shape)  # keys come first in these scores\n"),
        Good(HEAD + "slots = scores.softmax(dim=1)\nprint((slots / slots.sum(dim=-1, keepdim=True) @ v).shape)\n"),
        Good(HEAD + "cluster = nn.Linear(4, 3)(x).softmax(dim=2)\nprint((cluster.transpose(1, 2) @ x).shape)\n"),
    )
    BAD = (
        Bad(
            HEAD + "weights = nn.functional.dropout(torch.softmax(scores, dim=1), 0.1)\nprint((weights @ v).shape)\n",
            at=(5, 33),
            fixed=HEAD + "weights = nn.functional.dropout(torch.softmax(scores, dim=-1), 0.1)\nprint((weights @ v).shape)\n",
        ),
        Bad(
            HEAD + "weights = scores.masked_fill(scores > 3, float('-inf')).softmax(0)\nprint((weights @ v).shape)\n",
            at=(5, 11),
            fixed=HEAD + "weights = scores.masked_fill(scores > 3, float('-inf')).softmax(-1)\nprint((weights @ v).shape)\n",
        ),
        Bad(
            HEAD + "softmax = nn.Softmax(dim=1)\nprint(torch.bmm(softmax(scores), v).shape)\n",
            at=(6, 17),
            fixed=HEAD + "softmax = nn.Softmax(dim=-1)\nprint(torch.bmm(softmax(scores), v).shape)\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        told: set[Span] = set()
        for span, dim, summed, size in weighed(outcome, context):
            if dim != summed and span not in told:
                told.add(span)
                message = (
                    f"these attention weights {list(size)} sum to one along dim {dim}, "
                    f"but their product with the values adds up along dim {summed}"
                )
                evidence = {"shape": size, "dim": dim, "summed": summed}
                yield self.finding(message, span, stage=Stage.PROBE, evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        outcome = context.outcome
        places = [finding.span]
        for observation in outcome.seen("attention") if outcome else ():
            if place(context.code, observation.facts, "softmax", "span") == finding.span:
                places += [built for built in [place(context.code, mapping(observation.facts, "softmax"), "built")] if built]
        for span in reversed(places):
            node = context.code.node_at(span, ast.Call)
            for which in ("dim", 1, 0):
                try:
                    if isinstance(node, ast.Call) and _is_dim(node, which):
                        yield self.fix("take the softmax over the keys", *replace_argument(context.code, node, which, "-1"))
                        return
                except CodemodError:
                    continue
            if isinstance(node, ast.Call) and span != finding.span:
                yield self.fix("take the softmax over the keys", *add_keyword(context.code, node, "dim", "-1"))
                return


def _is_dim(call: ast.Call, which: int | str) -> bool:
    """Whether the call has this argument, and by position a whole number stands there."""
    if isinstance(which, str):
        return any(one.arg == which for one in call.keywords)
    if which >= len(call.args):
        return False
    value = call.args[which]
    value = value.operand if isinstance(value, ast.UnaryOp) else value
    return isinstance(value, ast.Constant) and isinstance(value.value, int)

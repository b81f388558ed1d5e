"""Predictions compared with targets of another shape, so that each meets every other."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import CodemodError, wrap_expression
from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, number, shape
from snipfix.rules.training_loop.scores_compared_with_classes import compared

__all__ = ["ComparisonBroadcast"]

MEANT = ("unsqueeze", "[:, None", "[..., None", "view(-1, 1)", "reshape(-1, 1)", "keepdim")
"""What a column is written with where the table of all pairs is wanted."""
KEEPING = frozenset({"float", "int", "long", "double", "cpu", "item", "detach", "to", "type"})
CODE = (
    "import torch, torch.nn as nn\ntorch.manual_seed(0)\nmodel, x = nn.Linear(3, 1), torch.randn(8, 3)\ny = (x[:, 0] > 0).float()\n"
    "pred = (torch.sigmoid(model(x)) > 0.5).float()\n{}\n"
)


class ComparisonBroadcast(Rule):
    """Predictions of shape (n, 1) are compared with targets of shape (n,): the accuracy counts n × n pairs.

    ## What it does
    Reports `==` between a column and a row of the same length, seen when it ran, whose result is summed or averaged as a whole. A column
    that the comparison itself makes, as `labels.unsqueeze(1) == labels` does, is meant.

    ## Why is this bad?
    Broadcasting compares each prediction with every target. The number that comes out looks like an accuracy, near 0.5 for two balanced
    classes, and hardly changes with training; a sum of it may pass the number of samples.

    ## Example
    ```python
    accuracy = (predicted == y).float().mean()
    ```

    ## Use instead
    ```python
    accuracy = (predicted.squeeze(1) == y).float().mean()
    ```

    ## Fix safety
    Unsafe only in name: each prediction meets its own target.

    ## References
    - PyTorch, "Broadcasting semantics".
    """

    id = "SNF451"
    name = "comparison-broadcast"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    silent = True
    GOOD = (
        Good(CODE.format("print((pred.squeeze(1) == y).float().mean())")),
        Good(CODE.format("print((pred == y.unsqueeze(1)).float().mean())")),
        Good(CODE.format("same = y.unsqueeze(1) == y\nprint(same.float().mean())")),
        Good(CODE.format("pairs = pred == torch.tensor([0.0, 1.0])\nprint(pairs.sum())")),
    )
    BAD = (
        Bad(
            CODE.format("print((pred == y).float().mean())  # 准确率"),
            at=(6, 8),
            fixed=CODE.format("print((pred.squeeze(1) == y).float().mean())  # 准确率"),
        ),
        Bad(
            CODE.format("correct = 0\ncorrect += pred.eq(y).sum().item()"),
            at=(7, 12),
            fixed=CODE.format("correct = 0\ncorrect += pred.squeeze(1).eq(y).sum().item()"),
        ),
        Bad(
            CODE.format("right = (y == pred)\nprint(right.float().mean())"),
            at=(6, 10),
            fixed=CODE.format("right = (y == pred.squeeze(1))\nprint(right.float().mean())"),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "comparison-broadcast"):
            sides = compared(context.code, span)
            at = number(observation.facts, "position")
            if sides is None or at is None or any(mark in written(sides[int(at)]) for mark in MEANT):
                continue
            first, second = shape(observation.facts, "shape"), shape(observation.facts, "other_shape")
            shapes = f"{list(first or ())} and {list(second or ())}"
            message = f"{shapes} are broadcast against each other: each prediction is compared with every target"
            severity = None if _counted(context.code, context.code.node_at(span, (ast.Compare, ast.Call))) else Severity.WARNING
            yield self.finding(message, span, stage=Stage.PROBE, evidence=observation.facts, severity=severity)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        sides, at = compared(context.code, finding.span), number(finding.evidence, "position")
        if sides is not None and at is not None:
            try:
                yield self.fix("compare each with its own", *wrap_expression(context.code, sides[int(at)], "{}.squeeze(1)"))
            except CodemodError:
                return


def _counted(code: Code, node: ast.AST | None) -> bool:
    """Whether the result of a comparison is summed or averaged over all its numbers, here or under the name that it is given."""
    up = None if node is None else code.parents.get(node)
    while node is not None and isinstance(up, ast.Attribute | ast.Call):
        if isinstance(up, ast.Call) and called(up) in ("sum", "mean"):
            return len(up.args) == (node in up.args) and not up.keywords
        if isinstance(up, ast.Call) and called(up) not in KEEPING:
            return False
        node, up = up, code.parents.get(up)
    if isinstance(up, ast.Assign) and isinstance(up.targets[0], ast.Name):
        later = [one for one in code.mentions(up.targets[0].id) if isinstance(one.ctx, ast.Load)]
        return any(_counted(code, one) for one in later)
    return False

"""A loss over every pair of prediction and target, by broadcasting."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import wrap_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.fed import fed
from snipfix.rules.observed import called, each, flag, items
from snipfix.rules.written import handed_back

ELEMENTWISE = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


class BroadcastLoss(Rule):
    """Prediction and target have the same numbers in different shapes: the loss compares each with all.

    ## What it does
    Reports an elementwise loss, or a hand-written mean of squared or absolute differences, between shapes such as (n, 1) and (n,), where
    broadcasting makes an n x n table.

    ## Why is this bad?
    Every prediction is compared with every target. The best the model can do is to predict the mean of all targets.

    ## Example
    ```python
    loss = ((model(x) - y) ** 2).mean()  # (n, 1) - (n,)
    ```

    ## Use instead
    ```python
    loss = ((model(x).squeeze(1) - y) ** 2).mean()
    ```

    ## Fix safety
    Unsafe: either side can be reshaped; both are offered.

    ## References
    - PyTorch notes "Broadcasting semantics"; the warning of torch.nn.functional.mse_loss.
    """

    id = "SNF405"
    name = "broadcast-loss"
    category = Category.LOSS
    GOOD = (
        Good("import torch, torch.nn as nn\nx = torch.randn(5, 1, requires_grad=True)\nnn.MSELoss()(x, torch.ones(5, 1)).backward()\n"),
        Good("import torch\nx = torch.randn(5, requires_grad=True)\n((x.unsqueeze(1) - x) ** 2).mean().backward()\n"),
        Good("import torch\nx = torch.randn(5, 3, requires_grad=True)\n((x - x.mean(0)) ** 2).mean().backward()\n"),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nx = nn.Linear(2, 1)(torch.randn(5, 2))\ny = torch.ones(5)\nloss = ((x - y) ** 2).mean()\nloss.backward()\n",
            at=(4, 10),
            fixed="import torch, torch.nn as nn\nx = nn.Linear(2, 1)(torch.randn(5, 2))\ny = torch.ones(5)\n"
            "loss = ((x.squeeze(1) - y) ** 2).mean()\nloss.backward()\n",
        ),
        Bad(
            "import torch, torch.nn as nn\nx = nn.Linear(2, 1)(torch.randn(5, 2))\ny = torch.ones(5)\nloss = nn.MSELoss()(x, y)\nloss.backward()\n",
            at=(4, 8),
            fixed="import torch, torch.nn as nn\nx = nn.Linear(2, 1)(torch.randn(5, 2))\ny = torch.ones(5)\n"
            "loss = nn.MSELoss()(x.squeeze(1), y)\nloss.backward()\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in fed(context.code, outcome, *ELEMENTWISE):
            if one.shape == one.target_shape or _count(one.shape) == 1 or _count(one.target_shape) == 1:
                continue
            same = _count(one.shape) == _count(one.target_shape)
            evidence = {**one.evidence(), "shapes": [one.shape, one.target_shape]}
            message = f"prediction {list(one.shape)} and target {list(one.target_shape)} are broadcast against each other"
            severity = None if same else Severity.WARNING
            yield self.finding(message, one.span, stage=one.stage, evidence=evidence, severity=severity)
        for observation, span in each(outcome, context.code, "difference"):
            node = context.code.node_at(span, ast.BinOp)
            if (
                node is not None
                and flag(observation.facts, "grad")
                and (is_loss(context.code, node) or (flag(observation.facts, "estimated") and kept_for_loss(context.code, node)))
                and "unsqueeze" not in ast.unparse(node)
            ):
                shapes = items(observation.facts, "shapes")
                estimated = not is_loss(context.code, node)
                message = f"{shapes[0]} minus {shapes[1]} is {items(observation.facts, 'result')}: each prediction meets every target"
                yield self.finding(message, context.code.span(node), stage=Stage.PROBE, evidence={"shapes": shapes, "kept": estimated})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        node = code.node_at(finding.span, (ast.BinOp, ast.Call))
        sides = [node.left, node.right] if isinstance(node, ast.BinOp) else node.args[:2] if isinstance(node, ast.Call) else []
        shapes = [tuple(one) for one in finding.evidence.get("shapes", ()) if isinstance(one, (list, tuple))]
        if len(sides) != 2 or len(shapes) != 2:
            return
        for number, (side, size, other) in enumerate(zip(sides, shapes, reversed(shapes), strict=True)):
            if size == (*other, 1):
                given = handed_back(code, side)
                if given is not None:
                    edits = wrap_expression(code, given, "{}.squeeze(-1)")
                    yield self.fix("let the model give one value a sample", *edits, preference=number)
                later = number + (given is not None)
                yield self.fix("give both the same shape", *wrap_expression(code, side, f"{{}}.squeeze({len(other)})"), preference=later)
            elif other == (*size, 1) and not finding.evidence.get("kept"):  # one value a sample, as all that it meets later
                yield self.fix("give both the same shape", *wrap_expression(code, side, f"{{}}.unsqueeze({len(size)})"), preference=number)


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def is_loss(code: Code, node: ast.AST) -> bool:
    """Whether a difference is squared or made absolute and then averaged or summed, in one expression; not with `None` in an index."""
    if "None" in ast.unparse(node) or "[:, " in ast.unparse(node):
        return False
    around = [up for up in code.ancestors(node) if isinstance(up, ast.expr)]
    squared = any(
        (isinstance(up, ast.BinOp) and isinstance(up.op, ast.Pow)) or called(up) in {"pow", "square", "abs"} or ".pow" in ast.unparse(up)
        for up in around
    )
    kernel = any(called(up) in {"exp", "softmax"} for up in around)  # distances between all points, and meant
    return squared and not kernel and any(called(up) in {"mean", "sum"} for up in around)


def kept_for_loss(code: Code, node: ast.AST) -> bool:
    """Whether a difference is given a name that is averaged or summed later: an advantage, an error."""
    made = code.parents.get(node)
    name = made.targets[0] if isinstance(made, ast.Assign) and len(made.targets) == 1 else None
    reads = (one for one in code.mentions(name.id) if isinstance(one.ctx, ast.Load)) if isinstance(name, ast.Name) else ()
    return any(called(up) in {"mean", "sum", "mse_loss", "smooth_l1_loss"} for one in reads for up in code.ancestors(one))

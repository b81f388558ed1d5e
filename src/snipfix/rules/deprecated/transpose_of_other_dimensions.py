"""`.T` of a tensor that is no matrix."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import each, shape

__all__ = ["TransposeOfOtherDimensions"]


class TransposeOfOtherDimensions(Rule):
    """`.T` is asked of a tensor that is no matrix.

    ## What it does
    Reports `x.T` where `x` has been seen with another number of dimensions than two.

    ## Why is this bad?
    For three dimensions and more it turns all of them around, which is seldom what is meant, and for one it does nothing. torch warns, and
    will raise.

    ## Example
    ```python
    keys.T  # (batch, steps, width) becomes (width, steps, batch)
    ```

    ## Use instead
    ```python
    keys.permute(2, 1, 0)  # or keys.mT, which leaves the batch in front
    ```

    ## Fix safety
    Safe: the dimensions are turned around as before, in words. Whether only the last two should be is offered second.

    ## References
    - torch.Tensor.T, "deprecated".
    """

    id = "SNF145"
    name = "transpose-of-other-dimensions"
    category = Category.DEPRECATED
    severity = Severity.WARNING
    applicability = Applicability.SAFE
    GOOD = (
        Good("import torch\nprint(torch.ones(2, 3).T, torch.ones(2, 3, 4).mT)\n"),
        Good("class Point:\n    T = (1, 2, 3)\nprint(Point().T)\n"),
    )
    BAD = (
        Bad(
            "import torch\nx = torch.randn(2, 3, 4)\nprint((x + 1).T.shape)  # 转置\n",
            at=(3, 7),
            fixed="import torch\nx = torch.randn(2, 3, 4)\nprint((x + 1).permute(2, 1, 0).shape)  # 转置\n",
        ),
        Bad(
            "import torch\nv = torch.randn(3)\nprint(v @ v.T)\n",
            at=(3, 11),
            fixed="import torch\nv = torch.randn(3)\nprint(v @ v)\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "transposed"):
            size = shape(observation.facts, "shape") or ()
            node = context.code.node_at(span, ast.Attribute)
            if not isinstance(node, ast.Attribute) or node.attr != "T":
                continue
            effect = "turns all of them around" if len(size) > 1 else "does nothing"
            message = f"`.T` of a tensor of {len(size)} dimensions {effect}: deprecated, it is for matrices"
            yield self.finding(message, span, stage=Stage.PROBE, evidence={"shape": size})

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        node = context.code.node_at(finding.span, ast.Attribute)
        count = len(finding.evidence.get("shape", ()))
        if not isinstance(node, ast.Attribute):
            return
        owner = context.code.text[context.code.range(finding.span)[0] : context.code.range(context.code.span(node))[1]].rpartition(".T")[0]
        if count < 2:
            yield self.fix("Leave `.T` out", *replace_expression(context.code, node, owner), meaning=Meaning.KEEPS)
            return
        order = ", ".join(str(dim) for dim in reversed(range(count)))
        yield self.fix("Say the order", *replace_expression(context.code, node, f"{owner}.permute({order})"), meaning=Meaning.KEEPS)
        yield self.fix("Swap the last two", *replace_expression(context.code, node, f"{owner}.mT"), meaning=Meaning.RESTORES, preference=1)

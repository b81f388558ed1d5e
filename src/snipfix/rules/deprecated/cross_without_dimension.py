"""`cross` without its dimension."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword
from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import each, shape

__all__ = ["CrossWithoutDimension"]


class CrossWithoutDimension(Rule):
    """`cross` is not told along which dimension the vectors lie.

    ## What it does
    Reports `torch.cross(a, b)` and `a.cross(b)` without `dim`.

    ## Why is this bad?
    torch takes the first dimension of size three, so that three vectors in the rows of a 3 × 3 table are read by columns. It warns, and the
    default will be the last dimension.

    ## Example
    ```python
    torch.cross(a, b)
    ```

    ## Use instead
    ```python
    torch.cross(a, b, dim=-1)
    ```

    ## Fix safety
    Safe: the dimension that torch took is named. Where the last would do as well, it is offered second.

    ## References
    - torch.cross.
    """

    id = "SNF146"
    name = "cross-without-dimension"
    category = Category.DEPRECATED
    severity = Severity.WARNING
    applicability = Applicability.SAFE
    GOOD = (
        Good("import torch\na = torch.eye(3)\nprint(torch.cross(a, a, 1), torch.cross(a, a, dim=-1))\n"),
        Good("import torch\na = torch.eye(3)\nprint(torch.linalg.cross(a, a))\n"),
        Good("import numpy as np\nprint(np.cross([1, 0, 0], [0, 1, 0]))\n"),
    )
    BAD = (
        Bad(
            "import torch\na, b = torch.ones(4, 3), torch.ones(4, 3)\nc = torch.cross(a, b)  # 叉积\n",
            at=(3, 5),
            fixed="import torch\na, b = torch.ones(4, 3), torch.ones(4, 3)\nc = torch.cross(a, b, dim=-1)  # 叉积\n",
        ),
        Bad(
            "import torch\na = torch.eye(3)\nprint(a.cross(a + 1))\n",
            at=(3, 7),
            fixed="import torch\na = torch.eye(3)\nprint(a.cross(a + 1, dim=0))\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "crossed"):
            size = shape(observation.facts, "shape") or ()
            if 3 in size and isinstance(context.code.node_at(span, ast.Call), ast.Call):
                taken = size.index(3)
                message = f"`cross` of {list(size)} is not told its `dim`: torch takes {taken}, the first of size 3"
                yield self.finding(message, span, stage=Stage.PROBE, evidence={"shape": size})

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        call, size = context.code.node_at(finding.span, ast.Call), finding.evidence["shape"]
        if isinstance(call, ast.Call):
            taken = "-1" if size.index(3) == len(size) - 1 else str(size.index(3))
            yield self.fix("Name the dimension", *add_keyword(context.code, call, "dim", taken), meaning=Meaning.KEEPS)
            if taken != "-1" and size[-1] == 3:
                yield self.fix(
                    "Take the last dimension", *add_keyword(context.code, call, "dim", "-1"), meaning=Meaning.CHANGES, preference=1
                )

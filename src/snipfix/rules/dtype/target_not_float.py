"""A loss for probabilities or numbers is given integer targets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import operands, passed, value_offers


class TargetNotFloat(CrashRule):
    """A loss for probabilities or numbers is given integer targets.

    ## What it does
    Explains binary and regression losses, and in-place arithmetic, that need floating-point numbers and are given integers.

    ## Why is this bad?
    The program stops. Labels 0 and 1 are integers by default; these losses compute with them.

    ## Example
    ```python
    y = torch.tensor([0, 1])
    F.binary_cross_entropy(torch.rand(2), y)
    ```

    ## Use instead
    ```python
    y = torch.tensor([0, 1]).float()
    F.binary_cross_entropy(torch.rand(2), y)
    ```

    ## Fix safety
    The numbers stay the same.

    ## References
    - torch.nn.BCELoss
    """

    id = "SNF242"
    name = "target-not-float"
    category = Category.DTYPE
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"Found dtype (?:Long|Int|Byte|Bool|Short|Char) but expected \w+",
        r"result type \w+ can't be cast to the desired output type (?:Long|Int|Byte|Bool)",
        r"expected scalar type Float but found (?:Long|Int)",
        r"Expected object of scalar type Float but got scalar type Long",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.BCELoss()(torch.ones(2), torch.tensor([0.0, 1.0]))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.MSELoss()(torch.ones(2), torch.tensor([0, 1]))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\ny = torch.tensor([0, 1, 1])\nloss = nn.BCEWithLogitsLoss()(torch.zeros(3), y)\n",
            at=(4, 8),
            fixed="import torch\nimport torch.nn as nn\ny = torch.tensor([0, 1, 1]).float()\nloss = nn.BCEWithLogitsLoss()(torch.zeros(3), y)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        if self._in_place(crash):
            return True
        return len(crash.tensors) > 1 and any(not value.dtype.startswith(("float", "bfloat", "complex")) for value in crash.tensors[:2])

    @staticmethod
    def _in_place(crash: Crash) -> bool:
        """`counts += 0.5` where counts holds integers: the number beside it is no tensor."""
        return isinstance(crash.statement, ast.AugAssign) and len(crash.tensors) == 1 and "result type" in crash.failure.message

    def says(self, crash: Crash) -> str:
        if self._in_place(crash):
            return f"a tensor of type {crash.tensors[0].dtype} cannot keep floating-point numbers"
        kinds = " and ".join(value.dtype for value in crash.tensors[:2])
        return f"{crash.operation.name.rpartition('.')[2]} needs floating-point numbers and is given {kinds}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if self._in_place(crash):
            kept = crash.statement.target if isinstance(crash.statement, ast.AugAssign) else None
            yield from value_offers(crash, kept, "{}.float()", "Make the integers floating-point numbers")
            return
        for number, value in enumerate(crash.tensors[:2]):
            if not value.dtype.startswith(("float", "bfloat", "complex")):
                both = operands(crash)
                node = both[number] if both is not None else passed(crash, number, "target")
                yield from value_offers(crash, node, "{}.float()", "Make the integers floating-point numbers")

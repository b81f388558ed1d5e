"""Class numbers are given to a loss as floating-point numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import rename_attribute
from snipfix.model import Applicability, Category, Meaning
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import passed, value_offers


class TargetNotInteger(CrashRule):
    """Class numbers are given to a loss as floating-point numbers.

    ## What it does
    Explains `cross_entropy` and `nll_loss` on a target of class numbers that is not of integer type.

    ## Why is this bad?
    The program stops: class numbers are indices, and indices are integers.

    ## Example
    ```python
    labels = torch.tensor([0.0, 1.0])
    F.cross_entropy(torch.zeros(2, 3), labels)
    ```

    ## Use instead
    ```python
    labels = torch.tensor([0.0, 1.0]).long()
    F.cross_entropy(torch.zeros(2, 3), labels)
    ```

    ## Fix safety
    Safe when all values are whole numbers, as seen in the run. Otherwise the task is a regression and the loss is wrong, which no edit is offered for.

    ## References
    - torch.nn.CrossEntropyLoss
    """

    id = "SNF241"
    name = "target-not-integer"
    category = Category.DTYPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"expected target dtype to be Long or Byte, but got \w+",
        r"expected scalar type Long but found \w+",
        r"Expected object of scalar type Long but got scalar type",
        r"not implemented for 'Float'|not implemented for 'Double'|\w+_out_frame.*not implemented for",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.CrossEntropyLoss()(torch.zeros(2, 3), torch.tensor([0, 1]))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.CrossEntropyLoss()(torch.zeros(2, 3), torch.ones(2, 3) / 3)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nlabels = torch.tensor([0.0, 1.0])\nloss = nn.CrossEntropyLoss()(torch.zeros(2, 3), labels)\n",
            at=(4, 8),
            fixed="import torch\nimport torch.nn as nn\nlabels = torch.tensor([0.0, 1.0]).long()\nloss = nn.CrossEntropyLoss()(torch.zeros(2, 3), labels)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        target = crash.argument(1, "target")
        return (
            target is not None
            and target.dtype.startswith(("float", "bool"))
            and ("loss" in crash.operation.name or "entropy" in crash.operation.name)
        )

    def says(self, crash: Crash) -> str:
        target = crash.argument(1, "target")
        whole = target is not None and target.whole is not False
        if target is not None and target.dtype == "bool":
            return "the class numbers are truth values"
        return "the class numbers are floating-point numbers" if whole else "the targets are not class numbers: they are not whole"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        target = crash.argument(1, "target")
        if target is not None and target.whole is not False:
            yield from value_offers(crash, passed(crash, 1, "target"), "{}.long()", "Make the class numbers integers")
        elif len(crash.shape(0)) == 2 and crash.shape(0)[1] == 1:
            maker = crash.constructor
            if maker is not None and isinstance(maker.func, ast.Attribute):
                yield Offer("Use a loss for regression", rename_attribute(crash.code, maker.func, "MSELoss"), Meaning.CHANGES)

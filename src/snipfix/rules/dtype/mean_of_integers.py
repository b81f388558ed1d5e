"""A mean or deviation is asked of an integer tensor."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import passed, wrapped


class MeanOfIntegers(CrashRule):
    """A mean or deviation is asked of an integer tensor.

    ## What it does
    Explains `mean`, `std` and `var` on integer or boolean tensors.

    ## Why is this bad?
    The program stops: the result would not be an integer. It shows when an accuracy is computed from comparisons.

    ## Example
    ```python
    correct = torch.tensor([True, False])
    correct.mean()
    ```

    ## Use instead
    ```python
    correct = torch.tensor([True, False])
    correct.float().mean()
    ```

    ## Fix safety
    The value is the mean that was asked for.

    ## References
    - torch.mean
    """

    id = "SNF243"
    name = "mean-of-integers"
    category = Category.DTYPE
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"(?:mean|std|var|std_mean|var_mean)\w*\(\): (?:could not infer output dtype|input dtype should be either floating point)",
        r"only supports? (?:floating-point|floating point) (?:dtypes|types)|std and var only support floating",
        r"Can only calculate the mean of floating types",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\ntorch.tensor([1, 0]).float().mean()\n"),
        Good("import torch\nimport torch.nn as nn\ntorch.tensor([1, 0]).sum()\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\ncorrect = torch.tensor([1, 0, 1])\naccuracy = correct.mean()\n",
            at=(4, 12),
            fixed="import torch\nimport torch.nn as nn\ncorrect = torch.tensor([1, 0, 1])\naccuracy = correct.float().mean()\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return f"the {crash.operation.name.rpartition('.')[2]} of a tensor of type {crash.tensors[0].dtype if crash.tensors else 'int64'} is no integer"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        yield from wrapped(crash, passed(crash, 0, "input"), "{}.float()", "Make the numbers floating-point first")

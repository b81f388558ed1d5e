"""A transposed or permuted tensor is given a new view."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import rename_attribute, wrap_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text


class ViewOfStridedTensor(CrashRule):
    """A transposed or permuted tensor is given a new view.

    ## What it does
    Explains `view` on a tensor whose elements do not lie in the order that the view would need.

    ## Why is this bad?
    `view` never copies, so it refuses tensors that `transpose`, `permute` or `expand` has left strided.

    ## Example
    ```python
    x = torch.zeros(4, 3, 5).transpose(1, 2)
    y = x.view(4, 15)
    ```

    ## Use instead
    ```python
    x = torch.zeros(4, 3, 5).transpose(1, 2)
    y = x.reshape(4, 15)
    ```

    ## Fix safety
    `reshape` gives the same values and copies where it must.

    ## References
    - torch.Tensor.view
    - torch.Tensor.reshape
    """

    id = "SNF204"
    name = "view-of-strided-tensor"
    category = Category.SHAPE
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"view size is not compatible with input tensor's size and stride",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nx = torch.zeros(4, 3, 5).transpose(1, 2)\ny = x.reshape(4, 15)\n"),
        Good("import torch\nimport torch.nn as nn\nx = torch.zeros(4, 3, 5).transpose(1, 2).contiguous()\ny = x.view(4, 15)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.zeros(4, 3, 5).transpose(1, 2)\ny = x.view(4, 15)\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nx = torch.zeros(4, 3, 5).transpose(1, 2)\ny = x.reshape(4, 15)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return f"view() needs elements in order, this tensor {shape_text(crash.shape(0))} is strided"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if crash.call is not None and isinstance(crash.call.func, ast.Attribute) and crash.call.func.attr == "view":
            yield Offer("Use reshape", rename_attribute(crash.code, crash.call.func, "reshape"))
            yield Offer("Make the tensor contiguous first", wrap_expression(crash.code, crash.call.func.value, "{}.contiguous()"))

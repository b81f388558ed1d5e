"""A tensor is indexed with more indices than it has dimensions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class TooManyIndices(CrashRule):
    """A tensor is indexed with more indices than it has dimensions.

    ## What it does
    Explains subscripts such as `out[:, -1, :]` on a tensor of two dimensions.

    ## Why is this bad?
    The program stops. Usually the step was already taken, or the layer gives no sequence.

    ## Example
    ```python
    last = out[:, -1]
    last[:, -1, :]
    ```

    ## Use instead
    ```python
    last = out[:, -1]
    last
    ```

    ## Fix safety
    An index that takes everything is dropped, or the whole subscript; both have to run.

    ## References
    - PyTorch, Tensor indexing
    """

    id = "SNF321"
    name = "too-many-indices"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("IndexError",)
    MESSAGES = (r"too many indices for tensor of dimension (\d+)", r"too many indices for array: array is (\d+)-dimensional")
    GOOD = (
        Good("import torch\nimport torch.nn as nn\ntorch.zeros(2, 5, 4)[:, -1, :]\n"),
        Good("import torch\nimport torch.nn as nn\ntorch.zeros(2, 4)[:, -1]\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nlast = torch.zeros(2, 5, 4)[:, -1, :]\ny = last[:, -1, :]\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nlast = torch.zeros(2, 5, 4)[:, -1, :]\ny = last\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return f"a tensor of {crash.found[0]} dimensions is indexed with more"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        node = crash.code.node_at(crash.span, ast.Subscript)
        if not isinstance(node, ast.Subscript):
            return
        yield Offer("Take the tensor as it is", replace_expression(crash.code, node, crash.text(node.value)))
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
        for at, part in enumerate(parts):
            if isinstance(part, ast.Slice) and part.lower is None and part.upper is None:
                kept = ", ".join(crash.text(one) for number, one in enumerate(parts) if number != at)
                yield Offer("Leave out the index that takes everything", replace_expression(crash.code, node.slice, kept))

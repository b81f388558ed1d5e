"""A loss is built with predictions and targets instead of being called with them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class LossBuiltWithData(CrashRule):
    """A loss is built with predictions and targets instead of being called with them.

    ## What it does
    Explains `nn.CrossEntropyLoss(out, y)` and the like: the class is called where its object should be.

    ## Why is this bad?
    The constructor takes settings; PyTorch then stumbles over the tensors in their place.

    ## Example
    ```python
    loss = nn.CrossEntropyLoss(out, y)
    ```

    ## Use instead
    ```python
    loss = nn.CrossEntropyLoss()(out, y)
    ```

    ## Fix safety
    The arguments move to the call.

    ## References
    - torch.nn.CrossEntropyLoss
    """

    id = "SNF307"
    name = "loss-built-with-data"
    category = Category.API_MISUSE
    applicability = Applicability.SAFE
    TYPES = ()
    MESSAGES = (
        r"Boolean value of Tensor with more than one value is ambiguous",
        r"bool value of Tensor",
        r"__init__\(\) takes .* positional arguments? but",
        r"expected.*weight|is not a valid value for reduction",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.CrossEntropyLoss()(torch.zeros(4, 3), torch.zeros(4, dtype=torch.long))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.CrossEntropyLoss(torch.ones(3))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nout = torch.zeros(4, 3)\ny = torch.zeros(4, dtype=torch.long)\nloss = nn.CrossEntropyLoss(out, y)\n",
            at=(5, 8),
            fixed="import torch\nimport torch.nn as nn\nout = torch.zeros(4, 3)\ny = torch.zeros(4, dtype=torch.long)\nloss = nn.CrossEntropyLoss()(out, y)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return crash.call is not None and ast.unparse(crash.call.func).endswith("Loss") and bool(crash.call.args)

    def says(self, crash: Crash) -> str:
        return f"{crash.text(crash.call.func) if crash.call is not None else 'the loss'} is built with data; it has to be built first and then called"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if crash.call is not None:
            end = crash.code.range(crash.code.span(crash.call.func))[1]
            yield Offer("Build the loss, then call it", (Edit(end, end, "()"),))

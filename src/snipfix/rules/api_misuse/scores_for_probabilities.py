"""A loss for probabilities is given numbers outside 0 to 1."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import rename_attribute, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import passed, wrapped


class ScoresForProbabilities(CrashRule):
    """A loss for probabilities is given numbers outside 0 to 1.

    ## What it does
    Explains `BCELoss` on scores that no sigmoid has made probabilities, and on targets outside 0 to 1.

    ## Why is this bad?
    The program stops, on a GPU with an assertion far from the place.

    ## Example
    ```python
    nn.BCELoss()(net(x), y)
    ```

    ## Use instead
    ```python
    nn.BCEWithLogitsLoss()(net(x), y)
    ```

    ## Fix safety
    The loss with the sigmoid built in is the same function, computed more precisely. If the model's output is used as a probability elsewhere, that place needs its own sigmoid.

    ## References
    - torch.nn.BCEWithLogitsLoss
    """

    id = "SNF314"
    name = "scores-for-probabilities"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError", "ValueError")
    MESSAGES = (r"all elements of (?:input|target) should be between 0 and 1", r"Assertion `input_val >= zero && input_val <= one` failed")
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.BCELoss()(torch.full((2,), 0.5), torch.ones(2))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.BCEWithLogitsLoss()(torch.full((2,), 9.0), torch.ones(2))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\ncriterion = nn.BCELoss()\nloss = criterion(torch.full((4, 1), 9.0), torch.ones(4, 1))\n",
            at=(4, 8),
            fixed="import torch\nimport torch.nn as nn\ncriterion = nn.BCEWithLogitsLoss()\nloss = criterion(torch.full((4, 1), 9.0), torch.ones(4, 1))\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        value = crash.argument(0)
        seen = (
            f" from {value.low:.3g} to {value.high:.3g}" if value is not None and value.low is not None and value.high is not None else ""
        )
        return f"binary cross-entropy takes probabilities, it is given numbers{seen}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        maker = crash.constructor
        if maker is not None and crash.module is not None and crash.module.type == "BCELoss":
            name = "BCEWithLogitsLoss"
            func = maker.func
            edits = (
                rename_attribute(crash.code, func, name) if isinstance(func, ast.Attribute) else replace_expression(crash.code, func, name)
            )
            yield Offer("Use the loss with the sigmoid built in", edits)
        elif crash.call is not None and isinstance(crash.call.func, ast.Attribute) and crash.call.func.attr == "binary_cross_entropy":
            renamed = rename_attribute(crash.code, crash.call.func, "binary_cross_entropy_with_logits")
            yield Offer("Use the loss with the sigmoid built in", renamed)
        yield from wrapped(crash, passed(crash, 0, "input"), "torch.sigmoid({})", "Make probabilities first")

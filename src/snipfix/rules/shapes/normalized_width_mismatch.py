"""A normalisation layer is fed another number of features than it was built for."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import passed, wrapped
from snipfix.rules.widths import argument_of, width_offers


class NormalizedWidthMismatch(CrashRule):
    """A normalisation layer is fed another number of features than it was built for.

    ## What it does
    Explains `BatchNorm`, `LayerNorm` and `GroupNorm` on an input of another width.

    ## Why is this bad?
    The program stops at the first batch; usually the width of another layer was written down.

    ## Example
    ```python
    norm = nn.BatchNorm1d(5)
    norm(torch.zeros(2, 4))
    ```

    ## Use instead
    ```python
    norm = nn.BatchNorm1d(4)
    norm(torch.zeros(2, 4))
    ```

    ## Fix safety
    The new width is the one that was observed, written with the names in scope.

    ## References
    - torch.nn.BatchNorm1d: num_features
    - torch.nn.LayerNorm: normalized_shape
    """

    id = "SNF216"
    name = "normalized-width-mismatch"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError", "ValueError")
    MESSAGES = (
        r"Given normalized_shape=\[",
        r"running_mean should contain (\d+) elements not (\d+)",
        r"Expected (?:number of channels in input|weight to be a vector)",
        r"weight should contain \d+ elements not \d+",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.BatchNorm1d(4)(torch.zeros(2, 4))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.LayerNorm(4)(torch.zeros(2, 4))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nnorm = nn.BatchNorm1d(5)\ny = norm(torch.zeros(2, 4))\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nnorm = nn.BatchNorm1d(4)\ny = norm(torch.zeros(2, 4))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\ndim = 4\nnorm = nn.LayerNorm(5)\ny = norm(torch.zeros(2, dim))\n",
            at=(5, 5),
            fixed="import torch\nimport torch.nn as nn\ndim = 4\nnorm = nn.LayerNorm(dim)\ny = norm(torch.zeros(2, dim))\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return "norm" in crash.operation.name.lower() and bool(crash.shape(0))

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module else "the normalisation"
        return f"{layer} was built for another width than its input {shape_text(crash.shape(0))} has"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        shape, built = crash.shape(0), crash.constructor
        if built is None:
            return
        if "layer_norm" in crash.operation.name:
            yield from width_offers(crash, argument_of(built, 0, "normalized_shape"), shape[-1])
        else:
            yield from width_offers(crash, argument_of(built, 0, "num_features", "num_channels"), shape[1] if len(shape) > 1 else shape[0])
        if len(shape) == 3 and crash.operation.name.endswith("batch_norm"):
            node = passed(crash, 0, "input")
            yield from wrapped(crash, node, "{}.transpose(1, 2)", "Put the channels in the second place")

"""A transposed convolution is built with an output padding that is not smaller than its stride."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.codemods import add_keyword, remove_argument, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword
from snipfix.rules.values import evaluate
from snipfix.rules.widths import argument_of


class OutputPaddingTooLarge(CrashRule):
    """A transposed convolution is built with an output padding that is not smaller than its stride.

    ## What it does
    Explains the failure of `nn.ConvTranspose1d`, `2d` and `3d` whose `output_padding` is neither smaller than the stride nor than the dilation.

    ## Why is this bad?
    The program stops at the first batch. `output_padding` only says which of the sizes is meant that a stride makes alike; without a stride there is
    nothing to choose from.

    ## Example
    ```python
    up = nn.ConvTranspose2d(8, 4, 3, stride=1, padding=1, output_padding=1)
    ```

    ## Use instead
    ```python
    up = nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1)
    ```

    ## Fix safety
    A kernel of 3 with both paddings of 1 is how a map is doubled, so a stride of 1 becomes 2; else the output padding is left out. Which size was meant, only the author knows.

    ## References
    - torch.nn.ConvTranspose2d: output_padding
    """

    id = "SNF342"
    name = "output-padding-too-large"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"output padding must be smaller than either stride or dilation",)
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nnn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1)(torch.zeros(1, 8, 5, 5))\n"
        ),
        Good(
            "import torch\nimport torch.nn as nn\nnn.ConvTranspose2d(8, 4, 3, padding=2, output_padding=1, dilation=2)(torch.zeros(1, 8, 5, 5))\n"
        ),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nup = nn.ConvTranspose2d(8, 4, 3, stride=1, padding=1, output_padding=1)\ny = up(torch.zeros(1, 8, 5, 5))\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nup = nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1)\ny = up(torch.zeros(1, 8, 5, 5))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nup = nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1, output_padding=2)  # 放大一倍\ny = up(torch.zeros(1, 8, 5, 5))\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nup = nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1)  # 放大一倍\ny = up(torch.zeros(1, 8, 5, 5))\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module else crash.operation.name.rpartition(".")[2]
        return f"the output padding of {layer} is not smaller than its stride"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        built = crash.constructor
        if built is None:
            return
        kernel, stride, padding = (argument_of(built, at, name) for at, name in ((2, "kernel_size"), (3, "stride"), (4, "padding")))
        further = keyword(built, "output_padding")
        sizes = [evaluate(one, {}) if one is not None else None for one in (kernel, padding, further, stride)]
        if sizes in ([3, 1, 1, None], [3, 1, 1, 1]):
            doubled = replace_expression(crash.code, stride, "2") if stride is not None else add_keyword(crash.code, built, "stride", "2")
            yield Offer("Double the map by a stride of 2", doubled)
        if further is not None:
            yield Offer("Leave out the output padding", remove_argument(crash.code, built, "output_padding"))

"""A convolution or pooling is given a feature map smaller than its window."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, joined
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import keyword
from snipfix.rules.widths import argument_of


class FeatureMapExhausted(CrashRule):
    """A convolution or pooling is given a feature map smaller than its window.

    ## What it does
    Explains layers whose kernel is larger than what is left of the image.

    ## Why is this bad?
    The program stops: each unpadded convolution and each pooling makes the image smaller, and this one is too small for that many.

    ## Example
    ```python
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3))
    net(torch.zeros(1, 1, 5, 5))
    ```

    ## Use instead
    ```python
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1))
    net(torch.zeros(1, 1, 5, 5))
    ```

    ## Fix safety
    Padding keeps the size of the map and changes the widths behind it; the author may have meant larger images.

    ## References
    - torch.nn.Conv2d: the output size
    """

    id = "SNF215"
    name = "feature-map-exhausted"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"Kernel size can't be greater than actual input size", r"Output size is too small", r"output size .* too small")
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.Conv2d(1, 4, 3)(torch.zeros(1, 1, 3, 3))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.MaxPool2d(2)(torch.zeros(1, 1, 2, 2))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3))\ny = net(torch.zeros(1, 1, 6, 6))\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1))\ny = net(torch.zeros(1, 1, 6, 6))\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module else crash.operation.name
        return f"{layer} is given a feature map {shape_text(crash.shape(0))} that is smaller than its window"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        makers = [crash.constructor] if crash.constructor is not None and crash.module and "Conv" in crash.module.type else []
        before = [
            call.module.built for call in (crash.context.outcome.calls if crash.context.outcome else ()) if "Conv" in call.module.type
        ]
        for built in dict.fromkeys(before):
            node = crash.code.node_at(built, ast.Call) if built else None
            if isinstance(node, ast.Call) and node not in makers:
                makers.append(node)
        padded = []
        for call in makers:
            size = argument_of(call, 2, "kernel_size")
            if isinstance(size, ast.Constant) and isinstance(size.value, int) and size.value > 1 and keyword(call, "padding") is None:
                padded.append(add_keyword(crash.code, call, "padding", str(size.value // 2)))
        for edits in padded[:1]:
            yield Offer("Pad this convolution", edits)
        yield Offer("Pad every convolution", joined(*padded))

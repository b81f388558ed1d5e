"""The width of an attention layer is not a multiple of its number of heads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Meaning
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.widths import argument_of


class HeadsDoNotDivideWidth(CrashRule):
    """The width of an attention layer is not a multiple of its number of heads.

    ## What it does
    Explains attention layers whose `embed_dim` or `d_model` cannot be shared out evenly among the heads.

    ## Why is this bad?
    The layer cannot be built: each head works on width / heads features.

    ## Example
    ```python
    nn.MultiheadAttention(10, 4)
    ```

    ## Use instead
    ```python
    nn.MultiheadAttention(10, 5)
    ```

    ## Fix safety
    Another number of heads is another model, so it is offered only when changes of meaning are allowed.

    ## References
    - torch.nn.MultiheadAttention: embed_dim
    """

    id = "SNF218"
    name = "heads-do-not-divide-width"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("AssertionError", "ValueError")
    MESSAGES = (r"embed_dim must be divisible by num_heads", r"(?:hidden size|d_model|embed_dim).*(?:multiple of|divisible by).*heads")
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.MultiheadAttention(10, 5)\n"),
        Good("import torch\nimport torch.nn as nn\nnn.MultiheadAttention(embed_dim=8, num_heads=2)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nattention = nn.MultiheadAttention(10, 4)\n",
            at=(3, 13),
            fixed="import torch\nimport torch.nn as nn\nattention = nn.MultiheadAttention(10, 5)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        sizes = [value.text for name, value in crash.operation.kwargs.items() if name in ("embed_dim", "d_model", "num_heads", "nhead")]
        return "the width is not a multiple of the number of heads" + (f": {' and '.join(sizes)}" if sizes else "")

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        width, heads = (crash.operation.kwargs.get(name) for name in ("embed_dim", "num_heads"))
        call = crash.call
        given = argument_of(call, 1, "num_heads", "nhead") if call is not None else None
        if width is None or heads is None or not isinstance(given, ast.Constant) or not width.text.isdigit() or not heads.text.isdigit():
            return
        near = sorted(range(1, 2 * int(heads.text) + 1), key=lambda count: (abs(count - int(heads.text)), -count))
        for count in [count for count in near if int(width.text) % count == 0][:2]:
            yield Offer(f"Take {count} heads", replace_expression(crash.code, given, str(count)), Meaning.CHANGES)

"""The width of an attention layer is not a multiple of its number of heads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Edit, Meaning
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.widths import argument_of

DEFAULT = (
    "import torch\nimport torch.nn as nn\nclass Tagger(nn.Module):\n    def __init__(self, width=64, heads={}):\n        super().__init__()\n"
    "        self.layer = nn.TransformerEncoderLayer(width, heads, 128)\ntagger = Tagger()\n"
)


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
        Bad(
            DEFAULT.format(5),
            at=(6, 22),
            fixed=DEFAULT.format(4),
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nwidth, hidden, heads, layers = 8, 32, 2, 1\nnet = nn.Transformer(width, hidden, heads, layers)\n",
            at=(4, 7),
            fixed="import torch\nimport torch.nn as nn\nwidth, hidden, heads, layers = 8, 32, 2, 1\nnet = nn.Transformer(width, nhead=heads, num_encoder_layers=layers, num_decoder_layers=layers, dim_feedforward=hidden)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        sizes = [value.text for name, value in crash.operation.kwargs.items() if name in ("embed_dim", "d_model", "num_heads", "nhead")]
        return "the width is not a multiple of the number of heads" + (f": {' and '.join(sizes)}" if sizes else "")

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        width, heads = (self._size(crash, *names) for names in (("embed_dim", "d_model"), ("num_heads", "nhead")))
        call = crash.call
        given = argument_of(call, 1, "num_heads", "nhead") if call is not None else None
        if call is not None and isinstance(call.func, ast.Attribute):
            yield from _by_name(crash, call, call.func.attr)
        written = self._written(crash, given)
        if not width or not heads or written is None:
            return
        near = sorted(range(1, 2 * heads + 1), key=lambda count: (abs(count - heads), -count))
        for count in [count for count in near if width % count == 0][:2]:
            yield Offer(f"Take {count} heads", replace_expression(crash.code, written, str(count)), Meaning.CHANGES)

    @staticmethod
    def _size(crash: Crash, *names: str) -> int:
        """A size that the layer was given; zero when that was not seen."""
        found = next((value.text for name in names if (value := crash.operation.kwargs.get(name)) is not None), "")
        return int(found) if found.isdigit() else 0

    @staticmethod
    def _written(crash: Crash, given: ast.expr | None) -> ast.Constant | None:
        """The number where the author wrote it: in the call, or as the default of the parameter that the call passes on."""
        function = crash.function_of(given) if isinstance(given, ast.Name) else None
        if isinstance(given, ast.Name) and isinstance(function, ast.FunctionDef):
            defaults = function.args.defaults
            named = zip(function.args.args[len(function.args.args) - len(defaults) :], defaults, strict=True)
            given = next((default for arg, default in named if arg.arg == given.id), None)
        return given if isinstance(given, ast.Constant) else None


ORDER = {
    "Transformer": ("d_model", "nhead", "num_encoder_layers", "num_decoder_layers", "dim_feedforward", "dropout"),
    "TransformerEncoderLayer": ("d_model", "nhead", "dim_feedforward", "dropout"),
    "TransformerDecoderLayer": ("d_model", "nhead", "dim_feedforward", "dropout"),
    "MultiheadAttention": ("embed_dim", "num_heads", "dropout"),
}
MEANT = (
    ("heads", ("nhead", "num_heads")),
    ("head", ("nhead", "num_heads")),
    ("layers", ("num_encoder_layers", "num_decoder_layers")),
    ("drop", ("dropout",)),
    ("ff", ("dim_feedforward",)),
    ("hid", ("dim_feedforward",)),
)
"""Parameters that a word in an argument's name stands for."""


def _by_name(crash: Crash, call: ast.Call, kind: str) -> Iterator[Offer]:
    """Positional arguments in the wrong places, given by the parameters that their names speak of."""
    order = ORDER.get(kind, ())
    if not all(isinstance(arg, ast.Name) for arg in call.args) or len(call.args) < 2:
        return
    found: dict[str, str] = {order[0]: ast.unparse(call.args[0])} if order else {}
    for arg in call.args[1:]:
        text = ast.unparse(arg)
        meant = next((names for word, names in MEANT if word in text.lower()), ())
        for name in meant:
            if name in order and name not in found:
                found[name] = text
    if {ast.unparse(arg) for arg in call.args} != set(found.values()):
        return
    texts = [found[order[0]], *(f"{name}={found[name]}" for name in order[1:] if name in found)]
    start, end = crash.code.range(crash.code.span(call.args[0]))[0], crash.code.range(crash.code.span(call.args[-1]))[1]
    yield Offer("Give each argument to the parameter that it is named after", (Edit(start, end, ", ".join(texts)),))

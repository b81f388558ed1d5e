"""A convolution is fed another number of channels than it was built for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_after, joined, replace_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import passed, rejoined, value_offers
from snipfix.rules.widths import argument_of, width_offers


class ConvChannelMismatch(CrashRule):
    """A convolution is fed another number of channels than it was built for.

    ## What it does
    Explains the failure of a convolution (transposed ones too) whose input has not `in_channels` channels.

    ## Why is this bad?
    The program stops at the first batch. Images come as height, width, channels from NumPy and PIL, while PyTorch wants channels first; or the layer before gives another number of channels.

    ## Example
    ```python
    conv = nn.Conv2d(3, 8, 3)
    conv(torch.zeros(1, 16, 16, 3))
    ```

    ## Use instead
    ```python
    conv = nn.Conv2d(3, 8, 3)
    conv(torch.zeros(1, 16, 16, 3).permute(0, 3, 1, 2))
    ```

    ## Fix safety
    An axis is moved when its size shows that it holds the channels; a text whose vectors the kernel spans whole gets one channel; else the layer is built for what comes in.

    ## References
    - torch.nn.Conv2d: the input is `(N, C_in, H, W)`.
    """

    id = "SNF201"
    name = "conv-channel-mismatch"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"to have (\d+) channels, but got (\d+) channels instead",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.Conv2d(3, 8, 3)(torch.zeros(1, 3, 16, 16))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.Conv2d(3, 8, 3)(torch.zeros(3, 16, 16))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\ndef block(c_in, c_out):\n    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU())\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.down, self.mid = block(3, 8), block(8, 16)\n        self.up = block(16, 8)\n\n    def forward(self, x):\n        skip = self.down(x)\n        return self.up(torch.cat([self.mid(skip), skip], dim=1))\n\nNet()(torch.zeros(1, 3, 8, 8))\n",
            at=(13, 16),
            fixed="import torch\nimport torch.nn as nn\ndef block(c_in, c_out):\n    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU())\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.down, self.mid = block(3, 8), block(8, 16)\n        self.up = block(24, 8)\n\n    def forward(self, x):\n        skip = self.down(x)\n        return self.up(torch.cat([self.mid(skip), skip], dim=1))\n\nNet()(torch.zeros(1, 3, 8, 8))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nconv = nn.Conv2d(3, 8, 3)\nx = torch.zeros(1, 16, 16, 3)\ny = conv(x)\n",
            at=(5, 5),
            fixed="import torch\nimport torch.nn as nn\nconv = nn.Conv2d(3, 8, 3)\nx = torch.zeros(1, 16, 16, 3).permute(0, 3, 1, 2)\ny = conv(x)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.a = nn.Conv2d(3, width, 3)\n        self.b = nn.Conv2d(3, 2, 3)\n\n    def forward(self, x):\n        return self.b(self.a(x))\n\nNet(4)(torch.zeros(1, 3, 8, 8))\n",
            at=(10, 16),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.a = nn.Conv2d(3, width, 3)\n        self.b = nn.Conv2d(width, 2, 3)\n\n    def forward(self, x):\n        return self.b(self.a(x))\n\nNet(4)(torch.zeros(1, 3, 8, 8))\n",
        ),
        Bad(
            "import torch\nfrom torch import nn\nclass Sentences(nn.Module):\n    def __init__(self, size):\n        super().__init__()\n        self.words = nn.Embedding(9, size)\n        self.conv = nn.Conv2d(size, 7, (2, size))\n\n    def forward(self, ids):\n        x = self.words(ids).unsqueeze(-2)  # (批, 词数, 1, 宽)\n        return self.conv(x).squeeze(3).amax(2)\n\nSentences(6)(torch.zeros(4, 5, dtype=torch.long))\n",
            at=(11, 16),
            fixed="import torch\nfrom torch import nn\nclass Sentences(nn.Module):\n    def __init__(self, size):\n        super().__init__()\n        self.words = nn.Embedding(9, size)\n        self.conv = nn.Conv2d(1, 7, (2, size))\n\n    def forward(self, ids):\n        x = self.words(ids).unsqueeze(1)  # (批, 1, 词数, 宽)\n        return self.conv(x).squeeze(3).amax(2)\n\nSentences(6)(torch.zeros(4, 5, dtype=torch.long))\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return "conv" in crash.operation.name and len(crash.shape(0)) > 1 and len(crash.shape(1)) > 2

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module and "Conv" in crash.module.type else "the convolution"
        return f"{layer} takes {self._taken(crash)} channels, its input {shape_text(crash.shape(0))} has {self._channels(crash)}"

    @staticmethod
    def _taken(crash: Crash) -> int:
        return int(crash.found[0])

    @staticmethod
    def _channels(crash: Crash) -> int:
        return int(crash.found[1])

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        given, taken, dims = crash.shape(0), self._taken(crash), len(crash.shape(1))
        node = passed(crash, 0, "input")
        yield from one_channel(crash, node)
        if len(given) == dims - 1 and taken == 1:
            yield from value_offers(crash, node, "{}.unsqueeze(1)", f"Give the {'images' if dims == 4 else 'signals'} a channel axis")
        if given[-1] == taken and not _channels_in_front(crash, given):
            moved = {2: "{}.t()", 3: "{}.transpose(1, 2)", 4: "{}.permute(0, 3, 1, 2)"}.get(len(given), "{}.movedim(-1, 1)")
            # Sequences are turned just for the convolution; images are brought into PyTorch's layout once and for all.
            yield from value_offers(crash, node, moved, "Put the channels in front", here=len(given) == 3)
        width = argument_of(crash.constructor, 0, "in_channels") if crash.constructor else None
        if len(given) == 4 and given[1] == given[2] > given[3] != taken and given[3] in PICTURES:
            for turned in value_offers(crash, node, "{}.permute(0, 3, 1, 2)", "Put the channels in front"):
                for built in width_offers(crash, width, given[3], what="number of input channels"):
                    yield Offer(f"{turned.title}; {built.title.lower()}", joined(turned.edits, built.edits), built.meaning)
            return
        yield from _next_width(crash, width)
        yield from width_offers(crash, width, self._channels(crash), what="number of input channels")
        yield from rejoined(crash)


PICTURES = (1, 3, 4)
"""Channels of pictures: grey, colours, colours with transparency."""


def _channels_in_front(crash: Crash, given: tuple[int, ...]) -> bool:
    """Whether the input shows its channels in front: square maps, or just what another layer for maps gave; its last axis is then no channels by chance."""
    square = len(given) == 4 and given[2] == given[3] != given[1]
    outcome = crash.context.outcome
    outputs = {
        call.output.shape
        for call in (outcome.calls if outcome else ())
        if call.output and call.module.type.endswith(("1d", "2d", "3d")) and call.module.path != (crash.module.path if crash.module else "")
    }
    return square or given in outputs


def _next_width(crash: Crash, width: ast.expr | None) -> Iterator[Offer]:
    """Layers built in a loop that never goes on to the width just built: `in_channels = v` is missing at its end."""
    given = argument_of(crash.constructor, 1, "out_channels") if crash.constructor else None
    if not isinstance(width, ast.Name) or not isinstance(given, ast.Name):
        return
    loop = crash.code.around(width, ast.For)
    inside = [one for one in crash.code.all(ast.Name, loop) if isinstance(one.ctx, ast.Store)] if loop is not None else []
    statement = crash.statement_of(width.lineno)
    if (
        loop is None
        or statement is None
        or statement is loop
        or width.id in {one.id for one in inside}
        or given.id not in {one.id for one in inside}
    ):
        return
    line = f"{width.id} = {given.id}"
    yield Offer("Go on from the width just built", insert_statement_after(crash.code, statement.lineno, line))


def one_channel(crash: Crash, node: ast.expr | None) -> Iterator[Offer]:
    """A kernel that spans whole vectors, told that they are channels as well: the text is a picture of one channel (Kim 2014)."""
    given, weight = crash.shape(0), crash.shape(1)
    width = argument_of(crash.constructor, 0, "in_channels") if crash.constructor else None
    if width is None or len(weight) != 4 or len(given) != 4 or not weight[1] == weight[3] == given[3]:
        return
    birth = crash.born(node) if isinstance(node, ast.Name) else None
    made = birth.value if birth is not None else node
    if isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr == "unsqueeze" and len(made.args) == 1:
        edits = (*replace_expression(crash.code, width, "1"), *replace_expression(crash.code, made.args[0], "1"), *_noted(crash.code, made))
        yield Offer("Give the text one channel, as the kernel spans whole vectors", edits)


def _noted(code: Code, made: ast.Call) -> Iterator[Edit]:
    """The comment behind a call that notes its shape, `# (batch, words, 1, width)`, with the axis of size one in its new place."""
    line = made.end_lineno or made.lineno
    noted = re.search(r"#.*\(([^()]*)\)", code.lines[line - 1])
    axes = [one.strip() for one in noted[1].split(",")] if noted else []
    if noted and len(axes) == 4 and axes.count("1") == 1:
        axes.insert(1, axes.pop(axes.index("1")))
        yield Edit(code.offset(line, noted.start(1) + 1), code.offset(line, noted.end(1) + 1), ", ".join(axes))

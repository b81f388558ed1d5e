"""A convolution or pooling is given a feature map smaller than its window."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.codemods import add_import, add_keyword, insert_statement_before, joined
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import keyword, passed
from snipfix.rules.shapes.pictures import SIDES, enlarged, resized, sides_made
from snipfix.rules.widths import argument_of

NET = (
    "import torch\nimport torch.nn as nn\nnet = nn.Sequential(nn.Conv2d(1, 4, 5), nn.MaxPool2d(4), nn.Conv2d(4, 2, 5), nn.Flatten(), nn.Linear(8, 3))\n"
    "y = net(torch.zeros(2, 1, {0}, {0}))\n"
)


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
    Where a linear layer follows, its width was worked out for pictures of one size: example pictures become as large as fits, loaded ones are resized.
    Padding keeps the size of the map and changes the widths behind it.

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
        Bad(NET.format("8"), at=(4, 5), fixed=NET.format("28")),
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
        yield from _long_enough(crash)
        larger = list(_larger(crash))
        # Widths that are written behind the layers were worked out for pictures of one size, and padding would change what comes out.
        yield from larger if _has_widths_behind(crash) else ()
        for edits in padded[:1]:
            yield Offer("Pad this convolution", edits)
        yield Offer("Pad every convolution", joined(*padded))
        yield from larger


def _larger(crash: Crash) -> Iterator[Offer]:
    """Larger pictures, where the text makes its own as an example or loads them with transforms: of the sides that networks are written for."""
    left, window = crash.shape(0)[2:], _window(crash)
    made = sides_made(crash.code)
    if len(left) != 2 or len(made) > 1:
        return
    have, written = next(iter(made.items()), ((1, 1), []))
    enough = min(have) * window / (min(left) + 1)
    for side in [one for one in SIDES if one >= enough and one > max(have)][:3]:
        yield Offer("Make the pictures large enough", enlarged(crash.code, written, side) if written else resized(crash.code, side))


def _window(crash: Crash) -> int:
    """The height of the window that does not fit."""
    size = crash.setting("kernel_size")
    return int(found[0]) if (found := re.search(r"\d+", size)) else 2


def _has_widths_behind(crash: Crash) -> bool:
    """Whether the class of the failing layer, or the container that it stands in, has a linear layer: its width tells how large a map it expects."""
    owner = crash.class_of(crash.constructor) if crash.constructor is not None else None
    return bool(crash.code.calls("Linear", inside=owner))


def _long_enough(crash: Crash) -> Iterator[Offer]:
    """Windows of several lengths over one text, the longest longer than the text: it is padded before, as a batch of texts would be."""
    node, given, kernel = passed(crash, 0, "input"), crash.shape(0), crash.shape(1)
    spans_vectors = len(kernel) == len(given) == 4 and kernel[3] == given[3]
    if not isinstance(node, ast.Name) or crash.call is None or not (spans_vectors or len(kernel) == len(given) == 3):
        return
    layers = _layers_called(crash, crash.call)
    if layers is None or crash.statement is None:
        return
    axes = "0, 0, 0, " if spans_vectors else "0, "
    longest = f"max(one.kernel_size[0] for one in {crash.text(layers)})"
    line = f"{node.id} = F.pad({node.id}, ({axes}max(0, {longest} - {node.id}.size(2))))"
    edits = joined(
        insert_statement_before(crash.code, crash.statement.lineno, line), add_import(crash.code, "torch.nn.functional", None, "F")
    )
    yield Offer("Pad the text to the length of the longest window", edits)


def _layers_called(crash: Crash, call: ast.Call) -> ast.expr | None:
    """The collection of layers that a loop or comprehension around a call goes through, each called in turn."""
    for up in crash.code.ancestors(call):
        for loop in up.generators if isinstance(up, ast.ListComp | ast.GeneratorExp) else [up] if isinstance(up, ast.For) else []:
            if isinstance(loop.target, ast.Name) and isinstance(call.func, ast.Name) and loop.target.id == call.func.id:
                return loop.iter
    return None

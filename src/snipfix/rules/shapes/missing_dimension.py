"""A layer is fed a tensor with too few or too many dimensions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import isqrt

from snipfix.codemods import add_argument, joined, rename_attribute, wrap_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import origin, passed, value_offers
from snipfix.rules.observed import called


class MissingDimension(CrashRule):
    """A layer is fed a tensor with too few or too many dimensions.

    ## What it does
    Explains failures that name the number of dimensions a layer takes and the one it was given.

    ## Why is this bad?
    The program stops. Usually the batch or channel axis is missing, images were flattened before a convolution, or the layer of another dimensionality was taken (`BatchNorm2d` for vectors).

    ## Example
    ```python
    conv = nn.Conv2d(1, 8, 3)
    conv(torch.zeros(28, 28))
    ```

    ## Use instead
    ```python
    conv = nn.Conv2d(1, 8, 3)
    conv(torch.zeros(28, 28).unsqueeze(0))
    ```

    ## Fix safety
    Where the new axis belongs follows from the sizes when they are telling; else the author knows.

    ## References
    - torch.nn.Conv2d: the input is `(N, C_in, H, W)` or `(C_in, H, W)`.
    """

    id = "SNF202"
    name = "missing-dimension"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ()
    MESSAGES = (
        r"Expected \d+D(?: \(unbatched\))? or \d+D \(batched\) input to \w+, but got input of size",
        r"expected (?:\d+D or )?\d+D input \(got \d+D input\)",
        r"Expected \d+-dimensional input for \d+-dimensional weight",
        r"input must have \d+ dimensions, got \d+",
        r"Expected input to be \d+D or \d+D, got \d+D",
        r"Expected \d+D or \d+D \(batch mode\) tensor",
        r"non-empty (?:\d+D or )?\d+D \(batch mode\) tensor expected",
        r"For unbatched 2-D input, hx",
        r"For batched 3-D input, (?:hx|hx and cx) should also be 3-D",
        r"Index tensor must have the same number of dimensions as input tensor",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.Conv2d(1, 8, 3)(torch.zeros(1, 28, 28))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.BatchNorm1d(4)(torch.zeros(2, 4))\n"),
    )
    BAD = (
        Bad(
            "import torch\nq = torch.zeros(4, 2)\nactions = torch.tensor([0, 1, 1, 0])\nchosen = q.gather(1, actions)\n",
            at=(4, 10),
            fixed="import torch\nq = torch.zeros(4, 2)\nactions = torch.tensor([0, 1, 1, 0]).unsqueeze(1)\nchosen = q.gather(1, actions)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nconv = nn.Conv2d(1, 8, 3)\nx = torch.zeros(28, 28)\ny = conv(x)\n",
            at=(5, 5),
            fixed="import torch\nimport torch.nn as nn\nconv = nn.Conv2d(1, 8, 3)\nx = torch.zeros(28, 28).unsqueeze(0)\ny = conv(x)\n",
        ),
        Bad(
            "import torch\nimport torch.nn.functional as F\nmaps = [torch.zeros(2, 3, 5, 1) for _ in range(2)]\npooled = [F.max_pool1d(one, one.size(2)) for one in maps]\n",
            at=(4, 11),
            fixed="import torch\nimport torch.nn.functional as F\nmaps = [torch.zeros(2, 3, 5, 1) for _ in range(2)]\npooled = [F.max_pool1d(one.squeeze(3), one.size(2)) for one in maps]\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nnorm = nn.BatchNorm2d(4)\ny = norm(torch.zeros(2, 4))\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nnorm = nn.BatchNorm1d(4)\ny = norm(torch.zeros(2, 4))\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        state = crash.argument(1, "hx")  # one tensor for an LSTM's pair falls apart into its layers, which lack no axis of the author's
        return not (crash.operation.name.endswith("LSTM.forward") and state is not None and state.kind == "tensor")

    def says(self, crash: Crash) -> str:
        if crash.failure.message.startswith("For batched 3-D input"):
            return f"{self._layer(crash)} takes a state for each of its layers, the one it is given lacks that axis"
        if crash.operation.name.endswith(("gather", "scatter", "scatter_")):
            return f"the index has another number of dimensions than the tensor it points into: {shape_text(crash.shape(0))}"
        return f"{self._layer(crash)} takes another number of dimensions than its input has: {shape_text(crash.shape(0))}"

    @staticmethod
    def _layer(crash: Crash) -> str:
        return crash.module.path if crash.module else crash.operation.name.rpartition(".")[2]

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        node, given = passed(crash, 0, "input"), crash.shape(0)
        if crash.operation.name.endswith(("gather", "scatter", "scatter_")):
            if len(given) == 2:
                yield from value_offers(crash, passed(crash, 2, "index"), "{}.unsqueeze(1)", "Give the index a column of its own")
            return
        if crash.failure.message.startswith("For batched 3-D input"):
            yield from _states(crash)
            return
        if crash.constructor and crash.module and crash.module.type.startswith("BatchNorm"):
            right = {2: "BatchNorm1d", 3: "BatchNorm1d", 4: "BatchNorm2d", 5: "BatchNorm3d"}.get(len(given))
            if right and isinstance(crash.constructor.func, ast.Attribute):
                yield Offer(f"Use {right}", rename_attribute(crash.code, crash.constructor.func, right))
        yield from self._reshaped(crash, node, given)

    def _reshaped(self, crash: Crash, node: ast.expr | None, given: tuple[int, ...]) -> Iterator[Offer]:
        name = self._layer(crash) + crash.operation.name + (crash.module.type if crash.module else "")
        if "2d" in name.lower():
            channels = int(crash.setting("in_channels") or 1)
            side = isqrt(given[-1] // channels) if given else 0
            if len(given) == 2 and side * side * channels == given[1] and side > 3 and given[0] != given[1]:
                yield from value_offers(crash, node, f"{{}}.view(-1, {channels}, {side}, {side})", "Give the images their shape back")
            if len(given) == 3 and crash.module is not None and crash.module.type == "BatchNorm2d":
                yield from value_offers(crash, node, "{}.unsqueeze(0)", "Give the input a batch axis")
            kernel = passed(crash, 1, "weight")
            if len(given) == len(crash.shape(1)) == 2 and crash.module is None and node is not None and kernel is not None:
                both = joined(*(wrap_expression(crash.code, one, "{}[None, None]") for one in (node, kernel)))
                yield Offer("Give the image and the kernel the axes of batch and channels", both)
            if len(given) == 2 and channels == 1:
                yield from value_offers(crash, node, "{}.unsqueeze(0)", "Give the image a channel axis")
            if len(given) == 5 and given[1] == 1:
                yield from value_offers(crash, node, "{}.squeeze(1)", "Drop the axis of size one")
            if len(given) == 2 and given[1] == channels > 1:
                yield from _pixel_offers(crash, node)
        elif len(given) == 2:
            wide, batch_first = crash.setting("input_size"), crash.setting("batch_first") == "True"
            if wide == str(given[1]) and given[1] > 1 and passed(crash, 1, "hx") is not None:
                axis = 1 if batch_first else 0
                yield from value_offers(
                    crash, _token(crash, node), f"{{}}.unsqueeze({axis})", "Give the single step a time axis", here=True
                )
            yield from value_offers(crash, node, "{}.unsqueeze(-1)", "Give every step a feature axis")
            yield from value_offers(crash, node, "{}.unsqueeze(1)", "Give the input a channel axis")
            yield from value_offers(crash, node, "{}.unsqueeze(0)", "Give the input a batch axis")
        elif len(given) == 1:
            yield from value_offers(crash, node, "{}.unsqueeze(0)", "Give the input a batch axis")
        for axis in (1, 3, 2) if len(given) == 4 and "2d" not in name.lower() else ():
            if given[axis] == 1:
                yield from value_offers(crash, node, f"{{}}.squeeze({axis})", "Drop the axis of size one")


def _pixel_offers(crash: Crash, node: ast.expr | None) -> Iterator[Offer]:
    """Vectors of as many numbers as the layer has channels: a map of one pixel each, from the start where they are drawn at random."""
    outer = origin(crash, node)
    birth = crash.born(outer) if isinstance(outer, ast.Name) else None
    made = birth.value if birth is not None else outer
    if isinstance(made, ast.Call) and called(made) in ("randn", "rand", "zeros", "ones") and len(made.args) == 2:
        yield Offer("Make it a map of one pixel", add_argument(crash.code, made, "1, 1", 2))
    yield from value_offers(crash, node, "{}.unsqueeze(-1).unsqueeze(-1)", "Make it a map of one pixel")


def _token(crash: Crash, node: ast.expr | None) -> ast.expr | None:
    """The ids that a step was embedded from, in the same function: there the axis is missing."""
    birth = crash.born(node) if isinstance(node, ast.Name) else None
    made = birth.value if birth is not None else node
    while isinstance(made, ast.Call) and len(made.args) == 1:
        if "emb" in crash.text(made.func).lower():
            return made.args[0]
        made = made.args[0]
    return node


def _states(crash: Crash) -> Iterator[Offer]:
    """States of one layer, (batch, width): the axis of the layers is missing where they are made, or where they are handed over."""
    state = passed(crash, 1, "hx")
    parts = list(state.elts) if isinstance(state, ast.Tuple) else [state] if state is not None else []
    births = [birth.value if isinstance(one, ast.Name) and (birth := crash.born(one)) is not None else one for one in parts]
    for places in (births, parts):
        if parts:
            edits = joined(*(wrap_expression(crash.code, one, "{}.unsqueeze(0)") for one in places))
            yield Offer("Give the state the axis of the layers", edits)

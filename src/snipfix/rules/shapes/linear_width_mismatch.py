"""A linear layer is fed vectors of another width than it was built for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import prod

from snipfix.codemods import add_argument, insert_statement_before, joined, replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import origin, passed, rejoined, state_of, used_after, value_offers
from snipfix.rules.observed import called
from snipfix.rules.widths import argument_of, feature_map, width_offers

PICTURE = (
    "import torch\nimport torch.nn as nn\nnet, picture = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3)), torch.rand(1, 4, 4)\n"
    "y = net({})\n"
)


class LinearWidthMismatch(CrashRule):
    """A linear layer is fed vectors of another width than it was built for.

    ## What it does
    Explains the failure of `nn.Linear` and `F.linear` on an input whose last dimension is not `in_features`, with the call that built the layer.

    ## Why is this bad?
    The program stops at the first batch. The usual causes: a width computed for another image size, the width of another layer, a feature map
    that was not flattened, an axis in the wrong place.

    ## Example
    ```python
    fc = nn.Linear(64 * 6 * 6, 10)
    fc(torch.zeros(4, 64, 5, 5).flatten(1))
    ```

    ## Use instead
    ```python
    fc = nn.Linear(64 * 5 * 5, 10)
    fc(torch.zeros(4, 64, 5, 5).flatten(1))
    ```

    ## Fix safety
    The new width is the one that was observed, written with the names in scope. Whether the layer or its input was meant otherwise, only the author knows.

    ## References
    - torch.nn.Linear: the input is `(*, in_features)`.
    """

    id = "SNF200"
    name = "linear-width-mismatch"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"mat1 and mat2 shapes cannot be multiplied", r"size mismatch, (?:m1|got)", r"mat1 dim 1 must match mat2 dim 0")
    GOOD = (
        Good("import torch\nimport torch.nn as nn\n\nfc = nn.Linear(64 * 5 * 5, 10)\ny = fc(torch.zeros(4, 64, 5, 5).flatten(1))\n"),
        Good("import torch\nimport torch.nn as nn\n\nfc = nn.Linear(8, 10)\ny = fc(torch.zeros(4, 3, 8))\n"),
    )
    BAD = (
        Bad(PICTURE.format("picture"), at=(4, 5), fixed=PICTURE.format("picture.unsqueeze(0)")),
        Bad(
            "import torch\nimport torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self, hidden_dim):\n        super().__init__()\n        self.fc1 = nn.Linear(8, hidden_dim // 4)\n        self.fc2 = nn.Linear(hidden_dim, 2)\n\n    def forward(self, x):\n        return self.fc2(self.fc1(x))\n\n\nnet = Net(hidden_dim=20)\ny = net(torch.zeros(4, 8))\n",
            at=(11, 16),
            fixed="import torch\nimport torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self, hidden_dim):\n        super().__init__()\n        self.fc1 = nn.Linear(8, hidden_dim // 4)\n        self.fc2 = nn.Linear(hidden_dim // 4, 2)\n\n    def forward(self, x):\n        return self.fc2(self.fc1(x))\n\n\nnet = Net(hidden_dim=20)\ny = net(torch.zeros(4, 8))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.conv = nn.Conv2d(1, 4, 3)\n        self.pool = nn.MaxPool2d(2)\n        self.fc = nn.Linear(4 * 14 * 14, 10)\n\n    def forward(self, x):\n        x = self.pool(self.conv(x))\n        x = x.view(x.size(0), -1)\n        return self.fc(x)\n\n\ny = Net()(torch.zeros(2, 1, 28, 28))\n",
            at=(14, 16),
            fixed="import torch\nimport torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.conv = nn.Conv2d(1, 4, 3)\n        self.pool = nn.MaxPool2d(2)\n        self.fc = nn.Linear(4 * 13 * 13, 10)\n\n    def forward(self, x):\n        x = self.pool(self.conv(x))\n        x = x.view(x.size(0), -1)\n        return self.fc(x)\n\n\ny = Net()(torch.zeros(2, 1, 28, 28))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\n\nnet = nn.Linear(16, 2)\nbatches = [torch.zeros(4, 1, 4, 4)]\nfor images in batches:\n    y = net(images)\n",
            at=(7, 9),
            fixed="import torch\nimport torch.nn as nn\n\nnet = nn.Linear(16, 2)\nbatches = [torch.zeros(4, 1, 4, 4)]\nfor images in batches:\n    images = images.view(images.size(0), -1)\n    y = net(images)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\n\nfc = nn.Linear(1, 2)\nx = torch.zeros(5)\ny = fc(x)\n",
            at=(6, 5),
            fixed="import torch\nimport torch.nn as nn\n\nfc = nn.Linear(1, 2)\nx = torch.zeros(5).unsqueeze(1)\ny = fc(x)\n",
        ),
        Bad(
            "z = torch.randn(4, 16)\nprint(decoder(z).shape)\n",
            at=(2, 7),
            fixed="z = torch.randn(4, 8)\nprint(decoder(z).shape)\n",
            before="import torch\nimport torch.nn as nn\ndecoder = nn.Linear(8, 32)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return crash.operation.name.endswith(("linear", "addmm")) and len(crash.shape(1)) == 2 and bool(crash.shape(0))

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module and crash.module.type == "Linear" else "the linear layer"
        return f"{layer} takes vectors of {crash.shape(1)[1]}, its input {shape_text(crash.shape(0))} has {crash.shape(0)[-1]}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        given, wide = crash.shape(0), crash.shape(1)[1]
        node = passed(crash, 0, "input")
        width = argument_of(crash.constructor, 0, "in_features") if crash.constructor else None
        if len(given) == 2 and prod(given) == wide and (picture := _single_picture(crash)) is not None:
            yield Offer("Give the input a batch axis", wrap_expression(crash.code, picture, "{}.unsqueeze(0)"))
            return  # another width would take the channels for samples
        if len(given) == 1 and given[0] > wide:
            yield from _batch_kept(crash, node)
        if len(given) == 2 and given[0] > 1 and wide != given[1] and prod(given) % wide == 0:
            yield from _batch_counted(crash, node)
        if len(given) > 2 and prod(given[1:]) == wide:
            for title, edits in flattened(crash, node):
                yield Offer(title, edits)
        if given[-1] != wide == 1 and len(given) == 1:
            yield from value_offers(crash, node, "{}.unsqueeze(1)", "Give every number a row of its own")
        elif len(given) == 4:
            total = prod(given[1:])
            for title, edits in flattened(crash, node):
                for offer in width_offers(crash, width, total, spatial=given[1:]):
                    yield Offer(f"{title}; {offer.title.lower()}", joined(edits, offer.edits), offer.meaning)
        if len(given) == 3 and wide == 2 * given[-1] and isinstance(node, ast.Name) and state_of(crash, node) == "both":
            text = f"torch.cat(({node.id}[-2], {node.id}[-1]), dim=1)"
            yield Offer("Join the states of both directions", replace_expression(crash.code, node, text))
        if wide == 1 and len(given) == 1:
            return  # a layer of as many inputs as there are samples is never meant
        if crash.constructor is None:
            yield from _made_as_wide(crash, wide, given[-1])
        yield from width_offers(crash, width, given[-1], spatial=feature_map(crash, given[-1]) if len(given) == 2 else ())
        if wide in given[1:-1]:
            yield from value_offers(
                crash, node, f"{{}}.transpose({given.index(wide, 1)}, -1)", "Move the features to the last axis", here=True
            )
        yield from rejoined(crash)


def _single_picture(crash: Crash) -> ast.expr | None:
    """What a model is given where its convolutions saw a picture without a batch: they take one, and its channels are then counted as samples."""
    outcome = crash.context.outcome
    shapes = [call.inputs[0].shape for call in (outcome.calls if outcome else ()) if call.module.type == "Conv2d" and call.inputs]
    within = len(crash.frames) > 1 or (crash.module is not None and crash.module.path.startswith("Sequential."))
    call = crash.code.node_at(crash.frames[0].span, ast.Call) if crash.frames and within else None
    alone = bool(shapes) and all(shape is not None and len(shape) == 3 for shape in shapes)
    return call.args[0] if alone and isinstance(call, ast.Call) and len(call.args) == 1 else None


def _made_as_wide(crash: Crash, wide: int, given: int) -> Iterator[Offer]:
    """Made-up data, `z = torch.randn(4, 16)`, for a model of a block before: the last size is the one that does not fit."""
    for call in crash.code.calls("randn", "rand", "zeros", "ones", "empty"):
        last = call.args[-1] if call.args else None
        if isinstance(last, ast.Constant) and last.value == given and len(call.args) > 1:
            yield Offer(f"Make the data {wide} wide", replace_expression(crash.code, last, str(wide)))


def _batch_kept(crash: Crash, node: ast.expr | None) -> Iterator[Offer]:
    """A flattening that took the batch along, where the input comes from: `torch.flatten(x)`, `x.flatten()`, `x.view(-1)`."""
    for made in (node, *(birth.value for birth in crash.births(node))) if isinstance(node, ast.Name) else (node,):
        if not isinstance(made, ast.Call) or not isinstance(made.func, ast.Attribute):
            continue
        name, of_torch = made.func.attr, crash.text(made.func.value) == "torch"
        if name == "flatten" and not made.keywords and len(made.args) == (1 if of_torch else 0):
            yield Offer("Keep the batch apart", add_argument(crash.code, made, "1"))
        if name in ("view", "reshape") and [ast.unparse(one) for one in made.args] == ["-1"]:
            text = crash.text(made.func.value)
            yield Offer("Keep the batch apart", replace_expression(crash.code, made, f"{text}.{name}({text}.size(0), -1)"))


def _batch_counted(crash: Crash, node: ast.expr | None) -> Iterator[Offer]:
    """`x.view(batch_size, -1)` where the last batch is smaller: its samples are counted instead."""
    for made in (node, *(birth.value for birth in crash.births(node))) if isinstance(node, ast.Name) else (node,):
        if not isinstance(made, ast.Call) or called(made) not in ("view", "reshape") or not isinstance(made.func, ast.Attribute):
            continue
        if len(made.args) == 2 and ast.unparse(made.args[1]) == "-1" and isinstance(made.args[0], ast.Name | ast.Constant | ast.Attribute):
            tensor = made.func.value
            if isinstance(tensor, ast.Name) and ast.unparse(made.args[0]) != "-1":
                yield Offer("Count the samples of this batch", replace_expression(crash.code, made.args[0], f"{tensor.id}.size(0)"))


def flattened(crash: Crash, node: ast.expr | None) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    """Edits that make rows of a batch of feature maps: in the Sequential, where the input is prepared, or where it is used."""
    title = "Flatten the input"
    outside = crash.code.parents.get(crash.constructor) if crash.constructor else None
    if isinstance(outside, ast.Call) and crash.constructor in outside.args and outside.args.index(crash.constructor) > 0:
        maker = crash.text(crash.constructor.func).rpartition(".")[0]
        new = f"{maker}.Flatten()" if maker else "nn.Flatten()"
        yield title, add_argument(crash.code, outside, new, outside.args.index(crash.constructor))
    if node is None:
        return
    outer = origin(crash, node)
    places = [one for one in (outer, node) if isinstance(one, ast.Name)]
    if places and not used_after(crash, places[0]):
        places.reverse()
    for name in dict.fromkeys(places):
        line = f"{name.id} = {name.id}.view({name.id}.size(0), -1)"
        yield title, insert_statement_before(crash.code, name.lineno, line)
    yield title, wrap_expression(crash.code, node, "torch.flatten({}, 1)")

"""Batch normalisation is trained on a single value per channel."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, insert_statement_before
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import keyword


class BatchNormOfOneSample(CrashRule):
    """Batch normalisation is trained on a single value per channel.

    ## What it does
    Explains `BatchNorm` layers in training mode that are given a batch of one.

    ## Why is this bad?
    A single value has no variance. The program stops, often only at the last, smaller batch of an epoch.

    ## Example
    ```python
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    net(torch.zeros(1, 3))
    ```

    ## Use instead
    ```python
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    net.eval()
    net(torch.zeros(1, 3))
    ```

    ## Fix safety
    `eval()` is right where nothing is trained; where a DataLoader gives a smaller last batch, it is told to drop that.

    ## References
    - torch.nn.BatchNorm1d
    """

    id = "SNF212"
    name = "batch-norm-of-one-sample"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("ValueError",)
    MESSAGES = (r"Expected more than 1 (?:value per channel|spatial element) when training",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnet = nn.BatchNorm1d(4)\nnet.eval()\nnet(torch.zeros(1, 4))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.BatchNorm1d(4)(torch.zeros(2, 4))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))\ny = net(torch.zeros(1, 3))\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))\nnet.eval()\ny = net(torch.zeros(1, 3))\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module else "batch normalisation"
        return f"{layer} is in training mode and is given one value per channel: {shape_text(crash.shape(0))}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        for loader in crash.code.calls("DataLoader"):
            if keyword(loader, "drop_last") is None:
                yield Offer("Drop the last, smaller batch", add_keyword(crash.code, loader, "drop_last", "True"))
        trains = any(isinstance(node, ast.Attribute) and node.attr == "backward" for node in crash.code.nodes)
        frame = crash.frames[0] if crash.frames else None
        call = crash.code.node_at(frame.span, ast.Call) if frame else None
        if not trains and isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            # Once, above the loop that goes through the samples.
            loops = [up.lineno for up in crash.code.ancestors(call) if isinstance(up, ast.For | ast.While)]
            line = min(loops, default=call.lineno)
            yield Offer("Switch the model to evaluation", insert_statement_before(crash.code, line, f"{call.func.id}.eval()"))

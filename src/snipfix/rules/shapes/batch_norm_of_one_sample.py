"""Batch normalisation is trained on a single value per channel."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, insert_statement_before
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called
from snipfix.rules.widths import argument_of
from snipfix.rules.written import built


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
            size = argument_of(loader, 1, "batch_size")
            if keyword(loader, "drop_last") is None and size is not None and ast.unparse(size) != "1":
                yield Offer("Drop the last, smaller batch", add_keyword(crash.code, loader, "drop_last", "True"))
        frame = crash.frames[0] if crash.frames else None
        call = crash.code.node_at(frame.span, ast.Call) if frame else None
        model = _model_called(crash, call) if isinstance(call, ast.Call) else ""
        if model and isinstance(call, ast.Call) and not _trains(crash, call):
            # Once, above the loop that goes through the samples.
            loops = [up.lineno for up in crash.code.ancestors(call) if isinstance(up, ast.For | ast.While)]
            line = min(loops, default=call.lineno)
            yield Offer("Switch the model to evaluation", insert_statement_before(crash.code, line, f"{model}.eval()"))


def _model_called(crash: Crash, call: ast.Call) -> str:
    """The model in `net(x)`, `generator.sample()` and `predict(net, x)`; empty where the text does not say which it is."""
    names = [call.func.value] if isinstance(call.func, ast.Attribute) else [call.func, *call.args]
    found = [one.id for one in names if isinstance(one, ast.Name) and _is_model(crash, one.id)]
    plain = isinstance(call.func, ast.Name) and not any(one.name == call.func.id for one in crash.code.all(ast.FunctionDef))
    return found[0] if found else call.func.id if plain and isinstance(call.func, ast.Name) else ""


def _is_model(crash: Crash, name: str) -> bool:
    """Whether a name is built from a class of the text that has layers, or from a container of them."""
    made = built(crash.code, name)
    owner = crash.class_named(called(made)) if made is not None else None
    return (made is not None and called(made) == "Sequential") or (
        owner is not None and any("Module" in ast.unparse(base) for base in owner.bases)
    )


def _trains(crash: Crash, call: ast.Call) -> bool:
    """Whether the failing forward is one of training: backward() is called in a loop around it, in a function that led there, or behind it."""
    homes = [crash.function_of(node) for frame in crash.frames if (node := crash.code.node_at(frame.span, ast.expr)) is not None]
    around: list[ast.AST] = [one for one in homes if not isinstance(one, ast.Module)]
    around += [up for up in crash.code.ancestors(call) if isinstance(up, ast.For | ast.While | ast.FunctionDef)]
    steps = [node for node in crash.code.all(ast.Attribute) if node.attr == "backward"]
    return any(node.lineno > call.lineno or any(up in around for up in crash.code.ancestors(node)) for node in steps)

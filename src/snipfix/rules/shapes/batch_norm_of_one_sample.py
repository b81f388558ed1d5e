"""Batch normalisation is trained on a single value per channel."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import written
from snipfix.codemods import add_keyword, insert_statement_before, joined, replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called
from snipfix.rules.widths import argument_of
from snipfix.rules.written import LOSS_CLASSES, LOSS_FUNCTIONS, built, losses, whole_value

TRAINED = (
    "import torch\nimport torch.nn as nn\nnet = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))\nx, y = torch.randn({}, 3), torch.tensor({})\n"
    "for _ in range(2):\n    loss = nn.functional.cross_entropy(net(x), y)\n    loss.backward()\n"
)
EPOCHS = (
    "import torch\nimport torch.nn as nn\nnet = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))\nx = torch.randn(5, 3)\n"
    "for _ in range(2):\n{}    net(x).sum().backward()\n{}    with torch.no_grad():\n        for one in x.split(1):\n            y = net(one)\n"
)


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
    `eval()` is right where nothing is trained; where a DataLoader gives a smaller last batch, it is told to drop that. An example batch of one that
    is trained on gets some more samples.

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
        Bad(TRAINED.format("1", "[2]"), at=(6, 40), fixed=TRAINED.format("4", "[2] * 4")),
        Bad(EPOCHS.format("", ""), at=(9, 17), fixed=EPOCHS.format("    net.train()\n", "    net.eval()\n")),
    )

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module else "batch normalisation"
        return f"{layer} is in training mode and is given one value per channel: {shape_text(crash.shape(0))}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        calls = [node for frame in crash.frames if isinstance(node := crash.code.node_at(frame.span, ast.Call), ast.Call)]
        found = next(((call, model) for call in calls if (model := _model_called(crash, call))), None)
        trains = bool(calls) and _trains(crash, calls[0])
        if found is not None and not trains:
            yield Offer("Switch the model to evaluation", _evaluating(crash, *found))
        for loader in crash.code.calls("DataLoader"):
            size = argument_of(loader, 1, "batch_size")
            if keyword(loader, "drop_last") is None and size is not None and ast.unparse(size) != "1":
                yield Offer("Drop the last, smaller batch", add_keyword(crash.code, loader, "drop_last", "True"))
        if found is not None and trains:
            yield Offer("Make the batch larger", joined(*_larger_batch(crash, found[0])))
            sizes = [argument_of(loader, 1, "batch_size") for loader in crash.code.calls("DataLoader")]
            ones = [whole_value(crash.code, size) for size in sizes if size is not None]
            edits = [replace_expression(crash.code, one, str(BATCH)) for one in ones if isinstance(one, ast.Constant) and one.value == 1]
            yield Offer("Make the batch larger", joined(*edits))


def _evaluating(crash: Crash, call: ast.Call, model: str) -> tuple[Edit, ...]:
    """`model.eval()` once: above the block that records no gradients, else above the loop that goes through the samples. Where the model is trained
    around it, each pass begins with `model.train()`."""
    code = crash.code
    silent = _without_gradients(crash, call)
    if not isinstance(silent, ast.With):
        loops = [up.lineno for up in code.ancestors(call) if isinstance(up, ast.For | ast.While)]
        return insert_statement_before(code, min(loops, default=call.lineno), f"{model}.eval()")
    off = insert_statement_before(code, silent.lineno, f"{model}.eval()")
    epochs = [up for up in code.ancestors(silent) if isinstance(up, ast.For | ast.While) and code.calls("backward", inside=up)]
    if not epochs or code.calls("train"):
        return off
    return joined(off, insert_statement_before(code, epochs[0].body[0].lineno, f"{model}.train()"))


def _without_gradients(crash: Crash, call: ast.Call) -> ast.AST | None:
    """The block or function around a call that records no gradients: no training goes on there."""
    for up in crash.code.ancestors(call):
        marks = [one.context_expr for one in up.items] if isinstance(up, ast.With) else getattr(up, "decorator_list", [])
        if any(called(one) in ("no_grad", "inference_mode") for one in marks):
            return up
    return None


BATCH = 4
"""How many samples an example batch of one becomes."""
MAKERS = frozenset("randn rand zeros ones randint full empty".split())


def _larger_batch(crash: Crash, call: ast.Call) -> Iterator[tuple[Edit, ...]]:
    """The example input of one sample with some more of them, and the target of the loss with it."""
    values = [*call.args, *(one for loss in losses(crash.code, LOSS_CLASSES, LOSS_FUNCTIONS) for one in loss.args)]
    for value in values:
        made = whole_value(crash.code, value)
        if not isinstance(made, ast.Call) or not made.args:
            continue
        given = made.args[-1] if isinstance(made.args[-1], ast.Tuple | ast.List) else None
        sizes = given.elts if given is not None else made.args
        if called(made) in MAKERS and isinstance(sizes[0], ast.Constant) and sizes[0].value == 1:
            yield replace_expression(crash.code, sizes[0], str(BATCH))
        elif called(made) in ("tensor", "LongTensor", "FloatTensor") and given is not None and len(given.elts) == 1:
            yield wrap_expression(crash.code, given, f"{{}} * {BATCH}")


def _model_called(crash: Crash, call: ast.Call) -> str:
    """The model in `net(x)`, `generator.sample()` and `predict(net, x)`; empty where the text does not say which it is."""
    names = [call.func.value] if isinstance(call.func, ast.Attribute) else [call.func, *call.args]
    if isinstance(call.func, ast.Attribute) and _is_model(crash, written(call.func)):
        return written(call.func)
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
    if any(
        _without_gradients(crash, one) for frame in crash.frames if isinstance(one := crash.code.node_at(frame.span, ast.Call), ast.Call)
    ):
        return False
    homes = [crash.function_of(node) for frame in crash.frames if (node := crash.code.node_at(frame.span, ast.expr)) is not None]
    around: list[ast.AST] = [one for one in homes if not isinstance(one, ast.Module)]
    around += [up for up in crash.code.ancestors(call) if isinstance(up, ast.For | ast.While | ast.FunctionDef)]
    steps = [node for node in crash.code.all(ast.Attribute) if node.attr == "backward"]
    return any(node.lineno > call.lineno or any(up in around for up in crash.code.ancestors(node)) for node in steps)

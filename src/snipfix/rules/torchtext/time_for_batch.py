"""A torchtext field gives (time, batch) to a model that reads (batch, time)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code, written
from snipfix.model import Category, Finding
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.batch_layout.layout import class_named
from snipfix.rules.observed import called
from snipfix.rules.torchtext.wiring import batch_value, columns, field_option, fields, is_sequential
from snipfix.rules.written import built

CODE = (
    "import torch.nn as nn\nfrom torchtext.data import Field, Iterator, TabularDataset\nTEXT = Field({})\n"
    "train = TabularDataset('a.tsv', 'tsv', [('text', TEXT)])\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.e = nn.Embedding(99, 8)\n        self.r = nn.GRU(8, 8{})\n    def forward(self, text):\n        return self.r(self.e(text))[0]\n"
    "model = Net()\nfor batch in Iterator(train, 4):\n    model(batch.text)\n"
)
ORDER = frozenset("permute transpose t swapaxes moveaxis movedim rearrange einsum adjoint".split())
FIRST = frozenset({"Conv1d", "Conv2d"})
RECURRENT = frozenset({"RNN", "LSTM", "GRU"})


class TimeForBatch(Rule):
    """A torchtext field puts the steps first, the model takes the first dim for the batch.

    ## What it does
    Reports a `Field` without `batch_first=True` whose values go, as they are, into a model that embeds them and has a convolution, or a
    recurrent layer with `batch_first=True`, and that nowhere exchanges axes.

    ## Why is this bad?
    Each step is read as a sample and the samples as steps: sentences of one batch mix, and there are as many predictions as the longest
    sentence has words.

    ## Example
    ```python
    TEXT = Field(lower=True)
    ```

    ## Use instead
    ```python
    TEXT = Field(lower=True, batch_first=True)
    ```

    ## Fix safety
    No fix of its own: torchtext cannot be imported beside a current torch, and its pipeline is rewritten as a whole.

    ## References
    - torchtext 0.6, `Field`: "batch_first: Whether to produce tensors with the batch dimension first. Default: False."
    """

    id = "SNF183"
    name = "time-for-batch"
    category = Category.BATCH_LAYOUT
    GOOD = (
        Good(CODE.format("batch_first=True", ", batch_first=True"), runs=False),
        Good(CODE.format("lower=True", ""), runs=False),
        Good(CODE.format("", ", batch_first=True").replace("self.e(text)", "self.e(text.t())"), runs=False),
        Good(CODE.format("", ", batch_first=True").replace("self.e(text)", "self.e(text.T)"), runs=False),
    )
    BAD = (Bad(CODE.format("lower=True", ", batch_first=True"), at=(3, 8), runs=False),)

    def static(self, context: Context) -> Iterator[Finding]:
        for field, (made, model, reads) in misread(context).items():
            message = (
                f"`{field}` gives (time, batch), but `{model}` reads it as (batch, time): its {reads} takes the first dim for the batch"
            )
            yield self.finding(message, context.code.span(made))


def misread(context: Context) -> dict[str, tuple[ast.Call, str, str]]:
    """The fields whose batches a model reads the other way about: what makes each, the model, and its layer that shows it."""
    code, made = context.code, fields(context)
    found = dict[str, tuple[ast.Call, str, str]]()
    if not made or _exchanges(code):
        return found
    filled = columns(context)
    for call in code.all(ast.Call):
        maker = built(code, written(call.func)) if call.args else None
        reads = _batch_first_reader(code, called(maker)) if maker is not None else ""
        field = filled.get(batch_value(context, call.args[0]), "") if reads else ""
        if maker is not None and field in made and _time_first(context, made[field]):
            found.setdefault(field, (made[field], called(maker), reads))
    return found


def _time_first(context: Context, call: ast.Call) -> bool:
    return is_sequential(context, call) and field_option(call, "batch_first") is None and all(word.arg for word in call.keywords)


def _exchanges(code: Code) -> bool:
    """Whether the text exchanges axes at all."""
    return bool(code.calls(*ORDER)) or any(one.attr in {"T", "mT"} for one in code.all(ast.Attribute))


def _batch_first_reader(code: Code, name: str) -> str:
    """The layer of a model of embedded ids that takes the first dim for the batch; nothing where there is none."""
    node = class_named(code, name)
    made = list(code.all(ast.Call, node)) if node is not None else []
    if not any(called(one) in {"Embedding", "from_pretrained"} for one in made):
        return ""
    for one in made:
        first = any(
            word.arg == "batch_first" and isinstance(word.value, ast.Constant) and word.value.value is True for word in one.keywords
        )
        if called(one) in FIRST or (called(one) in RECURRENT and first):
            return called(one)
    return ""

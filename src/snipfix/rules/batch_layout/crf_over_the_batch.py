"""A conditional random field takes the batch for the sequence."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import add_keyword
from snipfix.model import Applicability, Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called

__all__ = ["CrfOverTheBatch"]

TURNS = ("transpose", "permute", "t", "swapaxes", "transpose_", "movedim", "rearrange")
CODE = (
    "import torch\nimport torch.nn as nn\nfrom torchcrf import CRF\n\nclass Tagger(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.lstm = nn.LSTM(4, 6{})\n        self.fc = nn.Linear(6, 3)\n        self.crf = CRF(3{})\n\n    def forward(self, x, tags):\n"
    "        scores = self.fc(self.lstm(x)[0])\n        return -self.crf(scores{})\n\nloss = Tagger()(torch.randn(2, 5, 4), torch.zeros({}, dtype=torch.long))\n"
)
MASKED = (
    "import torch\nfrom torchcrf import CRF\ncrf = CRF(5{})\nloss = -crf(torch.randn(2, 3, 5), torch.zeros(2, 3, dtype=torch.long), "
    "mask=torch.tensor([[1, 0, 0], [1, 1, 1]]).bool())\n"
)


class CrfOverTheBatch(CrashRule):
    """A CRF built without `batch_first=True` is given what a batch-first layer of the same class made: it takes the batch for the sequence.

    ## What it does
    Reports the constructor of a `torchcrf.CRF` whose emissions come from layers of the same class that are all built with `batch_first=True`, where
    nothing in the class exchanges axes. Also the mask that such a CRF refuses because the first sample of the batch is shorter than others.

    ## Why is this bad?
    The transitions are learned between the samples of a batch. Nothing stops, since emissions, tags and mask are all turned alike.

    ## Example
    ```python
    self.lstm = nn.LSTM(n, m, batch_first=True)
    self.crf = CRF(tags)
    ```

    ## Use instead
    ```python
    self.lstm = nn.LSTM(n, m, batch_first=True)
    self.crf = CRF(tags, batch_first=True)
    ```

    ## Fix safety
    Results change: the layer now reads each sequence.

    ## References
    - torchcrf.CRF: "batch_first".
    """

    id = "SNF464"
    name = "crf-over-the-batch"
    category = Category.BATCH_LAYOUT
    applicability = Applicability.UNSAFE
    TYPES = ("ValueError",)
    MESSAGES = (r"mask of the first timestep must all be on",)
    GOOD = (
        Good(CODE.format(", batch_first=True", ", batch_first=True", ", tags", "2, 5")),
        Good(CODE.format("", "", ", tags", "2, 5")),
        Good(CODE.format(", batch_first=True", "", ".transpose(0, 1), tags", "5, 2")),
        Good(
            CODE.format(", batch_first=True", "", ", tags", "2, 5").replace(
                "self.fc(self.lstm(x)[0])", "self.scores(x)\n        scores = scores.transpose(0, 1)"
            ),
            runs=False,
        ),
    )
    BAD = (
        Bad(
            CODE.format(", batch_first=True", "", ", tags", "2, 5"),
            at=(10, 20),
            fixed=CODE.format(", batch_first=True", ", batch_first=True", ", tags", "2, 5"),
            runs=False,
        ),
        Bad(
            MASKED.format(""),
            at=(4, 9),
            fixed=MASKED.format(", batch_first=True"),
        ),
    )

    def explains(self, crash: Crash) -> bool:
        made = crash.constructor
        return made is not None and called(made) == "CRF" and keyword(made, "batch_first") is None and len(made.args) == 1

    def says(self, crash: Crash) -> str:
        return f"this CRF takes dim 0 of {shape_text(crash.shape(0))} for time, and the mask is off in the first step: with the batch first, it is on"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if crash.constructor is not None:
            yield Offer("say that the batch comes first", add_keyword(crash.code, crash.constructor, "batch_first", "True"))

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for made in code.calls("CRF") if "torchcrf" in code.text else ():
            owner = code.around(made, ast.ClassDef)
            plain = len(made.args) == 1 and not made.keywords and isinstance(code.parents.get(made), ast.Assign)
            if plain and owner is not None and _batch_first(code, owner) and not code.calls(*TURNS, inside=owner):
                message = "the layers before this CRF put the batch first, and it takes dim 0 for the sequence: tags of other samples follow each other"
                yield self.finding(message, code.span(made))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        if finding.stage is not Stage.STATIC:
            yield from super().fixes(context, finding)
            return
        made = context.code.node_at(finding.span, ast.Call)
        if isinstance(made, ast.Call):
            yield self.fix("say that the batch comes first", *add_keyword(context.code, made, "batch_first", "True"))


def _batch_first(code: Code, owner: ast.ClassDef) -> bool:
    """Whether the sequence layers of a class are all built with the batch first, and there are some."""
    layers = [
        call
        for call in code.calls("LSTM", "GRU", "RNN", "TransformerEncoderLayer", inside=owner)
        if isinstance(call.func, ast.Attribute | ast.Name)
    ]
    first = [ast.unparse(value) if (value := keyword(call, "batch_first")) is not None else "" for call in layers]
    return bool(first) and set(first) == {"True"} and called(layers[0]) != ""

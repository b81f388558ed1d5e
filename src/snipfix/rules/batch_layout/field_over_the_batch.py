"""A CRF that takes the samples of a batch for the steps of a sequence."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import add_keyword
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called

LAYERS = frozenset({"RNN", "LSTM", "GRU", "TransformerEncoderLayer"})
EXCHANGES = frozenset({"transpose", "permute", "movedim", "swapaxes", "t", "rearrange"})
TAGGER = (
    "import torch, torch.nn as nn, torchcrf\nclass Tagger(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.lstm = nn.LSTM(4, 3, batch_first=True)\n        self.crf = torchcrf.CRF(3{})\n    def forward(self, x, tags):\n"
    "        return -self.crf(self.lstm(x)[0]{}, tags{})\nTagger()(torch.randn(2, 5, 4), torch.zeros(2, 5, dtype=torch.long))\n"
)


class FieldOverTheBatch(Rule):
    """A CRF without `batch_first=True` is handed what a layer with `batch_first=True` gives.

    ## What it does
    Reads classes that build a `torchcrf.CRF` and their recurrent or encoder layers: all of those put the batch first, the field does not, and the class
    nowhere exchanges axes.

    ## Why is this bad?
    The field takes the samples for steps: it learns transitions from the tags of one sentence to those of the next, and decodes across sentences.
    Both layouts have the same number of dims, so nothing fails.

    ## Example
    ```python
    self.lstm = nn.LSTM(width, hidden, batch_first=True)
    self.crf = CRF(tags)
    ```

    ## Use instead
    ```python
    self.lstm = nn.LSTM(width, hidden, batch_first=True)
    self.crf = CRF(tags, batch_first=True)
    ```

    ## Fix safety
    Safe: the field then reads the layout that the class gives it.

    ## References
    - pytorch-crf, CRF: argument `batch_first`, False by default.
    """

    id = "SNF495"
    name = "field-over-the-batch"
    category = Category.BATCH_LAYOUT
    applicability = Applicability.SAFE
    silent = True
    GOOD = (Good(TAGGER.format(", batch_first=True", "", "")), Good(TAGGER.format("", ".transpose(0, 1)", ".transpose(0, 1)")))
    BAD = (Bad(TAGGER.format("", "", ""), at=(6, 20), fixed=TAGGER.format(", batch_first=True", "", ""), runs=False),)  # nothing fails

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for owner in code.all(ast.ClassDef) if "torchcrf" in code.text else ():
            calls = code.all(ast.Call, owner)
            layers = [one for one in calls if called(one) in LAYERS]
            turned = any(called(one) in EXCHANGES for one in calls) or any(
                one.attr in {"T", "mT"} for one in code.all(ast.Attribute, owner)
            )
            for field in calls if layers and not turned and all(map(_batch_first, layers)) else ():
                if context.scopes.qualified(field.func) == "torchcrf.CRF" and len(field.args) == 1 and not field.keywords:
                    message = f"this CRF takes the samples for steps: `{called(layers[0])}` puts the batch first, the field does not"
                    yield self.finding(message, code.span(field))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        if isinstance(node, ast.Call):
            yield self.fix("tell the field that the batch comes first", *add_keyword(context.code, node, "batch_first", "True"))


def _batch_first(call: ast.Call) -> bool:
    return any(one.arg == "batch_first" and isinstance(one.value, ast.Constant) and one.value.value is True for one in call.keywords)

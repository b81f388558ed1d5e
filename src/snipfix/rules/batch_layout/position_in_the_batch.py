"""A position added along the batch: what a sample gets depends on where in the batch it stands."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.batch_layout.layout import batch_first_evidence, built_batch_first
from snipfix.rules.observed import flag, mapping, place, shape, text

CODE = """\
import torch, torch.nn as nn
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(20, 8), nn.Parameter(torch.randn({0}))
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    def forward(self, ids):
        x = self.words(ids)
        x = x + self.places[{1}
        return self.encoder(x).mean(dim=1)
Reader()(torch.randint(0, 20, (4, 6)))
"""


class PositionInTheBatch(Rule):
    """The output for a sample depends on its place in the batch: a positional encoding was added along the wrong dim.

    ## What it does
    Lets the samples of a batch change places and calls the model again. Reports the first operation whose results do not change places with
    them, when no sample sees another and the text puts the batch first.

    ## Why is this bad?
    Every position of a sample gets the same encoding, that of the sample's number: the model does not know the order of its tokens, and
    the prediction for a sample changes when it stands elsewhere in the batch. No error shows it.

    ## Example
    ```python
    x = x + self.pe[:x.size(0)]      # pe: (max_len, 1, width), x: (batch, length, width)
    ```

    ## Use instead
    ```python
    x = x + self.pe[:x.size(1)].transpose(0, 1)
    ```

    ## Fix safety
    Unsafe: trained weights of the old model do not fit the new one.

    ## References
    - The PyTorch tutorial's PositionalEncoding takes (length, batch, width).
    """

    id = "SNF462"
    name = "position-in-the-batch"
    category = Category.BATCH_LAYOUT
    GOOD = (
        Good(CODE.format("9, 8", ":x.size(1)]")),
        Good(
            "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.lstm, self.fc = nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 2)\n"
            "    def forward(self, x, state):  # each sample has a state of its own\n        return self.fc(self.lstm(x, state)[0][:, -1])\n"
            "Net()(torch.randn(6, 3, 4), (torch.randn(1, 6, 5), torch.randn(1, 6, 5)))\n"
        ),
        Good(CODE.format("9, 1, 8", ":x.size(1)].transpose(0, 1)")),
        Good(
            "import torch, torch.nn as nn\nclass Embeddings(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.people = nn.Embedding(5, 4)\n        self.f = nn.Linear(4, 1)\n"
            "    def forward(self, x):  # one row for each of the five people\n        return self.f(x + self.people.weight)\n"
            "Embeddings()(torch.randn(5, 4))\n"
        ),
    )
    BAD = (Bad(CODE.format("9, 1, 8", ":x.size(0)]"), at=(9, 13), fixed=CODE.format("9, 1, 8", ":x.size(1)].transpose(0, 1)")),)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        told: set[Span] = set()
        apart = {text(one.facts, "module", "path"): one.facts for one in outcome.seen("batch") if _apart(one.facts)}
        for observation in outcome.seen("order"):
            facts = observation.facts
            batch = apart.get(text(facts, "module", "path"))
            if batch is None:
                continue
            seen = mapping(facts, "arguments", text(facts, "main"), "placed")
            span, size = place(context.code, seen, "span"), (shape(batch, "input") or (0,))[0]
            if span is None or span in told:
                continue
            why = built_batch_first(outcome, batch) or batch_first_evidence(
                context.code, text(facts, "module", "type"), size, observation.span is not None
            )
            if why:
                told.add(span)
                yield self._report(seen, span, why)

    def _report(self, seen: Mapping[str, Any], span: Span, why: str) -> Finding:
        function, size = text(seen, "function"), shape(seen, "shape") or ()
        message = f"what this gives a sample depends on its place in the batch, dim 0 of {list(size)} ({why})"
        return self.finding(message, span, stage=Stage.PROBE, evidence={"function": function, "shape": size, "why": why})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code, node = context.code, context.code.node_at(finding.span, ast.BinOp)
        for part in (node.left, node.right) if isinstance(node, ast.BinOp) else ():
            taken = _first_rows(part)
            if taken is not None:
                yield from self._along_positions(code, part, *taken)

    def _along_positions(self, code: Code, part: ast.expr, table: str, tensor: str) -> Iterator[Fix]:
        """`table[:x.size(0)]` taken for the positions instead, in the layouts that a table may have."""
        for number, mended in enumerate(
            (f"{table}[:{tensor}.size(1)].transpose(0, 1)", f"{table}[:, :{tensor}.size(1)]", f"{table}[:{tensor}.size(1)]")
        ):
            yield self.fix("add the positions along the sequence", *replace_expression(code, part, mended), preference=number)


def _apart(facts: Mapping[str, Any]) -> bool:
    """Whether no sample moved another."""
    dim = mapping(facts, "dims", "0")
    return flag(dim, "kept") and flag(dim, "alive") and not flag(dim, "mixes")


def _first_rows(node: ast.expr) -> tuple[str, str] | None:
    """The table and the tensor of `table[:x.size(0)]`, `table[:x.shape[0]]`, with `, :` behind or not."""
    if not isinstance(node, ast.Subscript):
        return None
    index = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
    if not isinstance(index, ast.Slice) or index.lower is not None or index.upper is None:
        return None
    upper = ast.unparse(index.upper)
    for end in (".size(0)", ".shape[0]"):
        if upper.endswith(end):
            return ast.unparse(node.value), upper.removesuffix(end)
    return None

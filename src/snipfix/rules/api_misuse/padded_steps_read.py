"""A recurrent network's summary of padded sequences that reads the padding."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.code import Code, written
from snipfix.model import Category, Finding, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.written import forward_of

__all__ = ["PaddedStepsRead"]

RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
HANDLED = re.compile(r"pack_padded_sequence|pack_sequence|mask|\blen(gth)?s\b|lengths|seq_len|padding_side|ignore_index", re.IGNORECASE)
"""How a text shows that it thinks of the lengths."""
CODE = (
    "import torch, torch.nn as nn\nfrom torch.nn.utils.rnn import pad_sequence\n\nclass Net(nn.Module):\n    def __init__(self):\n"
    "        super().__init__()\n        self.emb, self.rnn, self.fc = nn.Embedding(9, 4), nn.GRU(4, 5, batch_first=True), nn.Linear(5, 2)\n\n"
    "    def forward(self, x):\n        out, h = self.rnn(self.emb(x))\n        return self.fc({})\n\n"
    "x = pad_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])], batch_first=True)\nprint(Net()(x).shape)\n"
)


class PaddedStepsRead(Rule):
    """Sequences are padded to one length, and the last state, the last step or the mean of a recurrent layer is read without their lengths.

    ## What it does
    Warns of a recurrent layer over sequences from `pad_sequence` whose last state, last step or mean over the steps is used, in a text
    that neither packs the sequences nor has lengths or a mask anywhere.

    ## Why is this bad?
    The layer goes on over the padding. For a short sequence the last state is what is left of it after many steps of zeros, and a mean counts
    the padding as text: the answer for a sequence depends on the longest one in its batch.

    ## Example
    ```python
    _, h = self.rnn(self.embedding(x))
    ```

    ## Use instead
    ```python
    packed = pack_padded_sequence(self.embedding(x), lengths, batch_first=True, enforce_sorted=False)
    _, h = self.rnn(packed)
    ```

    ## Fix safety
    None is offered: the lengths are not there.

    ## References
    - torch.nn.utils.rnn.pack_padded_sequence.
    """

    id = "SNF194"
    name = "padded-steps-read"
    category = Category.API_MISUSE
    severity = Severity.WARNING
    silent = True
    GOOD = (
        Good(CODE.format("out")),
        Good(CODE.format("h[-1]").replace("x = pad_sequence", "lengths = [3, 1]\nx = pad_sequence")),
        Good(CODE.format("h[-1]").replace("x = pad_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])], batch_first=True)", "x = torch.ones(2, 3).long()")),
    )  # fmt: skip
    BAD = (
        Bad(CODE.format("h[-1]"), at=(10, 18), runs=False),
        Bad(CODE.format("h.squeeze(0)"), at=(10, 18), runs=False),
        Bad(CODE.format("out.mean(dim=1)"), at=(10, 18), runs=False),
        Bad(CODE.format("out[:, -1, :]"), at=(10, 18), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("pad_sequence") or HANDLED.search(code.text):
            return
        for owner in code.all(ast.ClassDef):
            forward = forward_of(owner)
            layers = {
                written(one.targets[0]): called(one.value)
                for one in code.all(ast.Assign, inside=owner)
                if isinstance(one.value, ast.Call) and called(one.value) in RECURRENT
            } | dict(_pairs(code, owner))
            for one in code.all(ast.Assign, inside=forward) if forward is not None else ():
                if isinstance(one.value, ast.Call) and written(one.value.func) in layers and forward is not None:
                    how = _read(code, forward, one)
                    if how:
                        message = (
                            f"{how} is taken from padded sequences without their lengths: for the shorter ones it is read off the padding"
                        )
                        yield self.finding(message, code.span(one.value))


def _pairs(code: Code, owner: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Recurrent layers that are made several in one assignment, `self.a, self.b = nn.A(), nn.GRU()`."""
    for one in code.all(ast.Assign, inside=owner):
        if isinstance(one.targets[0], ast.Tuple) and isinstance(one.value, ast.Tuple):
            for target, value in zip(one.targets[0].elts, one.value.elts, strict=False):
                if called(value) in RECURRENT:
                    yield written(target), called(value)


def _read(code: Code, forward: ast.FunctionDef, call: ast.Assign) -> str:
    """What of the layer's result is read that padding changes; empty where it is none of these."""
    target = call.targets[0]
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2:
        return ""
    steps, state = target.elts
    states = {one.id for one in ast.walk(state) if isinstance(one, ast.Name)} - {"_"}
    for one in code.all(ast.Subscript, inside=forward):
        if isinstance(one.value, ast.Name) and isinstance(one.ctx, ast.Load):
            at = written(one.slice).replace(" ", "").strip("()")
            if one.value.id in states and at.startswith("-1"):
                return "the last state"
            if isinstance(steps, ast.Name) and one.value.id == steps.id and at in (":,-1", ":,-1,:", "-1"):
                return "the last step"
    for squeezed in code.calls("squeeze", inside=forward):
        if isinstance(squeezed.func, ast.Attribute) and written(squeezed.func.value) in states:
            return "the last state"
    for mean in code.calls("mean", inside=forward):
        if isinstance(mean.func, ast.Attribute) and isinstance(steps, ast.Name) and written(mean.func.value) == steps.id:
            return "the mean over the steps"
    return ""

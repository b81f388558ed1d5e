"""A recurrent network's summary of padded sequences that reads the padding."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.code import Code, written
from snipfix.codemods import insert_statement_before, joined, replace_expression
from snipfix.model import Applicability, Category, Finding, Fix, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home
from snipfix.rules.written import forward_of, layer, whole_value

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

NAMED = CODE.replace("nn.Embedding(9, 4)", "nn.Embedding(9, 4, padding_idx=0)")
AVERAGED = (
    NAMED.replace("        out, h = self.rnn(self.emb(x))\n", "")
    .replace("    def forward", "\n    def forward")
    .replace("nn.Linear(5", "nn.Linear(4")
)
COUNTED = NAMED.replace("        out, h", "        {}\n        out, h")


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
    Unsafe: the answers for short sequences change. Offered where the embedding names the padding, so that the lengths can be counted.

    ## References
    - torch.nn.utils.rnn.pack_padded_sequence.
    """

    id = "SNF194"
    name = "padded-steps-read"
    category = Category.API_MISUSE
    severity = Severity.WARNING
    applicability = Applicability.UNSAFE
    silent = True
    GOOD = (
        Good(CODE.format("out")),
        Good(CODE.format("h[-1]").replace("x = pad_sequence", "lengths = [3, 1]\nx = pad_sequence")),
        Good(CODE.format("h[-1]").replace("x = pad_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])], batch_first=True)", "x = torch.ones(2, 3).long()")),
    )  # fmt: skip
    BAD = (
        Bad(
            NAMED.format("h[-1]"),
            at=(10, 18),
            fixed=COUNTED.replace("self.rnn(self.emb(x))", "self.rnn(packed)").format(
                "lengths = (x != 0).sum(dim=1)\n        packed = nn.utils.rnn.pack_padded_sequence(self.emb(x), lengths.cpu(), batch_first=True, enforce_sorted=False)",
                "h[-1]",
            ),
            runs=False,
        ),
        Bad(
            NAMED.format("out[:, -1]"),
            at=(10, 18),
            fixed=COUNTED.format("lengths = (x != 0).sum(dim=1)", "out[torch.arange(x.size(0)), lengths - 1]"),
            runs=False,
        ),
        Bad(
            NAMED.format("out.mean(dim=1)"),
            at=(10, 18),
            fixed=COUNTED.format("mask = (x != 0).unsqueeze(-1)", "((out * mask).sum(dim=1) / mask.sum(dim=1))"),
            runs=False,
        ),
        Bad(CODE.format("h.squeeze(0)"), at=(10, 18), runs=False),
        Bad(CODE.format("out.mean(dim=1)"), at=(10, 18), runs=False),
        Bad(CODE.format("out[:, -1, :]"), at=(10, 18), runs=False),
        Bad(
            AVERAGED.format("self.emb(x).mean(dim=1)"),
            at=(11, 24),
            fixed=AVERAGED.format("self.emb(x).sum(dim=1) / (x != 0).sum(dim=1, keepdim=True)"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for call, how, _, _ in _reads(context.code):
            message = f"{how} is taken from padded sequences without their lengths: for the shorter ones it is read off the padding"
            yield self.finding(message, context.code.span(call))

        for mean, _, _ in _averaged(context.code):
            message = "the mean over the steps is taken from padded sequences without their lengths: the padding is counted as text"
            yield self.finding(message, context.code.span(mean))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        code = context.code
        for mean, ids, padding in _averaged(code):
            if code.span(mean) == finding.span and isinstance(mean.func, ast.Attribute):
                counted = f"{code.slice(mean.func.value)}.sum(dim=1) / ({ids} != {padding}).sum(dim=1, keepdim=True)"
                alone = isinstance(code.parents.get(mean), ast.Assign | ast.Return | ast.Call)
                yield self.fix(
                    "count the steps before the padding alone", *replace_expression(code, mean, counted if alone else f"({counted})")
                )
        for call, how, read, forward in _reads(code):
            found = _ids(code, forward, call) if code.span(call) == finding.span else None
            maker, statement = layer(code, call), code.parents[call]
            if found is None or maker is None or not _flag(maker, "batch_first") or not isinstance(statement, ast.Assign):
                continue
            ids, padding = found
            steps = written(statement.targets[0].elts[0]) if isinstance(statement.targets[0], ast.Tuple) else "_"
            lengths = f"lengths = ({ids} != {padding}).sum(dim=1)"
            if how == "the last step" and not _flag(maker, "bidirectional"):
                at = replace_expression(code, read, f"{steps}[torch.arange({ids}.size(0)), lengths - 1]")
                yield self.fix(
                    "read the last step before the padding", *joined(insert_statement_before(code, statement.lineno, lengths), at)
                )
            elif how == "the mean over the steps" and isinstance(read, ast.Call) and "keepdim" not in written(read):
                mask = f"mask = ({ids} != {padding}).unsqueeze(-1)"
                at = replace_expression(code, read, f"(({steps} * mask).sum(dim=1) / mask.sum(dim=1))")
                yield self.fix(
                    "count the steps before the padding alone", *joined(insert_statement_before(code, statement.lineno, mask), at)
                )
            elif how == "the last state" and not any(
                isinstance(one.ctx, ast.Load) and home(code, one) is forward for one in code.mentions(steps)
            ):
                packed = f"packed = nn.utils.rnn.pack_padded_sequence({code.slice(call.args[0])}, lengths.cpu(), batch_first=True, enforce_sorted=False)"
                before = insert_statement_before(code, statement.lineno, f"{lengths}\n{packed}")
                yield self.fix("let the layer stop before the padding", *joined(before, replace_expression(code, call.args[0], "packed")))


def _reads(code: Code) -> Iterator[tuple[ast.Call, str, ast.expr, ast.FunctionDef]]:
    """The calls of recurrent layers over padded sequences: what is read of them that padding changes, where, and in which forward."""
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
                found = _read(code, forward, one)
                if found is not None:
                    yield one.value, *found, forward


def _averaged(code: Code) -> Iterator[tuple[ast.Call, str, str]]:
    """The means over the steps of embedded ids whose padding the text names: each with the ids and the padding."""
    if not code.calls("pad_sequence") or not code.calls("mean") or HANDLED.search(code.text):
        return
    for owner in code.all(ast.ClassDef):
        forward = forward_of(owner)
        for mean in code.calls("mean", inside=forward) if forward is not None else ():
            over = [written(one) for one in (*mean.args, *(one.value for one in mean.keywords))]
            if forward is not None and over == ["1"] and isinstance(mean.func, ast.Attribute):
                read = ast.Call(func=mean.func, args=[mean.func.value], keywords=[])
                found = _ids(code, forward, read)
                if found is not None:
                    yield mean, *found


def _ids(code: Code, forward: ast.FunctionDef, call: ast.Call) -> tuple[str, str] | None:
    """The ids whose embedding a recurrent layer is given, and the number that stands for padding among them, where the text names it."""
    given = whole_value(code, call.args[0]) if call.args else None
    maker = layer(code, given) if isinstance(given, ast.Call) else None
    padding = next((one.value for one in maker.keywords if one.arg == "padding_idx"), None) if maker is not None else None
    names = {one.arg for one in forward.args.args}
    if padding is None or not isinstance(given, ast.Call) or not given.args or not isinstance(given.args[0], ast.Name):
        return None
    return (given.args[0].id, written(padding)) if given.args[0].id in names and called(maker or given) == "Embedding" else None


def _flag(maker: ast.Call, name: str) -> bool:
    return any(one.arg == name and written(one.value) == "True" for one in maker.keywords)


def _pairs(code: Code, owner: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Recurrent layers that are made several in one assignment, `self.a, self.b = nn.A(), nn.GRU()`."""
    for one in code.all(ast.Assign, inside=owner):
        if isinstance(one.targets[0], ast.Tuple) and isinstance(one.value, ast.Tuple):
            for target, value in zip(one.targets[0].elts, one.value.elts, strict=False):
                if called(value) in RECURRENT:
                    yield written(target), called(value)


def _read(code: Code, forward: ast.FunctionDef, call: ast.Assign) -> tuple[str, ast.expr] | None:
    """What of the layer's result is read that padding changes, and where; None where it is none of these."""
    target = call.targets[0]
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2:
        return None
    steps, state = target.elts
    states = {one.id for one in ast.walk(state) if isinstance(one, ast.Name)} - {"_"}
    for one in code.all(ast.Subscript, inside=forward):
        if isinstance(one.value, ast.Name) and isinstance(one.ctx, ast.Load):
            at = written(one.slice).replace(" ", "").strip("()")
            if one.value.id in states and at.startswith("-1"):
                return "the last state", one
            if isinstance(steps, ast.Name) and one.value.id == steps.id and at in (":,-1", ":,-1,:", "-1"):
                return "the last step", one
    for squeezed in code.calls("squeeze", inside=forward):
        if isinstance(squeezed.func, ast.Attribute) and written(squeezed.func.value) in states:
            return "the last state", squeezed
    for mean in code.calls("mean", inside=forward):
        if isinstance(mean.func, ast.Attribute) and isinstance(steps, ast.Name) and written(mean.func.value) == steps.id:
            return "the mean over the steps", mean
    return None

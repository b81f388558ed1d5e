"""A sequence layer that takes the batch for the time axis."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from snipfix.code import Code
from snipfix.codemods import add_keyword
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.batch_layout.layout import batch_first_evidence, class_named, pooled_steps, steps_first_said
from snipfix.rules.observed import called, flag, items, mapping, place, shape, text
from snipfix.rules.written import forward_of, value_of

LAYERS = {"LSTM": 5, "GRU": 5, "RNN": 5, "TransformerEncoderLayer": 7, "TransformerDecoderLayer": 7, "MultiheadAttention": 9}
"""Layers that take time for dim 0 unless told otherwise, with the number of positional arguments from which on they are told."""


class AttentionOverTheBatch(Rule):
    """A recurrent or attention layer without `batch_first=True` is fed batches first: it mixes the samples.

    ## What it does
    Changes one sample of the batch and calls the model again, in evaluation mode. Reports the layer when the outputs of other samples move,
    the layer takes dim 0 for time, and the author's own text takes dim 0 for the batch. Where another fault stops the run, the text is read:
    steps taken along dim 1 of what such a layer gives.

    ## Why is this bad?
    No shape is wrong, so nothing crashes. But attention runs from sample to sample instead of from step to step, an RNN carries its state
    from one sample into the next, and every prediction depends on what else is in the batch.

    ## Example
    ```python
    attention = nn.MultiheadAttention(512, 8)
    x = torch.randn(64, 10, 512)  # 64 sequences of 10 steps
    out, weights = attention(x, x, x)
    ```

    ## Use instead
    ```python
    attention = nn.MultiheadAttention(512, 8, batch_first=True)
    ```

    ## Fix safety
    Unsafe: hidden states and masks that were shaped for the wrong layout must change with it.

    ## References
    - torch.nn.MultiheadAttention, torch.nn.LSTM: argument `batch_first`.
    """

    id = "SNF460"
    name = "attention-over-the-batch"
    category = Category.BATCH_LAYOUT
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nclass Tagger(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.rnn = nn.GRU(4, 5)\n    def forward(self, x):\n        out, h = self.rnn(x)\n        return out[-1]\n"
            "Tagger()(torch.randn(7, 3, 4))  # 7 steps, 3 sequences\n"
        ),
        Good(
            "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.attn = nn.MultiheadAttention(8, 2)\n    def forward(self, x):\n        batch_size = x.size(0)\n"
            "        x = x.transpose(0, 1)\n        return self.attn(x, x, x)[0].transpose(0, 1).mean(dim=1)\nNet()(torch.randn(3, 7, 8))\n"
        ),
        Good("import torch, torch.nn as nn\nlayer = nn.TransformerEncoderLayer(8, 2)\nprint(layer(torch.randn(7, 3, 8)).shape)\n"),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.attn = nn.MultiheadAttention(8, 2)\n    def forward(self, x):\n        out, weights = self.attn(x, x, x)\n"
            "        return out\nnet = Net()\nx = torch.randn(6, 4, 8)  # 6个序列，每个序列4个时间步\nnet(x)\n",
            at=(5, 21),
            fixed="import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.attn = nn.MultiheadAttention(8, 2, batch_first=True)\n    def forward(self, x):\n        out, weights = self.attn(x, x, x)\n"
            "        return out\nnet = Net()\nx = torch.randn(6, 4, 8)  # 6个序列，每个序列4个时间步\nnet(x)\n",
        ),
        Bad(
            "import torch, torch.nn as nn\nclass Classifier(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.rnn = nn.LSTM(4, 5)\n        self.fc = nn.Linear(5, 2)\n    def forward(self, x):\n        out, _ = self.rnn(x)\n"
            "        return self.fc(out[:, -1])\nmodel = Classifier()\nmodel(torch.randn(6, 3, 4))\n",
            at=(5, 20),
            fixed="import torch, torch.nn as nn\nclass Classifier(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.rnn = nn.LSTM(4, 5, batch_first=True)\n        self.fc = nn.Linear(5, 2)\n    def forward(self, x):\n        out, _ = self.rnn(x)\n"
            "        return self.fc(out[:, -1])\nmodel = Classifier()\nmodel(torch.randn(6, 3, 4))\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        told: set[Span] = set()
        for observation in outcome.seen("batch"):
            facts = observation.facts
            if not flag(facts, "dims", "0", "mixes"):
                continue
            layer = culprit(facts)
            span = None if layer is None else constructor(context.code, layer, text(facts, "module", "type"))
            if layer is None or span is None or span in told:
                continue
            size = (shape(facts, "input") or (0,))[0]
            why = batch_first_evidence(context.code, text(facts, "module", "type"), size, observation.span is not None)
            if why and not steps_first_said(context.code, class_named(context.code, text(facts, "module", "type"))):
                told.add(span)
                yield self._report(facts, layer, span, why)
        watched = {text(one.facts, "module", "type") for one in outcome.seen("batch")}
        for maker, pool in steps_along_dim_1(context.code, watched):
            if (span := context.code.span(maker)) not in told:
                told.add(span)
                kind, written = called(maker), ast.unparse(pool)[:60]
                message = f"`{kind}` takes dim 0 for time, but `{written}` takes dim 1 of its output for it: samples of a batch are mixed"
                yield self.finding(message, span, evidence={"why": written})

    def _report(self, facts: Mapping[str, Any], layer: Mapping[str, Any], span: Span, why: str) -> Finding:
        given, moved = mapping(facts, "dims", "0"), items(facts, "dims", "0", "moved", "0")
        message = (
            f"`{text(layer, 'type')}` takes dim 0 of {list(shape(facts, 'input') or ())} for time, but it is the batch ({why}): "
            f"changing sample {given.get('index')} changes the output of {max(len(moved) - 1, 1)} other samples"
        )
        evidence = {
            "input": shape(facts, "input"),
            "changed": given.get("index"),
            "moved": moved,
            "why": why,
            "layer": text(layer, "path"),
            "pattern": given.get("pattern"),
        }
        return self.finding(message, span, stage=Stage.PROBE, evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        if isinstance(node, ast.Call) and context.code.span(node) == finding.span:
            yield self.fix("tell the layer that the batch comes first", *add_keyword(context.code, node, "batch_first", "True"))


def steps_along_dim_1(code: Code, watched: set[str]) -> Iterator[tuple[ast.Call, ast.AST]]:
    """Layers of unwatched classes that are not built batch first while the text takes steps along dim 1 of what they give; with that place."""
    for node in code.all(ast.ClassDef):
        forward = forward_of(node)
        if forward is None or node.name in watched or steps_first_said(code, node):
            continue
        made = {ast.unparse(one.targets[0]): one.value for one in code.all(ast.Assign, node)}
        for pool in ast.walk(forward):
            pooled = pooled_steps(pool)
            given = value_of(code, pooled) if isinstance(pooled, ast.Name) else None
            if given is not None and given[1] in (None, 0) and isinstance(given[0], ast.Call):
                maker = sequence_first(made.get(ast.unparse(given[0].func)))
                if maker is not None and not code.calls("transpose", "permute", "swapaxes", "rearrange", inside=forward):
                    yield maker, pool


def sequence_first(value: ast.expr | None) -> ast.Call | None:
    """The call in what builds a layer that takes time for its first dim, where nothing speaks of `batch_first`."""
    calls = [one for one in ast.walk(value) if isinstance(one, ast.Call)] if value is not None else []
    if any(word.arg in ("batch_first", None) for one in calls for word in one.keywords):
        return None
    return next((one for one in reversed(calls) if len(one.args) < LAYERS.get(called(one), 0)), None)


def culprit(facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The layer in which the samples were mixed first, when that layer takes dim 0 for time."""
    where = text(facts, "mixer", "module", "path")
    for layer in items(facts, "layers"):
        path = text(layer, "path")
        if mapping({"l": layer}, "l").get("first") is False and path and (where == path or where.startswith(f"{path}.")):
            return mapping({"l": layer}, "l")
    return None


def constructor(code: Code, layer: Mapping[str, Any], root: str) -> Span | None:
    """Where the layer was built; for a layer that a stack has copied, the one call in the text that builds its kind."""
    if (built := place(code, layer, "built")) is not None:
        node = code.node_at(built, ast.Call)
        if node is not None and called(node) == text(layer, "type"):
            return code.span(node)
    inside = class_named(code, root)
    for area in (inside, code.tree):
        calls = [one for one in ast.walk(area) if called(one) == text(layer, "type")] if area is not None else []
        if len(calls) == 1:
            return code.span(calls[0])
    return None

"""A decoder or language model that is fed the very tokens it must predict."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.causality.sequence import Seen, seen
from snipfix.rules.observed import called, items, mapping

HEAD = (
    "import torch, torch.nn as nn\nclass Translator(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.e = nn.Embedding(20, 8)\n        self.r = nn.GRU(8, 8, batch_first=True)\n        self.o = nn.Linear(8, 20)\n"
    "    def forward(self, src, tgt):\n        _, h = self.r(self.e(src))\n        return self.o(self.r(self.e(tgt), h)[0])\n"
    "model = Translator()\nsrc, tgt = torch.randint(0, 20, (2, 5)), torch.randint(0, 20, (2, 6))\n"
)
MODEL = (
    "import torch, torch.nn as nn\nclass Writer(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.e = nn.Embedding(20, 8)\n        self.r, self.o = nn.LSTM(8, 8, batch_first=True), nn.Linear(8, 20)\n"
    "    def forward(self, ids):\n        return self.o(self.r(self.e(ids))[0])\nmodel = Writer()\nids = torch.randint(0, 20, (2, 6))\n"
)


class UnshiftedTarget(Rule):
    """The input of a decoder or language model and the loss's target are the same tokens: nothing has to be predicted.

    ## What it does
    Reports an encoder-decoder model whose target argument holds exactly the ids that the loss compares its output with, position by position,
    unless changing one of them leaves the output at its own position as it was: then the model shifts them itself. Of models with ids as
    their only input those are reported whose output at each position depends on it and on earlier ones, never on later ones.

    ## Why is this bad?
    At each position the decoder is given the answer. The loss goes to zero, and translation never works: the input must be the target
    without its last token, and the loss's target the one without its first.

    ## Example
    ```python
    output = model(src, tgt)
    loss = criterion(output.view(-1, vocab_size), tgt.view(-1))
    ```

    ## Use instead
    ```python
    output = model(src, tgt[:, :-1])
    loss = criterion(output.reshape(-1, vocab_size), tgt[:, 1:].reshape(-1))
    ```

    ## Fix safety
    Unsafe: assumes (batch, positions).

    ## References
    - Vaswani et al. 2017, "Attention Is All You Need", 3.1: the output embeddings are offset by one position.
    """

    id = "SNF473"
    name = "unshifted-target"
    category = Category.CAUSALITY
    GOOD = (
        Good(f"{MODEL}out = model(ids[:, :-1])\nloss = nn.CrossEntropyLoss()(out.transpose(1, 2), ids[:, 1:])\nloss.backward()\n"),
        Good(
            f"{MODEL}both = nn.LSTM(8, 8, batch_first=True, bidirectional=True)\nmodel.r, model.o = both, nn.Linear(16, 20)  # sees all: an autoencoder\n"
            "nn.CrossEntropyLoss()(model(ids).view(-1, 20), ids.view(-1)).backward()\n"
        ),
        Good(
            f"{HEAD}out = model(src, tgt[:, :-1])\nloss = nn.CrossEntropyLoss()(out.reshape(-1, 20), tgt[:, 1:].reshape(-1))\nloss.backward()\n"
        ),
        Good(
            HEAD.replace("self.e(tgt)", "self.e(nn.functional.pad(tgt, (1, 0))[:, :-1])")
            + "out = model(src, tgt)\nnn.CrossEntropyLoss()(out.view(-1, 20), tgt.view(-1)).backward()  # a start token is put in front inside\n"
        ),
        Good(
            "import torch, torch.nn as nn\nids = torch.randint(0, 20, (2, 6))\nautoencoder = nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 20))\n"
            "nn.CrossEntropyLoss()(autoencoder(ids).view(-1, 20), ids.view(-1)).backward()\n"
        ),
    )
    BAD = (
        Bad(
            f"{MODEL}out = model(ids)\nloss = nn.CrossEntropyLoss()(out.view(-1, 20), ids.view(-1))\nloss.backward()\n",
            at=(11, 7),
            fixed=f"{MODEL}out = model(ids[:, :-1])\nloss = nn.CrossEntropyLoss()(out.view(-1, 20), ids[:, 1:].reshape(-1))\nloss.backward()\n",
        ),
        Bad(
            f"{HEAD}out = model(src, tgt)\nloss = nn.CrossEntropyLoss()(out.view(-1, 20), tgt.view(-1))\nloss.backward()\n",
            at=(13, 7),
            fixed=f"{HEAD}out = model(src, tgt[:, :-1])\nloss = nn.CrossEntropyLoss()(out.view(-1, 20), tgt[:, 1:].reshape(-1))\nloss.backward()\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in seen(context.code, outcome):
            name = self._argument(one)
            if name and one.span is not None and len(one.output) == 3:
                message = f"`{name}` is both the model's input and the target of its loss: it is given each token that it must predict"
                yield self.finding(message, one.span, stage=Stage.PROBE, evidence={"argument": name})

    def _argument(self, one: Seen) -> str:
        names = one.targets() if len(mapping(one.facts, "arguments")) > 1 else one.integers if _is_causal(one) else ()
        same = (name for name in names if mapping(one.facts, "arguments", name).get("target") == "same")
        return next((name for name in same if not self._shifted_inside(one, name)), "")

    def _shifted_inside(self, one: Seen, name: str) -> bool:
        """Whether the output at a position does not hang on the token given there."""
        futures = (mapping(one.facts, "arguments", name, "future", dim) for dim in ("0", "1"))
        return any(future.get("own") is False for future in futures)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        node = code.node_at(finding.span, ast.Call)
        if not isinstance(node, ast.Call) or not node.args:
            return
        given = node.args[min(len(node.args), 2) - 1]
        if not isinstance(given, ast.Name):
            return
        name = given.id
        edits: tuple[Edit, ...] = replace_expression(code, given, f"{name}[:, :-1]")
        function = next((up for up in code.ancestors(node) if isinstance(up, ast.For | ast.While | ast.FunctionDef)), code.tree)
        for one in ast.walk(function):
            if isinstance(one, ast.Call) and len(one.args) == 2 and re.search(rf"\b{name}\b", ast.unparse(one.args[1])) and one is not node:
                target = one.args[1]
                flattens = isinstance(target, ast.Call) and called(target) in {"view", "reshape"} and ast.unparse(target.func.value) == name  # type: ignore[attr-defined]
                text = f"{name}[:, 1:].reshape(-1)" if flattens else f"{name}[:, 1:]"
                if flattens or isinstance(target, ast.Name):
                    edits += replace_expression(code, target, text)
                    yield self.fix("shift the target by one position", *edits)
                    return


def _is_causal(one: Seen) -> bool:
    """Whether a model of ids gives scores for ids, at each position from it and the ones before."""
    futures = [mapping(one.main, "future", dim) for dim in ("0", "1")]
    causal = any(future.get("own") is True and items(future, "later") and not items(future, "earlier") for future in futures)
    return causal and one.output[-1:] != () and one.output[-1] in items(one.facts, "vocabularies")

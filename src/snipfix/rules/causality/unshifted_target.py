"""A decoder or language model that is fed the very tokens it must predict."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.batch_layout.layout import class_named
from snipfix.rules.causality.sequence import TARGETS, Seen, seen
from snipfix.rules.causality.unwatched import parameters, reads
from snipfix.rules.observed import called, items, mapping, text, words
from snipfix.rules.written import bare, built, forward_of, losses, reshaped, value_of

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

STEPWISE = (
    MODEL.replace("LSTM", "GRU").replace("forward(self, ids)", "forward(self, ids, h)").replace("return self.o(self.r(self.e(ids))[0])", "o, h = self.r(self.e(ids), h)\n        return self.o(o), h")
    + "out, _ = model({}, torch.zeros(1, 2, 8))\nloss = nn.CrossEntropyLoss()(out.view(-1, 20), ids.view(-1))\nloss.backward()\n"
)  # fmt: skip

CAPTIONS = (
    MODEL.replace("forward(self, ids)", "forward(self, pictures, captions)")
    .replace("return self.o(self.r(self.e(ids))[0])", "return self.o(self.r(self.e(captions), (pictures[None], pictures[None]))[0])")
    .replace("ids =", "captions =")
    + "pictures = torch.randn(2, 8)\n"
)


class UnshiftedTarget(Rule):
    """The input of a decoder or language model and the loss's target are the same tokens: nothing has to be predicted.

    ## What it does
    Reports an encoder-decoder model whose target argument holds exactly the ids that the loss compares its output with, position by position,
    unless changing one of them leaves the output at its own position as it was: then the model shifts them itself. Of models with ids as
    their only input those are reported whose output at each position depends on it and on earlier ones, never on later ones. Where another
    fault stops the run, the text is read: ids that a decoder looks up and that are, written alike, the target of the loss of its output.

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
    Unsafe: the dim of the steps is the one along which a position changes others; (batch, steps) where that cannot be seen.

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
            f"{CAPTIONS}loss = nn.CrossEntropyLoss()(model(pictures, captions).reshape(-1, 20), captions.reshape(-1))\nloss.backward()\n",
            at=(12, 30),
            fixed=f"{CAPTIONS}loss = nn.CrossEntropyLoss()(model(pictures, captions[:, :-1]).reshape(-1, 20), captions[:, 1:].reshape(-1))\nloss.backward()\n",
        ),
        Bad(STEPWISE.format("ids"), at=(12, 10), fixed=STEPWISE.format("ids[:, :-1]").replace("ids.view(-1)", "ids[:, 1:].reshape(-1)")),
        Bad(
            f"{MODEL}x, y = ids[:, :-1], ids[:, :-1]\nout = model(x)\nloss = nn.CrossEntropyLoss()(out.transpose(1, 2), y)\nloss.backward()\n",
            at=(12, 7),
            fixed=f"{MODEL}x, y = ids[:, :-1], ids[:, 1:]\nout = model(x)\nloss = nn.CrossEntropyLoss()(out.transpose(1, 2), y)\nloss.backward()\n",
        ),
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
                yield self.finding(message, one.span, stage=Stage.PROBE, evidence={"argument": name, "dim": _steps(one, name)})
        watched = {text(one.facts, "module", "type") for one in outcome.seen("order")}
        for call, argument, dim in _written(context.code, watched):
            given = ast.unparse(argument)
            message = f"`{given}` is both what the decoder is given and the target of the loss: it is given each token that it must predict"
            yield self.finding(message, context.code.span(call), evidence={"argument": given, "dim": dim})

    def _argument(self, one: Seen) -> str:
        alone = len(mapping(one.facts, "arguments")) == 1 or len(one.integers) == 1  # the other may be a state
        causal = [name for name in one.integers if alone and _is_causal(one, name)]  # also of a caption, beside its picture
        names = causal or (one.targets() if not alone or one.targets() else ())
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
        decodes = bool(set(words(str(finding.evidence.get("argument")))) & TARGETS) or "decoder is given" in finding.message
        maker = built(code, ast.unparse(node.func))
        owner = class_named(code, called(maker)) if maker is not None else None
        places = dict(zip(parameters(owner), node.args, strict=False)) if owner is not None else {}
        named = next((one for one in node.args if isinstance(one, ast.Name) and one.id == finding.evidence.get("argument")), None)
        given = places.get(str(finding.evidence.get("argument"))) or named or node.args[min(len(node.args), 2) - 1 if decodes else 0]
        if not isinstance(given, ast.Name):
            return
        name, before = given.id, "" if finding.evidence.get("dim") == 0 else ":, "
        if (cut := _same_slice(code, node, name)) is not None:
            yield self.fix("shift the target by one position", *replace_expression(code, cut, ":, 1:"))
            return
        function = code.around(node, ast.For, ast.While, ast.FunctionDef) or code.tree
        for one in code.all(ast.Call, function):
            if len(one.args) == 2 and one is not node and (target := _shifted(one.args[1], name, before)):
                edits = (*replace_expression(code, given, f"{name}[{before}:-1]"), *replace_expression(code, one.args[1], target))
                yield self.fix("shift the target by one position", *edits)
                return


def _shifted(target: ast.expr, name: str, before: str) -> str:
    """The target of a loss without its first step; empty where it is not the named tensor, flattened or as it is."""
    if isinstance(target, ast.Name) and target.id == name:
        return f"{name}[{before}1:]"
    flattens = called(target) in {"view", "reshape"} and ast.unparse(target.func.value) == name  # type: ignore[attr-defined]
    return f"{name}[{before}1:].reshape(-1)" if flattens else ""


def _steps(one: Seen, name: str) -> int:
    """The dim of the steps: the one along which a position changes others."""
    futures = {dim: mapping(one.facts, "arguments", name, "future", str(dim)) for dim in (0, 1)}
    hanging = [dim for dim, future in futures.items() if items(future, "later") or items(future, "earlier")]
    return hanging[0] if len(hanging) == 1 else 1


def _written(code: Code, watched: set[str]) -> Iterator[tuple[ast.Call, ast.expr, int]]:
    """The calls of decoders of the text whose ids are, as the text has it, the target of the loss of their output; with these ids and their dim of steps."""
    told: set[ast.Call] = set()
    for loss in losses(code, frozenset({"CrossEntropyLoss", "NLLLoss"}), frozenset({"cross_entropy", "nll_loss"})):
        scores = bare(loss.args[0])
        made = value_of(code, scores) if isinstance(scores, ast.Name) else None
        call = made[0] if made is not None else scores
        maker = built(code, ast.unparse(call.func)) if isinstance(call, ast.Call) else None
        node = class_named(code, called(maker)) if maker is not None else None
        if not isinstance(call, ast.Call) or node is None or node.name in watched or call in told:
            continue
        wanted = ast.unparse(reshaped(loss.args[1]))
        for name, argument in zip(parameters(node), call.args, strict=False):
            decodes = set(words(name)) & TARGETS or (set(words(node.name)) & TARGETS and name == parameters(node)[0])
            if decodes and ast.unparse(reshaped(argument)) == wanted and _only_looked_up(code, node, name):
                told.add(call)
                first = [read.batch_first for read in reads(code, node)]
                yield call, argument, 0 if first and not any(first) else 1


def _only_looked_up(code: Code, node: ast.ClassDef, name: str) -> bool:
    """Whether a parameter of forward is read as ids of an embedding and for nothing else, and nothing is shifted inside."""
    forward = forward_of(node)
    if forward is None:
        return False
    embeddings = {ast.unparse(one.targets[0]) for one in code.all(ast.Assign, node) if called(one.value) == "Embedding"}
    given = [one for one in code.all(ast.Name, forward) if one.id == name and isinstance(one.ctx, ast.Load) and value_of(code, one) is None]
    shifted = code.calls("pad", "roll", inside=forward) or any(one.lower or one.upper for one in code.all(ast.Slice, forward))
    return not shifted and all(isinstance(up, ast.Call) and ast.unparse(up.func) in embeddings for up in map(code.parents.get, given))


def _same_slice(code: Code, call: ast.Call, name: str) -> ast.expr | None:
    """The slice that makes the target, where input and target are made in one statement and both leave out the last token."""
    for node in code.all(ast.Assign):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id=first), ast.Name()])], value=ast.Tuple(elts=[one, other])) if (
                first == name
            ):
                same = ast.unparse(one) == ast.unparse(other) and isinstance(other, ast.Subscript)
                if (
                    same
                    and isinstance(other, ast.Subscript)
                    and code.slice(other.slice).replace(" ", "") == ":,:-1"
                    and node.lineno < call.lineno
                ):
                    return other.slice
    return None


def _is_causal(one: Seen, name: str) -> bool:
    """Whether a model of ids gives scores for ids, at each position from it and the ones before."""
    futures = [mapping(one.facts, "arguments", name, "future", dim) for dim in ("0", "1")]
    causal = any(future.get("own") is True and items(future, "later") and not items(future, "earlier") for future in futures)
    return causal and one.output[-1:] != () and one.output[-1] in items(one.facts, "vocabularies")

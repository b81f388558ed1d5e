"""A model that must predict the next token sees it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from snipfix.code import Code, written
from snipfix.codemods import add_keyword, joined, replace_expression, wrap_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.causality.masking import future_hidden
from snipfix.rules.causality.sequence import BUILT_IN, TARGETS, Seen, seen
from snipfix.rules.causality.unwatched import DECODING, MASKED, unwatched
from snipfix.rules.observed import called, items, mapping, words

INVERTED = (
    "import torch, torch.nn as nn\nclass GPT(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.e = nn.Embedding(20, 8)\n        self.p = nn.Embedding(16, 8)\n"
    "        self.t = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)\n        self.o = nn.Linear(8, 20)\n"
    "    def forward(self, ids):\n        x = self.e(ids) + self.p(torch.arange(ids.size(1)))\n"
    "        hidden = {}torch.tril(torch.ones(ids.size(1), ids.size(1)), diagonal=0).bool()\n        return self.o(self.t(x, mask=hidden))\n"
    "gpt = GPT()\ngpt(torch.randint(0, 20, (2, 6)))\n"
)

OWN = (
    "import torch, torch.nn as nn\nclass CausalAttention(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.q, self.k, self.v = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)\n{}    def forward(self, x):\n"
    "        a = self.q(x) @ self.k(x).transpose(1, 2) / 8 ** 0.5\n{}        return a.softmax(-1) @ self.v(x)\n\n"
    "class GPT(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.e, self.p = nn.Embedding(20, 8), nn.Embedding(9, 8)\n"
    "        self.a, self.o = CausalAttention(), nn.Linear(8, 20)\n    def forward(self, ids):\n"
    "        return self.o(self.a(self.e(ids) + self.p(torch.arange(ids.size(1)))))\nGPT()(torch.randint(0, 20, (2, 6)))\n"
)
NEXT = "trained to predict the next position"
CONVOLVED = (
    "import torch, torch.nn as nn\nclass Words(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.e = nn.Embedding(20, 8)\n"
    "    self.c = nn.Conv1d(8, 8, 3, padding={})\n    self.o = nn.Linear(8, 20)\n  def forward(self, ids):\n    h = self.e(ids).transpose(1, 2)\n"
    "    h = self.c(h){}\n    return self.o(h.transpose(1, 2))\nids = torch.randint(0, 20, (3, 9))\n"
    "out = Words()(ids[:, :-1])\nnn.functional.cross_entropy(out.flatten(0, 1), ids[:, 1:].flatten()).backward()\n"
)


class FutureVisible(Rule):
    """An autoregressive model's output at one position depends on later positions.

    ## What it does
    Changes one position of the input and calls the model again. Reports a language model, a decoder fed with its target, or a model trained
    on targets shifted by one, when outputs at earlier positions move. Where another fault stops the run, the text is read: embedded ids that a
    Transformer layer decodes without a mask.

    ## Why is this bad?
    The model is to predict the next token and can simply read it off. Training goes splendidly; generation, where the future does not exist
    yet, gives rubbish.

    ## Example
    ```python
    hidden = self.encoder(self.embedding(ids))  # a GPT without a mask
    ```

    ## Use instead
    ```python
    mask = nn.Transformer.generate_square_subsequent_mask(ids.size(1))
    hidden = self.encoder(self.embedding(ids), mask=mask)
    ```

    ## Fix safety
    Unsafe: adds the usual triangular mask.

    ## References
    - Vaswani et al. 2017, "Attention Is All You Need", 3.2.3: leftward information flow must be prevented in the decoder.
    """

    id = "SNF470"
    name = "future-visible"
    category = Category.CAUSALITY
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nlayer = nn.TransformerDecoderLayer(8, 2, 16)\nprint(layer(torch.rand(6, 2, 8), torch.rand(5, 2, 8)).shape)\n"
        ),
        Good(
            "import torch, torch.nn as nn\nclass GPT(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.p = nn.Embedding(16, 8)\n"
            "        self.t = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)\n        self.o = nn.Linear(8, 20)\n"
            "    def forward(self, ids):\n        n = ids.size(1)\n        mask = nn.Transformer.generate_square_subsequent_mask(n)\n"
            "        return self.o(self.t(self.e(ids) + self.p(torch.arange(n)), mask=mask))\nGPT()(torch.randint(0, 20, (2, 6)))\n"
        ),
        Good(
            "import torch, torch.nn as nn\nclass Bert(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.p = nn.Embedding(16, 8)\n"
            "        self.t = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)\n        self.o = nn.Linear(8, 20)\n"
            "    def forward(self, ids):\n        return self.o(self.t(self.e(ids) + self.p(torch.arange(ids.size(1)))))\n"
            "Bert()(torch.randint(0, 20, (2, 6)))\n"
        ),
        Good(
            "import torch, torch.nn as nn\nclass LanguageModel(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.r = nn.LSTM(8, 8, batch_first=True)\n        self.o = nn.Linear(8, 20)\n"
            "    def forward(self, ids):\n        return self.o(self.r(self.e(ids))[0])\nLanguageModel()(torch.randint(0, 20, (2, 6)))\n"
        ),
        Good(
            "import torch.nn as nn\nclass Decoder(nn.Module):\n    def __init__(self, width=8):\n        super().__init__()\n"
            "        self.layer = nn.TransformerDecoderLayer(width, 2, 16)\n    def forward(self, tgt, memory, tgt_mask=None):\n"
            "        return self.layer(tgt, memory, tgt_mask=tgt_mask)\ndecoder = Decoder()\n"
        ),
        Good(CONVOLVED.format("2", "[..., : h.size(-1)]")),
    )
    BAD = (
        Bad(
            OWN.format("        self.register_buffer('mask', torch.tril(torch.ones(9, 9)))\n", ""),
            at=(11, 1),
            fixed=OWN.format(
                "        self.register_buffer('mask', torch.tril(torch.ones(9, 9)))\n",
                '        a = a.masked_fill(self.mask[..., : a.size(-2), : a.size(-1)] == 0, float("-inf"))\n',
            ),
        ),
        Bad(
            OWN.format("        self.width = 8\n", ""),
            at=(11, 1),
            fixed=OWN.format(
                "        self.width = 8\n", '        a = a.masked_fill(torch.ones_like(a, dtype=torch.bool).triu(1), float("-inf"))\n'
            ),
        ),
        Bad(INVERTED.format(""), at=(12, 23), fixed=INVERTED.format("~")),
        Bad(
            "import torch, torch.nn as nn\nclass GPT(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.p = nn.Embedding(16, 8)\n"
            "        self.t = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)\n        self.o = nn.Linear(8, 20)\n"
            "    def forward(self, ids):\n        x = self.e(ids) + self.p(torch.arange(ids.size(1)))\n        x = self.t(x)\n        return self.o(x)\n"
            "gpt = GPT()\ngpt(torch.randint(0, 20, (2, 6)))\n",
            at=(11, 13),
            fixed="import torch, torch.nn as nn\nclass GPT(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.p = nn.Embedding(16, 8)\n"
            "        self.t = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)\n        self.o = nn.Linear(8, 20)\n"
            "    def forward(self, ids):\n        x = self.e(ids) + self.p(torch.arange(ids.size(1)))\n"
            "        x = self.t(x, mask=nn.Transformer.generate_square_subsequent_mask(x.size(1), device=x.device))\n        return self.o(x)\n"
            "gpt = GPT()\ngpt(torch.randint(0, 20, (2, 6)))\n",
        ),
        Bad(
            "import torch, torch.nn as nn\nclass Translator(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.p = nn.Embedding(16, 8)\n"
            "        self.t = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)\n        self.o = nn.Linear(8, 20)\n"
            "    def embed(self, ids):\n        return self.e(ids) + self.p(torch.arange(ids.size(1)))\n"
            "    def forward(self, src, tgt):\n        src, tgt = self.embed(src), self.embed(tgt)\n        return self.o(self.t(src, tgt))\n"
            "model = Translator()\nmodel(torch.randint(0, 20, (2, 5)), torch.randint(0, 20, (2, 6)))\n",
            at=(13, 23),
            fixed="import torch, torch.nn as nn\nclass Translator(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.p = nn.Embedding(16, 8)\n"
            "        self.t = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)\n        self.o = nn.Linear(8, 20)\n"
            "    def embed(self, ids):\n        return self.e(ids) + self.p(torch.arange(ids.size(1)))\n"
            "    def forward(self, src, tgt):\n        src, tgt = self.embed(src), self.embed(tgt)\n"
            "        return self.o(self.t(src, tgt, tgt_mask=nn.Transformer.generate_square_subsequent_mask(tgt.size(1), device=tgt.device)))\n"
            "model = Translator()\nmodel(torch.randint(0, 20, (2, 5)), torch.randint(0, 20, (2, 6)))\n",
        ),
        Bad(CONVOLVED.format("1", ""), at=(6, 14), fixed=CONVOLVED.format("2", "[..., : h.size(-1)]")),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in seen(context.code, outcome):
            shown_alone = one.name in BUILT_IN and not outcome.seen("loss")  # a layer of torch's, tried on random numbers
            if shown_alone or (found := leak(one)) is None:
                continue
            argument, t, earlier, why = found
            if not one.attention:
                if why == NEXT and (layer := _two_way(context.code, one.node)) is not None:
                    message = f"`{one.name}` is {why}, but its `{called(layer)}` sees the positions after: changing position {t} changes position {earlier[0]}"
                    evidence = {"argument": argument, "changed": t, "moved": earlier, "layer": called(layer)}
                    yield self.finding(message, context.code.span(layer), stage=Stage.PROBE, evidence=evidence)
                continue
            place = one.stack_call(leaking=False)
            span = place[0] if place else one.fallback()
            if span is not None:
                stack = place[1] if place else {}
                yield self._report(one, argument, t, earlier, why, stack, span)
        for read in unwatched(context.code, outcome):
            if argument := read.decoded():
                why = "a decoder that is fed its target" if read.kind in DECODING else "a language model by its name"
                message = f"`{read.name}` is {why}, but `{read.kind}` is given no causal mask: each position sees the ones after it"
                evidence = {"argument": argument, "layer": read.kind, "first": read.batch_first}
                yield self.finding(message, context.code.span(read.call), evidence=evidence)

    def _report(self, one: Seen, argument: str, t: Any, earlier: list[Any], why: str, stack: Mapping[str, Any], span: Any) -> Finding:
        masked = [name for name in items(stack, "masks") if name in {"mask", "src_mask", "tgt_mask", "attn_mask", "is_causal"}]
        cause = f"the `{masked[0]}` it is given lets the future through" if masked else "no causal mask is given"
        message = f"`{one.name}` is {why}, but changing position {t} of `{argument}` changes what it says at the earlier position {earlier[0]}: {cause}"
        module = mapping(stack, "module")
        evidence = {
            "argument": argument,
            "changed": t,
            "moved": earlier,
            "masks": masked,
            "layer": module.get("type"),
            "first": stack.get("first"),
        }
        return self.finding(message, span, stage=Stage.PROBE, evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code, layer = context.code, str(finding.evidence.get("layer"))
        if layer == "Conv1d":
            yield from self._padded_before(code, finding.span)
            return
        if not finding.evidence.get("masks") and layer not in BUILT_IN:
            for title, edits in future_hidden(code):
                yield self.fix(title, *edits)
        node = code.node_at(finding.span, ast.Call)
        if not isinstance(node, ast.Call) or code.span(node) != finding.span or not node.args:
            return
        if finding.evidence.get("masks"):
            yield from self._inverted(code, node, layer)
            return
        at = 1 if layer == "Transformer" else 0
        if layer not in BUILT_IN or len(node.args) <= at or not isinstance(node.args[at], ast.Name):
            return
        given, dim = ast.unparse(node.args[at]), 1 if finding.evidence.get("first") is True else 0
        prefix = "nn" if "nn." in code.text else "torch.nn"
        mask = f"{prefix}.Transformer.generate_square_subsequent_mask({given}.size({dim}), device={given}.device)"
        if any("padding" in (one.arg or "") for one in node.keywords):  # of truth values, as its mask is: the two kinds may not be mixed
            mask = f"torch.ones({given}.size({dim}), {given}.size({dim}), dtype=torch.bool, device={given}.device).triu(1)"
        edits = add_keyword(code, node, (DECODING | MASKED)[layer][0], mask)
        yield self.fix("let no position see the ones after it", *edits)

    def _padded_before(self, code: Code, span: Span) -> Iterator[Fix]:
        """A convolution padded by all it reaches back, whose last positions, which see the future, are cut off."""
        layer = code.node_at(span, ast.Call)
        if not isinstance(layer, ast.Call) or any(one.arg in ("dilation", "stride") for one in layer.keywords) or len(layer.args) > 3:
            return
        kept = code.parents.get(layer)
        kernel = next((one.value for one in layer.keywords if one.arg == "kernel_size"), layer.args[2] if len(layer.args) > 2 else None)
        padding = next((one.value for one in layer.keywords if one.arg == "padding"), None)
        name = written(kept.targets[0]) if isinstance(kept, ast.Assign) else ""
        uses = [
            one
            for one in code.all(ast.Call)
            if name and written(one.func) == name and len(one.args) == 1 and isinstance(one.args[0], ast.Name)
        ]
        if kernel is not None and padding is not None and len(uses) == 1:
            whole = isinstance(kernel, ast.Constant) and isinstance(kernel.value, int)
            back = str(int(code.slice(kernel)) - 1) if whole else f"{code.slice(kernel)} - 1"
            cut = wrap_expression(code, uses[0], f"{{}}[..., : {code.slice(uses[0].args[0])}.size(-1)]")
            yield self.fix("let no position see the ones after it", *joined(replace_expression(code, padding, back), cut))

    def _inverted(self, code: Code, call: ast.Call, layer: str) -> Iterator[Fix]:
        """A mask that hides what should be seen and shows what should be hidden, where it is made and where it is handed over."""
        words_for = {MASKED.get(layer, ("",))[0], "mask", "attn_mask", "tgt_mask"}
        for keyword in (one for one in call.keywords if one.arg in words_for):
            made = [one.value for one in code.all(ast.Assign) if ast.unparse(one.targets[0]) == ast.unparse(keyword.value)]
            for value in (*made[:1], keyword.value):
                if opposite := _opposite(code, value):
                    yield self.fix("hide what comes after, not what comes before", *replace_expression(code, value, opposite))


def _two_way(code: Code, owner: ast.ClassDef | None) -> ast.Call | None:
    """The layer of a model that looks ahead: a recurrent one in both directions, or a convolution with padding on both sides."""
    for call in code.calls("LSTM", "GRU", "RNN", inside=owner) if owner is not None else ():
        if any(one.arg == "bidirectional" and written(one.value) == "True" for one in call.keywords):
            return call
    convolutions = (
        [one for one in code.calls("Conv1d", inside=owner) if any(word.arg == "padding" for word in one.keywords)]
        if owner is not None
        else []
    )
    return convolutions[0] if len(convolutions) == 1 else None


def _opposite(code: Code, value: ast.expr) -> str:
    """The opposite of a mask of truth values, as written; empty for other masks."""
    if isinstance(value, ast.Compare) and len(value.ops) == 1 and isinstance(value.ops[0], ast.Eq | ast.NotEq):
        sign = "!=" if isinstance(value.ops[0], ast.Eq) else "=="
        return f"{code.slice(value.left)} {sign} {code.slice(value.comparators[0])}"
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Invert):
        return code.slice(value.operand)
    return f"~{code.slice(value)}" if isinstance(value, ast.Call | ast.Name) else ""


def leak(one: Seen) -> tuple[str, Any, list[Any], str] | None:
    """The argument whose later positions show earlier, the position changed, those that moved, and why this is wrong here."""
    arguments = mapping(one.facts, "arguments")
    for name in arguments:
        moved = earlier_of(mapping(arguments, name, "future"))
        kind = mapping(arguments, name).get("target")
        if moved and (why := reason(one, name, kind)):
            return name, moved[0], moved[1], why
    if one.is_language_model and len(arguments) == 1:
        for stack in one.stacks:
            for dim, moved_in_stack in mapping(stack, "earlier").items():
                if isinstance(moved_in_stack, list) and moved_in_stack:
                    size = (mapping(arguments, next(iter(arguments))).get("shape") or [0, 0])[int(dim)]
                    return next(iter(arguments)), size // 2, moved_in_stack, "a language model by its name"
    return None


def reason(one: Seen, argument: str, target: Any) -> str:
    """Why this argument's future must be hidden; empty when it need not be."""
    if target == "next":
        return NEXT
    several = len(mapping(one.facts, "arguments")) > 1
    if one.is_language_model and not several:
        return "a language model by its name"
    decodes = any(mapping(stack, "module").get("type") in DECODING for stack in one.stacks)
    left_to_caller = one.span is None and any(set(words(name)) & {*TARGETS, "causal", "ahead"} for name in items(one.facts, "masks"))
    if several and decodes and argument in one.targets() and not left_to_caller:
        return "a decoder that is fed its target"
    return ""


def earlier_of(future: Mapping[str, Any]) -> tuple[Any, list[Any]] | None:
    for dim in ("1", "0"):
        found = mapping(future, dim)
        moved = found.get("earlier")
        if isinstance(moved, list) and moved:
            return found.get("t"), moved
    return None

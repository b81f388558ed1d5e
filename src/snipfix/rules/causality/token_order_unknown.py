"""A Transformer that cannot tell the order of its tokens."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_after, replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.batch_layout.layout import batch_first_evidence
from snipfix.rules.causality.sequence import BUILT_IN, Seen, seen
from snipfix.rules.causality.unwatched import Read, reads, unwatched
from snipfix.rules.observed import called, mapping, words

LENGTH = re.compile(r"max.*(len|seq|pos)|seq.*len|block_size|context|num_pos|n_pos|max_tokens", re.IGNORECASE)
LONGEST = 512
"""How many positions are learned where the author does not say how long a text may be: as in the original BERT and GPT."""
SETS = frozenset({"set", "bag", "deep", "pointer", "pool", "perceiver", "set2set", "deepset"})


CAUSAL = (
    "import torch, torch.nn as nn\nclass GPT(nn.Module):\n    def __init__(self, max_len):\n        super().__init__()\n        self.e = nn.Embedding(20, 8)\n"
    "{}        self.t = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\n    def forward(self, ids):\n"
    "        x = {}\n        mask = torch.ones(x.size(1), x.size(1), dtype=torch.bool).triu(1)\n        return self.t(x, src_mask=mask)\n"
    "GPT(32)(torch.randint(0, 20, (2, 6)))\n"
)
FORGOTTEN = (
    "import torch, torch.nn as nn\nclass GPT(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.e = nn.Embedding(20, 8)\n        self.t = nn.MultiheadAttention(8, 2, batch_first=True)\n        self.position = nn.Embedding(32, 8)\n"
    "    def forward(self, ids):\n        x = {}\n        mask = torch.ones(x.size(1), x.size(1), dtype=torch.bool).triu(1)\n"
    "        return self.t(x, x, x, attn_mask=mask)[0]\nGPT()(torch.randint(0, 20, (2, 6)))\n"
)


class TokenOrderUnknown(Rule):
    """A Transformer over token ids has no positional information.

    ## What it does
    Exchanges the positions of the ids and calls the model again. Reports a model with Transformer layers when the output only changes places
    with them, or does not change at all. Where another fault stops the run, the text is read: embeddings that go into a Transformer layer in a
    class that has nothing to do with positions. So it is where a causal mask gives a model some order and its constructor is told a greatest length
    that it makes nothing of, or makes a table of positions and never reads it.

    ## Why is this bad?
    Attention by itself is blind to order: "dog bites man" and "man bites dog" are the same to this model.

    ## Example
    ```python
    x = self.embedding(ids)
    x = self.encoder(x)
    ```

    ## Use instead
    ```python
    x = self.embedding(ids) + self.position(torch.arange(ids.size(1), device=ids.device))
    x = self.encoder(x)
    ```

    ## Fix safety
    Unsafe: adds learned positions, as many as the constructor already allows for, or 512.

    ## References
    - Vaswani et al. 2017, "Attention Is All You Need", 3.5 Positional Encoding.
    """

    id = "SNF472"
    name = "token-order-unknown"
    category = Category.API_MISUSE
    silent = True
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nclass GPT(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e, self.p = nn.Embedding(20, 8), nn.Embedding(16, 8)\n        self.t = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\n"
            "        self.out = nn.Linear(8, 20)\n    def forward(self, idx, targets=None):\n        x = self.e(idx) + self.p(torch.arange(idx.size(1)))\n"
            "        logits = self.out(self.t(x, src_mask=nn.Transformer.generate_square_subsequent_mask(idx.size(1)), is_causal=True))\n"
            "        loss = None if targets is None else nn.functional.cross_entropy(logits.transpose(1, 2), targets)\n        return logits, loss\n"
            "ids = torch.randint(0, 20, (3, 7))\nGPT()(ids[:, :-1], ids[:, 1:])\n"
        ),
        Good(FORGOTTEN.format("self.e(ids) + self.position(torch.arange(ids.size(1)))")),
        Good(
            "import torch, torch.nn as nn\nclass Encoder(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.p = nn.Parameter(torch.zeros(1, 16, 8))\n"
            "        self.t = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\n"
            "    def forward(self, ids):\n        return self.t(self.e(ids) + self.p[:, : ids.size(1)])\nEncoder()(torch.randint(0, 20, (2, 6)))\n"
        ),
        Good(
            "import torch, torch.nn as nn\nclass Bag(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.o = nn.Linear(8, 2)\n    def forward(self, ids):\n"
            "        return self.o(self.e(ids).mean(1))\nBag()(torch.randint(0, 20, (2, 6)))\n"
        ),
        Good(
            "import torch, torch.nn as nn\nclass Mixed(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.r = nn.GRU(8, 8, batch_first=True)\n"
            "        self.t = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\n"
            "    def forward(self, ids):\n        return self.t(self.r(self.e(ids))[0])\nMixed()(torch.randint(0, 20, (2, 6)))\n"
        ),
    )
    BAD = (
        Bad(
            FORGOTTEN.format("self.e(ids)"),
            at=(9, 13),
            fixed=FORGOTTEN.format("self.e(ids) + self.position(torch.arange(ids.size(1), device=ids.device))"),
        ),
        Bad(
            CAUSAL.format("", "self.e(ids)"),
            at=(8, 13),
            fixed=CAUSAL.format(
                "        self.position = nn.Embedding(max_len, 8)\n",
                "self.e(ids) + self.position(torch.arange(ids.size(1), device=ids.device))",
            ),
        ),
        Bad(
            "import torch, torch.nn as nn\nclass Encoder(nn.Module):\n    def __init__(self, max_len):\n        super().__init__()\n"
            "        self.embedding = nn.Embedding(20, 8)\n        self.t = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\n"
            "    def forward(self, ids):\n        x = self.embedding(ids)\n        return self.t(x)\n"
            "model = Encoder(max_len=32)\nmodel(torch.randint(0, 20, (2, 6)))\n",
            at=(8, 13),
            fixed="import torch, torch.nn as nn\nclass Encoder(nn.Module):\n    def __init__(self, max_len):\n        super().__init__()\n"
            "        self.embedding = nn.Embedding(20, 8)\n        self.position = nn.Embedding(max_len, 8)\n"
            "        self.t = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\n    def forward(self, ids):\n"
            "        x = self.embedding(ids) + self.position(torch.arange(ids.size(1), device=ids.device))\n        return self.t(x)\n"
            "model = Encoder(max_len=32)\nmodel(torch.randint(0, 20, (2, 6)))\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in seen(context.code, outcome):
            argument = blind_argument(one)
            if argument is None or not set(one.attention) & BUILT_IN or set(words(one.name)) & SETS:
                continue
            span = one.embedded_at()
            if span is None:
                continue
            unused = unused_length(one.node)
            message = f"exchanging the tokens of `{argument}` only exchanges the outputs: `{one.name}` has no way to know their order"
            if unused:
                message += f" (`{unused}` is never used)"
            named = one.is_language_model or any("former" in word or "bert" in word for word in words(one.name)) or bool(unused)
            evidence = {"argument": argument, "model": one.name, "unused": unused}
            severity = None if named or "Transformer" in " ".join(one.attention) else Severity.WARNING
            yield self.finding(message, span, stage=Stage.PROBE, evidence=evidence, severity=severity)
        told: set[str] = set()
        for read in (*unwatched(context.code, outcome), *_told_a_length(context.code)):
            if (forgotten(context.code, read.node) or not read.knows_places) and read.name not in told and not set(words(read.name)) & SETS:
                told.add(read.name)
                yield self._from_text(context.code, read)

    def _from_text(self, code: Code, read: Read) -> Finding:
        argument, call = next(iter(read.embedded.items()))
        unused = unused_length(read.node)
        message = f"the embeddings of `{argument}` go into `{read.kind}` without positions: `{read.name}` has no way to know their order"
        if unused:
            message += f" (`{unused}` is never used)"
        return self.finding(message, code.span(call), evidence={"argument": argument, "model": read.name, "unused": unused})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        node = code.node_at(finding.span, ast.Call)
        if isinstance(node, ast.Call) and code.span(node) == finding.span:
            yield from self._unused_module(code, node)
            yield from self._learned(code, node, str(finding.evidence.get("unused") or ""))

    def _learned(self, code: Code, node: ast.Call, length: str) -> Iterator[Fix]:
        """A table of positions, added to every look-up that feeds the same Transformer."""
        owner = code.around(node, ast.ClassDef)
        built = made(code, ast.unparse(node.func), owner)
        if owner is None or built is None or len(built.value.args) < 2 or "self.position" in code.slice(owner):  # type: ignore[attr-defined]
            return
        title = (
            "add learned positions to the embeddings"
            if length
            else f"add learned positions to the embeddings, for at most {LONGEST} tokens"
        )
        width, maker = ast.unparse(built.value.args[1]), ast.unparse(built.value.func)  # type: ignore[attr-defined]
        table = insert_statement_after(code, built.lineno, f"self.position = {maker}({length or LONGEST}, {width})")
        fed = [one for one in reads(code, owner) if node in one.embedded.values()]
        calls = list(fed[0].embedded.values()) if fed else [node]
        steps_first = bool(fed) and not fed[0].batch_first and not batch_first_evidence(code, owner.name, 0, given=False)
        added = [edit for call in calls for edit in replace_expression(code, call, positioned(code, call, 0 if steps_first else 1))]
        yield self.fix(title, *table, *added)

    def _unused_module(self, code: Code, node: ast.Call) -> Iterator[Fix]:
        """Positions that were made and forgotten: a module of the author's takes the embeddings, a table is looked up, a parameter is added."""
        own = {one.name for one in code.nodes if isinstance(one, ast.ClassDef)}
        embedded, ids = code.slice(node), ast.unparse(node.args[0]) if node.args else ""
        for name, maker in unused_positions(code, node):
            if maker in own:
                added = f"{name}({embedded})"
            elif maker == "Embedding":
                added = f"{embedded} + {name}(torch.arange({ids}.size(1), device={ids}.device))"
            else:
                added = f"{embedded} + {name}"
            yield self.fix("add the positions that are made and never used", *replace_expression(code, node, added))


def _told_a_length(code: Code) -> Iterator[Read]:
    """Transformers whose constructor is told how long a text may be, or makes positions, and that make nothing of it.

    A causal mask hides that they know no positions.
    """
    for node in code.all(ast.ClassDef) if any(kind in code.text for kind in BUILT_IN) else ():
        yield from reads(code, node) if unused_length(node) or forgotten(code, node) else ()


def forgotten(code: Code, node: ast.ClassDef) -> bool:
    """Whether a class makes positions and reads nothing whose name speaks of them."""
    reads = (one for one in ast.walk(node) if isinstance(one, ast.Name | ast.Attribute) and isinstance(one.ctx, ast.Load))
    named = any(_speaks_of_places(one.attr if isinstance(one, ast.Attribute) else one.id) for one in reads)
    return not named and any(unused_positions(code, node.body[0]))


def _speaks_of_places(name: str) -> bool:
    return any(word.startswith("pos") or word == "pe" for word in words(name))


def unused_positions(code: Code, node: ast.AST) -> Iterator[tuple[str, str]]:
    """Attributes that the class around a node builds, whose names speak of positions and that it never reads, with what builds each."""
    owner = code.around(node, ast.ClassDef)
    inside = list(ast.walk(owner)) if owner is not None else []
    read = {ast.unparse(one) for one in inside if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load)}
    for one in inside:
        target = one.targets[0] if isinstance(one, ast.Assign) else None
        if isinstance(one, ast.Assign) and isinstance(target, ast.Attribute) and _speaks_of_places(target.attr):
            name = ast.unparse(target)
            if name.startswith("self.") and name not in read:
                yield name, called(one.value)


def blind_argument(one: Seen) -> str | None:
    """The first argument of ids whose order makes no difference.

    Alone, its order must make none along every dim that could be tried. Beside others, samples that change places no longer fit them: of its
    two dims just the one of the steps makes none.
    """
    arguments = mapping(one.facts, "arguments")
    for name in one.integers:
        blind = mapping(arguments, name, "blind")
        tried = [value for value in blind.values() if value is not None]
        alone = blind.get("1") is True and all(value is True for value in tried)
        # Targets that only the loss is computed from leave the output as it is, whatever their order: the ids stand alone beside them.
        others = [mapping(arguments, other, "blind").values() for other in arguments if other != name]
        if alone if not any(False in values for values in others) else sorted(map(str, tried)) == ["False", "True"]:
            return name
    return None


def positioned(code: Code, call: ast.Call, dim: int) -> str:
    """The look-up of ids with their positions along a dim added."""
    ids = ast.unparse(call.args[0])
    places = f"torch.arange({ids}.size({dim}), device={ids}.device)"
    return f"{code.slice(call)} + self.position({places})" + ("" if dim else ".unsqueeze(1)")


def made(code: Code, attribute: str, owner: ast.ClassDef | None) -> ast.Assign | None:
    """The assignment in a class that builds an attribute (`self.embedding`) by a call."""
    for node in code.all(ast.Assign, owner) if owner else ():
        if called(node.value) == "Embedding" and any(ast.unparse(target) == attribute for target in node.targets):
            return node
    return None


def unused_length(node: ast.ClassDef | None) -> str:
    """A parameter of the constructor that is named like a maximal length and never read."""
    init = next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None) if node else None
    if init is None:
        return ""
    read = {one.id for one in ast.walk(init) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    return next((one.arg for one in init.args.args if LENGTH.search(one.arg) and one.arg not in read), "")

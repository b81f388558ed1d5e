"""A mask that does not keep the padding out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.batch_layout.layout import class_named
from snipfix.rules.causality.masking import mask_handed_on
from snipfix.rules.observed import flag, items, mapping, text
from snipfix.rules.written import forward_of

POOLED = (
    "import torch\nfrom torch import nn\nclass Scorer(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.words, self.head = nn.Embedding(20, 8), nn.Linear(8, 2)\n"
    "        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True) for _ in range(2))\n"
    "    def forward(self, tokens, mask=None):\n        x = self.words(tokens)\n{}        return self.head({})  # 句子的分数\n"
    "Scorer()(torch.randint(0, 20, (3, 6)), torch.ones(3, 6, dtype=torch.long))\n"
)


class PaddingNotIgnored(Rule):
    """A model takes a mask of its tokens, and its answer depends on the masked ones all the same.

    ## What it does
    Calls the model on a sequence whose last position is masked, and on the same sequence without that position. Reports a model with
    attention whose outputs for the real positions, or for the whole, differ.

    ## Why is this bad?
    The prediction for a text depends on how much padding its batch happens to need. Multiplying the embeddings by the mask does not help:
    zero vectors still take part in the attention and in the mean.

    ## Example
    ```python
    x = self.embedding(ids) * attention_mask.unsqueeze(-1)
    x = self.encoder(x).mean(dim=1)
    ```

    ## Use instead
    ```python
    x = self.encoder(self.embedding(ids), src_key_padding_mask=attention_mask == 0)
    x = (x * attention_mask.unsqueeze(-1)).sum(dim=1) / attention_mask.sum(dim=1, keepdim=True)
    ```

    ## Fix safety
    Unsafe: attention and a mean over the steps both learn of the mask; a multiplication of the embeddings that was meant to do it gives way.

    ## References
    - torch.nn.TransformerEncoder.forward: `src_key_padding_mask`.
    """

    id = "SNF474"
    name = "padding-not-ignored"
    category = Category.API_MISUSE
    silent = True
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.e = nn.Embedding(20, 8)\n"
            "        self.t = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\n    def forward(self, ids, attention_mask):\n"
            "        return self.t(self.e(ids), src_key_padding_mask=attention_mask == 0)\n"
            "Net()(torch.randint(0, 20, (2, 6)), torch.ones(2, 6))\n"
        ),
        Good(
            "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.e = nn.Embedding(20, 8)\n"
            "        self.t = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\n    def forward(self, ids, pad_mask):\n"
            "        return self.t(self.e(ids), src_key_padding_mask=pad_mask)\n"
            "Net()(torch.randint(0, 20, (2, 6)), torch.zeros(2, 6).bool())\n"
        ),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.e = nn.Embedding(20, 8)\n"
            "        self.t = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\n    def forward(self, ids, attention_mask):\n"
            "        x = self.e(ids) * attention_mask.unsqueeze(-1)\n        return self.t(x)\n"
            "Net()(torch.randint(0, 20, (2, 6)), torch.ones(2, 6))\n",
            at=(8, 27),
            fixed="import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.e = nn.Embedding(20, 8)\n"
            "        self.t = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\n    def forward(self, ids, attention_mask):\n"
            "        x = self.e(ids) * attention_mask.unsqueeze(-1)\n        return self.t(x, src_key_padding_mask=attention_mask == 0)\n"
            "Net()(torch.randint(0, 20, (2, 6)), torch.ones(2, 6))\n",
        ),
        Bad(
            POOLED.format(
                "        if mask is not None:\n            x = x * mask[:, :, None]\n        for block in self.blocks:\n            x = block(x)\n",
                "x.mean(1)",
            ),
            at=(11, 21),
            fixed=POOLED.format(
                "        if mask is None:\n            mask = torch.ones_like(tokens)\n        for block in self.blocks:\n"
                "            x = block(x, src_key_padding_mask=mask == 0)\n",
                "(x * mask.unsqueeze(-1)).sum(dim=1) / mask.sum(dim=1, keepdim=True)",
            ),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        told: set[str] = set()
        for observation in outcome.seen("padding"):
            facts = observation.facts
            model, mask = text(facts, "module", "type"), text(facts, "mask")
            if model in told or not self._wrong(mask, facts):
                continue
            told.add(model)
            span = used_at(context.code, model, mask) or observation.span
            if span is not None:
                unused = not any(flag(facts, "verdicts", which, "used") for which in ("real", "padding"))
                how = "changes nothing at all" if unused else "does not keep the masked positions out"
                message = f"`{mask}` {how}: `{model}` gives another answer for the same tokens with one masked position behind them"
                severity = None if items(facts, "attention") else Severity.WARNING
                yield self.finding(message, span, stage=Stage.PROBE, evidence={"mask": mask, "model": model}, severity=severity)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        mask = finding.evidence.get("mask")
        owner = class_named(context.code, str(finding.evidence.get("model")))
        if owner is not None and isinstance(mask, str):
            for title, edits in mask_handed_on(context.code, owner, mask, padding="pad" in mask):
                yield self.fix(title, *edits)

    def _wrong(self, mask: str, facts: dict[str, object]) -> bool:
        """Whether the answer changes whatever a 1 in the mask may mean: unless the name says it."""
        meanings = ["real"] if mask == "attention_mask" else ["padding"] if "pad" in mask else ["real", "padding"]
        verdicts = [mapping(facts, "verdicts", one) for one in meanings]
        return all(verdict.get("changes") is True for verdict in verdicts)


def used_at(code: Code, model: str, mask: str) -> Span | None:
    """Where the mask first goes into a calculation; the parameter itself when it never does."""
    node = class_named(code, model)
    forward = forward_of(node)
    if forward is None:
        return None
    names = [
        one for one in ast.walk(forward) if isinstance(one, ast.Name) and one.id == mask and not isinstance(code.parents[one], ast.Compare)
    ]
    if names:
        return code.span(min(names, key=lambda one: (one.lineno, one.col_offset)))
    return next((code.span(one) for one in forward.args.args if one.arg == mask), None)

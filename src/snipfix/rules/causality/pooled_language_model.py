"""A language model that averages its positions away."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import CodemodError, replace_argument, replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.batch_layout.layout import pooled_steps
from snipfix.rules.causality.sequence import seen
from snipfix.rules.observed import called, items, shape

MASKED = (
    "import torch, torch.nn as nn\nclass MiniGPT(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.e = nn.Embedding(20, 8)\n        self.o = nn.Linear(8, 20)\n    def forward(self, ids, mask):\n        x = self.e(ids)\n"
    "        return self.o({})\nMiniGPT()(torch.randint(0, 20, (2, 6)), torch.ones(2, 6))\n"
)


class PooledLanguageModel(Rule):
    """A language model returns one distribution over the vocabulary for a whole sequence, from the mean of its positions.

    ## What it does
    Reports a model named as a GPT or language model that gets ids (batch, positions), averages over the positions, and returns (batch, vocabulary).

    ## Why is this bad?
    A language model says at each position what comes next. An average over all positions can neither be trained on shifted targets nor
    generate: it mixes what comes before with what comes after.

    ## Example
    ```python
    return self.fc(hidden.mean(dim=1))
    ```

    ## Use instead
    ```python
    return self.fc(hidden)
    ```

    ## Fix safety
    Unsafe: the output gains the positions as its second dim.

    ## References
    - Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training".
    """

    id = "SNF471"
    name = "pooled-language-model"
    category = Category.CAUSALITY
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nclass GPT(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.o = nn.Linear(8, 20)\n    def forward(self, ids):\n        return self.o(self.e(ids))\n"
            "GPT()(torch.randint(0, 20, (2, 6)))\n"
        ),
        Good(
            "import torch, torch.nn as nn\nclass BertClassifier(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.o = nn.Linear(8, 20)\n    def forward(self, ids):\n        return self.o(self.e(ids).mean(dim=1))\n"
            "BertClassifier()(torch.randint(0, 20, (2, 6)))\n"
        ),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nimport torch.nn.functional as F\nclass GPT(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.o = nn.Linear(8, 20)\n    def forward(self, ids):\n        x = self.e(ids)\n"
            "        x = self.o(x.mean(dim=1))\n        return F.log_softmax(x, dim=1)\nGPT()(torch.randint(0, 20, (2, 6)))\n",
            at=(10, 20),
            fixed="import torch, torch.nn as nn\nimport torch.nn.functional as F\nclass GPT(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.e = nn.Embedding(20, 8)\n        self.o = nn.Linear(8, 20)\n    def forward(self, ids):\n        x = self.e(ids)\n"
            "        x = self.o(x)\n        return F.log_softmax(x, dim=-1)\nGPT()(torch.randint(0, 20, (2, 6)))\n",
        ),
        Bad(
            MASKED.format("(x * mask.unsqueeze(-1)).sum(dim=1) / mask.sum(dim=1, keepdim=True)"),
            at=(9, 23),
            fixed=MASKED.format("x"),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in seen(context.code, outcome):
            given, sizes = shape(one.main, "shape") or (), items(one.facts, "vocabularies")
            if not one.is_language_model or one.node is None or len(given) != 2 or one.main.get("integers") is not True:
                continue
            if len(one.output) != 2 or one.output[0] != given[0] or one.output[1] not in sizes:
                continue
            pools = [node for node in ast.walk(one.node) if averaged(node) is not None]
            if len(pools) == 1 and isinstance(pools[0], ast.expr):
                message = (
                    f"`{one.name}` averages its {given[1]} positions and returns one distribution {list(one.output)}: "
                    "a language model predicts the next token at every position"
                )
                evidence = {"input": given, "output": one.output}
                yield self.finding(message, context.code.span(pools[0]), stage=Stage.PROBE, evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        node = code.node_at(finding.span, (ast.Call, ast.BinOp))
        inner = averaged(node) if node is not None else None
        if node is None or inner is None:
            return
        edits: tuple[Edit, ...] = replace_expression(code, node, code.slice(inner))
        function = code.around(node, ast.FunctionDef)
        for one in ast.walk(function) if function is not None else ():
            if isinstance(one, ast.Call) and called(one) in {"softmax", "log_softmax"}:
                for which in ("dim", 1):
                    try:
                        edits += replace_argument(code, one, which, "-1")
                        break
                    except CodemodError:
                        continue
        yield self.fix("predict at every position", *edits)


def averaged(node: ast.AST) -> ast.expr | None:
    """What a node takes the mean of: `x` for `x.mean(dim=1)` and for `(x * mask).sum(dim=1) / mask.sum(dim=1)`; None for any other node."""
    if isinstance(node, ast.Call) and called(node) == "mean" and isinstance(node.func, ast.Attribute):
        return node.args[0] if ast.unparse(node.func.value) == "torch" and node.args else node.func.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and called(node.left) == "sum":
        summed = pooled_steps(node.left)
        return summed.left if isinstance(summed, ast.BinOp) and isinstance(summed.op, ast.Mult) else summed
    return None

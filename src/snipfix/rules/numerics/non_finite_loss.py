"""A loss that is no number any more."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.codemods import wrap_expression
from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.generator_helps_discriminator import loss_of
from snipfix.rules.observed import called, each, number
from snipfix.rules.written import built, forward_of, result_of, value_of

SQUASHED = frozenset({"sigmoid", "Sigmoid", "softmax", "Softmax", "exp", "softplus", "clamp"})
JUDGED = (
    "import torch, torch.nn as nn\nclass D(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 1)\n"
    "    def forward(self, x):\n        return {}\nd = D()\nscore = d(torch.randn(8, 3) * 3)\n"
    "o = torch.optim.SGD(d.parameters(), lr=0.1)\nloss = -torch.log(score).mean() - torch.log(1 - score).mean()\nloss.backward()\no.step()\n"
)


class NonFiniteLoss(Rule):
    """The loss becomes NaN or infinite during training.

    ## What it does
    Reports the first backward pass from a loss that is NaN or infinite.

    ## Why is this bad?
    One such step makes every parameter NaN; nothing that comes after it means anything.

    ## Example
    ```python
    loss = -torch.log(p).mean()  # p reaches 0
    ```

    ## Use instead
    ```python
    loss = F.binary_cross_entropy_with_logits(scores, y)
    ```

    ## Fix safety
    Where the logarithm is taken of a model's unbounded scores, they are squashed; that they were meant to be probabilities has to be confirmed by running.
    Else no fix: a smaller step, a stable loss or clean data may be needed.

    ## References
    - PyTorch FAQ, torch.autograd.detect_anomaly.
    """

    id = "SNF443"
    name = "non-finite-loss"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good("import torch\nw = torch.ones(2, requires_grad=True)\n(w ** 2).sum().backward()\n"),
        Good("import torch\nprint(torch.tensor([1.0, float('nan')]).nanmean())\n"),
    )
    BAD = (
        Bad(JUDGED.format("self.fc(x)"), at=(11, 8), fixed=JUDGED.format("torch.sigmoid(self.fc(x))")),
        Bad(
            "import torch\nw = torch.ones(2, requires_grad=True)\no = torch.optim.SGD([w], lr=100.0)\nfor _ in range(60):\n    o.zero_grad()\n"
            "    loss = (w ** 4).sum()\n    loss.backward()\n    o.step()\n",
            at=(6, 12),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "backward"):
            first = number(observation.facts, "nonfinite")
            if first:
                where = f"in backward pass {first:.0f}" if first > 1 else "from the first backward pass on"
                message = f"the loss is NaN or infinite {where}"
                yield self.finding(message, loss_of(context.code, span), stage=Stage.PROBE, evidence={"first": first})

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        code = context.code
        for judged in _judged(code):
            maker = built(code, ast.unparse(judged.func))
            owner = next((one for one in code.all(ast.ClassDef) if maker is not None and one.name == called(maker)), None)
            returned = next((one.value for one in reversed(getattr(forward_of(owner), "body", ())) if isinstance(one, ast.Return)), None)
            given = result_of(code, judged, None)
            if returned is not None and not (isinstance(given, ast.Call) and called(given) in SQUASHED):
                yield self.fix("squash the scores that the logarithm is taken of", *wrap_expression(code, returned, "torch.sigmoid({})"))
                return


def _judged(code: Code) -> Iterator[ast.Call]:
    """Calls of models whose results, or one less them, a logarithm is taken of."""
    for call in code.all(ast.Call):
        if called(call) != "log" or not call.args:
            continue
        node = call.args[0]
        node = node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) else node
        value = value_of(code, node) if isinstance(node, ast.Name) else (node, None)
        if value is not None and value[1] is None and isinstance(value[0], ast.Call):
            yield value[0]

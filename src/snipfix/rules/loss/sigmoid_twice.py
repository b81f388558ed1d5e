"""BCEWithLogitsLoss applied to the output of a sigmoid."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import joined, replace_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.fed import fed, replace_loss, without_activation
from snipfix.rules.written import activated, bare, layer, whole_value

FUNCTION = "binary_cross_entropy_with_logits"
FIT = (
    "import torch, torch.nn as nn\nclass Net(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.fc = nn.Linear(4, 1)\n"
    "  def forward(self, x):\n    return {}\ndef fit(model, loader):\n  loss_fn = nn.BCEWithLogitsLoss()\n  for x, y in loader:\n"
    "    pred = model(x).squeeze(1)\n    loss = loss_fn(pred, y)\n"
)

FOCAL = (
    "import torch, torch.nn as nn, torch.nn.functional as F\n\ndef focal(logits, y):\n    p = torch.sigmoid(logits)  # 概率\n"
    "    ce = F.binary_cross_entropy_with_logits({}, y)\n    return ((1 - p) ** 2).mean() * ce\n\n"
    "focal(nn.Linear(4, 1)(torch.randn(3, 4)), torch.ones(3, 1)).backward()\n"
)

MADE = (
    "import torch, torch.nn as nn\nmodel = nn.Sequential(nn.Linear(4, 1){})\nx, y = torch.randn(3, 4), torch.ones(3, 1)\n"
    "loss = nn.BCEWithLogitsLoss()(model(x), y)\nloss.backward()\nout = model(x)\n"
    "print(((out > {}) == y).float().mean(), {}.sum())\n"
)


class SigmoidTwice(Rule):
    """`BCEWithLogitsLoss` is fed the output of a sigmoid or softmax: squashed twice.

    ## What it does
    Reports a binary cross-entropy with logits whose input was made by a sigmoid or a softmax. Where the run does not come to it, the text is
    asked.

    ## Why is this bad?
    The sigmoid of a number in (0, 1) lies in (0.5, 0.73). The model can never say "no", and the loss never falls below 0.31 for a positive
    sample and 0.69 for a negative one.

    ## Example
    ```python
    loss = nn.BCEWithLogitsLoss()(torch.sigmoid(scores), y)
    ```

    ## Use instead
    ```python
    loss = nn.BCEWithLogitsLoss()(scores, y)
    ```

    ## Fix safety
    Unsafe: without the sigmoid the model returns scores; the other remedy is `BCELoss`.

    ## References
    - torch.nn.BCEWithLogitsLoss: "combines a Sigmoid layer and the BCELoss in one single class".
    """

    id = "SNF404"
    name = "sigmoid-twice"
    category = Category.LOSS
    GOOD = (
        Good(FIT.format("torch.sigmoid(self.fc(x))").replace("BCEWithLogitsLoss", "BCELoss")),
        Good(
            "import torch, torch.nn as nn\nscores = nn.Linear(4, 1)(torch.randn(3, 4))\n"
            "nn.BCEWithLogitsLoss()(scores, torch.ones(3, 1)).backward()\nprint(torch.sigmoid(scores) > 0.5)\n"
        ),
        Good("import torch, torch.nn as nn\np = torch.sigmoid(nn.Linear(4, 1)(torch.randn(3, 4)))\nnn.BCELoss()(p, torch.ones(3, 1)).backward()\n"),
    )  # fmt: skip
    BAD = (
        Bad(FIT.format("torch.sigmoid(self.fc(x))"), at=(12, 12), fixed=FIT.format("self.fc(x)"), runs=False),
        Bad(
            "import torch, torch.nn as nn\nmodel = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())\ncriterion = nn.BCEWithLogitsLoss()\n"
            "loss = criterion(model(torch.randn(3, 4)), torch.ones(3, 1))\nloss.backward()\n",
            at=(4, 8),
            fixed="import torch, torch.nn as nn\nmodel = nn.Sequential(nn.Linear(4, 1))\ncriterion = nn.BCEWithLogitsLoss()\n"
            "loss = criterion(model(torch.randn(3, 4)), torch.ones(3, 1))\nloss.backward()\n",
        ),
        Bad(FOCAL.format("p"), at=(5, 10), fixed=FOCAL.format("logits")),
        Bad(
            MADE.format(", nn.Sigmoid()", "0.5", "torch.round(model(x))"),
            at=(4, 8),
            fixed=MADE.format("", "0", "(model(x) > 0).float()"),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        code = context.code
        reached = {one.span for one in fed(code, outcome, FUNCTION)}
        for call, sigmoid in activated(code, frozenset({"BCEWithLogitsLoss"}), frozenset({FUNCTION}), "sigmoid", "Sigmoid"):
            if (span := code.span(call)) not in reached:
                message = "this loss takes the sigmoid itself, but the model that it judges ends in one: squashed twice"
                maker = layer(code, sigmoid)
                evidence = {"head": "sigmoid", "head_at": _numbers(code.span(sigmoid)), "head_built": maker and _numbers(code.span(maker))}
                yield self.finding(message, span, evidence=evidence)
        for one in fed(code, outcome, FUNCTION):
            if one.head in {"sigmoid", "softmax"}:
                message = f"this loss takes the sigmoid itself, but it is fed the output of a {one.head} ({one.values()}): squashed twice"
                yield self.finding(message, one.span, stage=one.stage, evidence=one.evidence())

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        if edits := without_activation(context.code, finding.evidence, finding.span):
            yield self.fix("leave the scores to the loss, without a sigmoid in front of it", *edits, *_halves(context.code, finding))
        if edits := replace_loss(context.code, finding.evidence, finding.span, "BCELoss", "binary_cross_entropy"):
            yield self.fix("use the loss that takes probabilities", *edits, preference=1)


def _numbers(span: Span) -> tuple[int, int, int, int]:
    return (span.line, span.column, span.end_line, span.end_column)


def _halves(code: Code, finding: Finding) -> tuple[Edit, ...]:
    """Edits for where the model's probabilities are told from a half: its scores are told from zero."""
    loss = code.node_at(finding.span, ast.Call)
    call = _model_call(code, loss.args[0]) if isinstance(loss, ast.Call) and loss.args else None
    if "sigmoid" in (call or "").lower():  # taken beside the loss, and not in the model
        return ()
    edits: list[tuple[Edit, ...]] = []
    for node in code.all(ast.Compare) if call is not None else ():
        limit = node.comparators[0]
        if len(node.ops) == 1 and isinstance(limit, ast.Constant) and limit.value == 0.5 and _model_call(code, node.left) == call:
            edits.append(replace_expression(code, limit, "0"))
    for one in code.calls("round") if call is not None else ():
        rounded = one.args[0] if one.args else one.func.value if isinstance(one.func, ast.Attribute) else None
        if rounded is not None and _model_call(code, rounded) == call:
            edits.append(replace_expression(code, one, f"({code.slice(rounded)} > 0).float()"))
    return joined(*edits)


def _model_call(code: Code, node: ast.expr) -> str | None:
    """What is called for a value: `head` for `head(x)`, `head(x).squeeze(1)` and a name that has it."""
    value: ast.expr | None = bare(node)
    value = bare(given) if isinstance(value, ast.Name) and (given := whole_value(code, value)) is not None else value
    return written(value.func) if isinstance(value, ast.Call) else None

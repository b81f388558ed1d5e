"""A sigmoid straight behind a ReLU."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import applied_to, drop_layer, statement_of, unwrap
from snipfix.rules.observed import called, each, place, shape
from snipfix.rules.written import built

MESSAGE = "a sigmoid behind a ReLU can never fall below 0.5: the ReLU gives nothing negative"
STOPPED = (
    "import torch, torch.nn as nn\nclass Judge(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.fc, self.out = nn.Linear(3, 3), nn.Linear(4, 1)\n        self.relu = nn.{}()\n    def forward(self, x):\n"
    "        x = self.relu(self.out(self.fc(x)))\n{}        x = torch.sigmoid(x)\n        return x\nJudge()(torch.randn(4, 3))\n"
)
"""Another fault stops it before the sigmoid."""


class HalvedOutputRange(Rule):
    """A sigmoid is applied to the output of a ReLU: it can never fall below one half.

    ## What it does
    Reports a sigmoid whose input was made by a ReLU, seen in the autograd graph; where the run does not come that far, in the text.

    ## Why is this bad?
    A ReLU gives nothing below 0, so the "probability" lies in [0.5, 1): the model can never say no. Where the ReLU is flat it does not even
    learn.

    ## Example
    ```python
    x = torch.relu(self.fc(x))
    return torch.sigmoid(x)
    ```

    ## Use instead
    ```python
    x = self.fc(x)
    return torch.sigmoid(x)
    ```

    ## Fix safety
    Unsafe: trained weights of the old model do not fit the new one.

    ## References
    - torch.nn.ReLU, torch.nn.Sigmoid: their ranges.
    """

    id = "SNF411"
    name = "halved-output-range"
    category = Category.LOSS
    GOOD = (
        Good("import torch, torch.nn as nn\nnn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1), nn.Sigmoid())(torch.randn(4, 3))\n"),
        Good("import torch, torch.nn as nn\nprint(torch.sigmoid(nn.LeakyReLU()(nn.Linear(3, 1)(torch.randn(4, 3)))).shape)\n"),
        Good(STOPPED.format("LeakyReLU", ""), runs=False),
        Good(STOPPED.format("ReLU", "        x = x - 1\n"), runs=False),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nx = torch.relu(nn.Linear(3, 1)(torch.randn(4, 3)))\np = torch.sigmoid(x)\n",
            at=(3, 5),
            fixed="import torch, torch.nn as nn\nx = nn.Linear(3, 1)(torch.randn(4, 3))\np = torch.sigmoid(x)\n",
        ),
        Bad(
            STOPPED.format("ReLU", ""),
            at=(9, 13),
            fixed=STOPPED.format("ReLU", "").replace("self.relu(self.out(self.fc(x)))", "self.out(self.fc(x))"),
            runs=False,  # it stops at another fault
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "squashed"):
            facts = observation.facts
            evidence = {"relu_at": shape(facts, "head", "span"), "relu_built": shape(facts, "head", "built")}
            stage = Stage.EXERCISE if observation.stage == "exercise" else Stage.PROBE
            yield self.finding(MESSAGE, span, stage=stage, evidence=evidence)
        observed = {span.line for _, span in each(outcome, context.code, "squashed")}
        for squash, relu in _written(context.code):
            place = context.code.span(squash)
            if place.line not in observed:
                at = context.code.span(relu)
                evidence = {"relu_at": (at.line, at.column, at.end_line, at.end_column)}
                yield self.finding(MESSAGE, place, evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        built, at = place(code, finding.evidence, "relu_built"), place(code, finding.evidence, "relu_at")
        if built is not None and (edits := drop_layer(code, built)):
            yield self.fix("leave the ReLU out in front of the sigmoid", *edits)
            return
        node = code.node_at(at, ast.Call) if at is not None else None
        if isinstance(node, ast.Call) and code.span(node) == at and (edits := unwrap(code, node)):
            yield self.fix("leave the ReLU out in front of the sigmoid", *edits)


def _written(code: Code) -> Iterator[tuple[ast.Call, ast.Call]]:
    """The sigmoids of the text that are handed what a ReLU gives: within one expression, or by the statement right before."""
    for node in code.all(ast.Call):
        inner = applied_to(node) if _kind(code, node) == "sigmoid" else None
        statement = statement_of(code, node) if isinstance(inner, ast.Name) else None
        if isinstance(inner, ast.Name) and statement is not None:
            before = _before(code, statement)
            named = isinstance(before, ast.Assign) and [ast.unparse(one) for one in before.targets] == [inner.id]
            inner = before.value if named and isinstance(before, ast.Assign) else None
        if isinstance(inner, ast.Call) and _kind(code, inner) == "relu":
            yield node, inner


def _before(code: Code, statement: ast.stmt) -> ast.stmt | None:
    """The statement that runs right before another one of the same block."""
    up = code.parents.get(statement)
    body = [one for name in ("body", "orelse", "finalbody") for one in getattr(up, name, ()) if isinstance(one, ast.stmt)]
    at = body.index(statement) if statement in body else 0
    return body[at - 1] if at else None


def _kind(code: Code, call: ast.Call) -> str:
    """`relu` and `sigmoid` for the functions and for layers that are built as one."""
    maker = built(code, ast.unparse(call.func)) if isinstance(call.func, ast.Attribute) else None
    name = called(maker) if maker is not None else called(call)
    return name.lower() if name in {"relu", "sigmoid", "ReLU", "Sigmoid"} and (maker is not None) == name[0].isupper() else ""

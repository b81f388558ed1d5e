"""Two linear layers with nothing between them that is not linear."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from snipfix.code import Code, written
from snipfix.model import Applicability, Category, Finding, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.values import evaluate
from snipfix.rules.widths import argument_of
from snipfix.rules.written import forward_of

__all__ = ["LinearLayersInARow"]

CODE = (
    "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, width=8, hidden={}):\n        super().__init__()\n"
    "        self.fc1 = nn.Linear(width, hidden)\n        self.fc2 = nn.Linear(hidden, width)\n        self.dropout = nn.Dropout(0.1)\n"
    "    def forward(self, x):\n        {}\nNet()(torch.randn(2, 8))\n"
)


class LinearLayersInARow(Rule):
    """Two linear layers follow each other without an activation between: together they are one linear layer.

    ## What it does
    Reports `fc2(fc1(x))`, with at most dropout between, and neighbours in an `nn.Sequential`, where the width between the two is at least the smaller
    of the outer ones. A narrower one is a factorization of low rank, and left alone, as are layers whose widths the text does not tell, layers that are
    also used elsewhere, and a width between that is used by itself.

    ## Why is this bad?
    The second layer adds parameters and nothing that the first cannot express. Usually the activation of a feed-forward block was forgotten.

    ## Example
    ```python
    return self.fc2(self.dropout(self.fc1(x)))
    ```

    ## Use instead
    ```python
    return self.fc2(self.dropout(F.relu(self.fc1(x))))
    ```

    ## Fix safety
    There is no fix: which activation is meant, only the author knows.

    ## References
    - Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.1.
    """

    id = "SNF327"
    name = "linear-layers-in-a-row"
    category = Category.API_MISUSE
    severity = Severity.WARNING
    applicability = Applicability.DISPLAY_ONLY
    silent = True
    GOOD = (
        Good(CODE.format(32, "return self.fc2(self.dropout(torch.relu(self.fc1(x))))")),
        Good(CODE.format(2, "return self.fc2(self.fc1(x))")),
        Good(CODE.format(32, "h = self.fc1(x)\n        return self.fc2(h), h")),
        Good(
            "import torch.nn as nn\nnn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))\nnn.Sequential(nn.Linear(8, 2), nn.Linear(2, 8))\n"
        ),
        Good(CODE.format(32, "x = x + self.fc2(self.fc1(x))\n        return self.fc1(x)")),
    )
    BAD = (
        Bad(CODE.format(32, "return self.fc2(self.dropout(self.fc1(x)))"), at=(9, 16), runs=False),
        Bad(CODE.format(32, "x = self.fc1(x)\n        x = self.fc2(x)\n        return x"), at=(10, 13), runs=False),
        Bad("import torch.nn as nn\nnet = nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 2))\n", at=(2, 39), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        message = "no activation stands between this linear layer and the one before: both together are one linear layer"
        for made in code.calls("Sequential"):
            inner = [one for one in made.args if called(one) not in ("Dropout", "Identity")]
            for one, other in pairwise(inner):
                if called(one) == called(other) == "Linear" and _wide(context, one, other):
                    yield self.finding(message, code.span(other))
        for owner in code.all(ast.ClassDef):
            forward = forward_of(owner)
            layers = _linear_layers(code, owner)
            names = (name.rpartition(".")[2] for name in layers)
            for call in code.calls(*names, inside=forward) if forward is not None and len(layers) > 1 else ():
                second = layers.get(written(call.func))
                before = _before(code, call, owner) if second is not None else None
                first = layers.get(written(before.func)) if before is not None else None
                if first is not None and second is not None and first is not second and _wide(context, first, second):
                    yield self.finding(message, code.span(call))


def _linear_layers(code: Code, owner: ast.ClassDef) -> dict[str, ast.Call]:
    """The linear layers that a class keeps under `self`, each called once."""
    found: dict[str, ast.Call] = {}
    for call in code.calls("Linear", inside=owner):
        made = code.parents[call]
        if isinstance(made, ast.Assign) and len(code.mentions(name := written(made.targets[0]))) == 2:
            found[name] = call
    return found


def _before(code: Code, call: ast.Call, owner: ast.ClassDef) -> ast.Call | None:
    """The call whose result this one is given: written inside it, or in the statement right above under a name that nothing else reads."""
    given = call.args[0] if len(call.args) == 1 and not call.keywords else None
    while isinstance(given, ast.Call) and "dropout" in ast.unparse(given.func).lower() and given.args:
        given = given.args[0]
    if isinstance(given, ast.Call):
        return given
    statement = next((up for up in code.ancestors(call) if isinstance(up, ast.stmt)), None)
    body = getattr(code.parents.get(statement), "body", []) if statement is not None else []
    at = body.index(statement) if statement in body else 0
    above = body[at - 1] if at else None
    if not isinstance(given, ast.Name) or not isinstance(above, ast.Assign) or ast.unparse(above.targets[0]) != given.id:
        return None
    assert statement is not None
    again = isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == given.id
    reads = [
        one for one in code.mentions(given.id) if isinstance(one.ctx, ast.Load) and one.lineno >= above.lineno and _within(code, one, owner)
    ]
    alone = again or len([one for one in reads if one.lineno > above.lineno]) == 1
    return above.value if alone and isinstance(above.value, ast.Call) else None


def _within(code: Code, node: ast.AST, owner: ast.ClassDef) -> bool:
    return owner in code.ancestors(node)


def _wide(context: Context, first: ast.expr, second: ast.expr) -> bool:
    """Whether the width between two layers is known to be at least the smaller of the outer ones."""
    if not isinstance(first, ast.Call) or not isinstance(second, ast.Call):
        return False
    names = context.values.of(context.code.around(first, ast.FunctionDef) or context.code.tree)
    sizes = [argument_of(layer, at, name) for layer in (first, second) for at, name in ((0, "in_features"), (1, "out_features"))]
    start, between, again, end = (evaluate(one, names) if one is not None else None for one in sizes)
    return start is not None and between is not None and end is not None and between == again and between >= min(start, end) and end > 0

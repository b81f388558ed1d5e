"""Weights that are said to be tied, and are only equal at the start."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called

__all__ = ["WeightsTiedByCopy"]

CLAIM = re.compile(r"\b(tie[sd]?|tying|share[sd]?|sharing)\b|绑定|共享", re.IGNORECASE)
COPIES = frozenset({"clone", "deepcopy"})
CODE = (
    "import copy\nimport torch, torch.nn as nn\n\nclass LM(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.embed, self.out = nn.Embedding(9, 4), nn.Linear(4, 9)\n        {}\n\n    def forward(self, x):\n"
    "        return self.out(self.embed(x))\n\nprint(LM()(torch.arange(3)).shape)\n"
)


class WeightsTiedByCopy(Rule):
    """Two layers are said to share their weight, and one gets a copy of it.

    ## What it does
    Reports a weight that is assigned the clone of another layer's weight where a comment beside it, or the name of the method, says that the
    weights are tied or shared.

    ## Why is this bad?
    A copy is equal only until the first step. From then on there are two matrices: more parameters, and not the model of the text.

    ## Example
    ```python
    # tie the weights
    self.decoder.weight = nn.Parameter(self.encoder.weight.clone())
    ```

    ## Use instead
    ```python
    # tie the weights
    self.decoder.weight = self.encoder.weight
    ```

    ## Fix safety
    The model has fewer parameters, as it says.

    ## References
    - Press and Wolf, "Using the Output Embedding to Improve Language Models", 2017.
    """

    id = "SNF337"
    name = "weights-tied-by-copy"
    category = Category.API_MISUSE
    silent = True
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("self.out.weight = self.embed.weight  # tied")),
        Good(CODE.format("self.out.weight = nn.Parameter(self.embed.weight.clone())  # start from the same values")),
    )
    BAD = (
        Bad(
            CODE.format("# 共享权重\n        self.out.weight = nn.Parameter(self.embed.weight.clone())"),
            at=(9, 27),
            fixed=CODE.format("# 共享权重\n        self.out.weight = self.embed.weight"),
            runs=False,
        ),
        Bad(
            CODE.format("self.out.weight = copy.deepcopy(self.embed.weight)  # tie weights"),
            at=(8, 27),
            fixed=CODE.format("self.out.weight = self.embed.weight  # tie weights"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for statement in code.all(ast.Assign) if code.calls(*COPIES) else ():
            source = _copied(code, statement)
            if source is not None and _claimed(code, statement):
                message = f"`{ast.unparse(statement.targets[0])}` gets a copy of `{ast.unparse(source)}`: the two are tied only until the first step"
                yield self.finding(message, code.span(statement.value), evidence={"source": ast.unparse(source)})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node, source = context.code.node_at(finding.span, ast.expr), finding.evidence.get("source")
        if node is not None and isinstance(source, str):
            yield self.fix("share the weight itself", *replace_expression(context.code, node, source))


def _copied(code: Code, statement: ast.Assign) -> ast.Attribute | None:
    """The other layer's weight that a weight is set to a copy of."""
    target = statement.targets[0]
    if not isinstance(target, ast.Attribute) or target.attr != "weight" or not code.calls(*COPIES, inside=statement.value):
        return None
    weights = [one for one in code.all(ast.Attribute, inside=statement.value) if one.attr == "weight"]
    calls = {called(one) for one in code.all(ast.Call, inside=statement.value)}
    plain = calls <= {"Parameter", "detach", *COPIES} and not code.all(ast.BinOp, inside=statement.value)
    return weights[0] if len(weights) == 1 and plain and ast.unparse(weights[0]) != ast.unparse(target) else None


def _claimed(code: Code, statement: ast.Assign) -> bool:
    function = code.around(statement, ast.FunctionDef)
    beside = [code.comments.get(line, "") for line in (statement.lineno - 1, statement.lineno, statement.end_lineno or 0)]
    return any(CLAIM.search(text) for text in beside) or (function is not None and bool(CLAIM.search(function.name.replace("_", " "))))

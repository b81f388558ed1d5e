"""A tensor that should learn and is no parameter of its module."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import add_import, replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, flag, shape, text

__all__ = ["TensorNotAParameter"]

NET = (
    "import torch, torch.nn as nn\nclass Scale(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {}\n"
    "        self.fc = nn.Linear(3, 1)\n    def forward(self, x):\n        return self.fc(x * self.w)\nm = Scale()\n{}"
)
LOOP = "opt = torch.optim.SGD({}, lr=0.1)\nfor _ in range(2):\n    opt.zero_grad()\n    m(torch.ones(4, 3)).mean().backward()\n    opt.step()\n"
TRAINED = LOOP.format("m.parameters()")


class TensorNotAParameter(Rule):
    """A module keeps a tensor that requires a gradient as a plain attribute: it is not among its parameters.

    ## What it does
    Reports a leaf tensor with `requires_grad` that `__init__` sets, other methods read, and `parameters()` lacks.

    ## Why is this bad?
    The optimizer of `model.parameters()` never steps it, `to(device)` leaves it behind and `state_dict()` does not save it. It keeps its random
    start values, and no error says so.

    ## Example
    ```python
    self.w = torch.randn(3, requires_grad=True)
    ```

    ## Use instead
    ```python
    self.w = nn.Parameter(torch.randn(3))
    ```

    ## Fix safety
    Unsafe: the tensor then learns, and the state dict has one more entry.

    ## References
    - torch.nn.parameter.Parameter.
    """

    id = "SNF454"
    name = "tensor-not-a-parameter"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(NET.format("self.w = nn.Parameter(torch.ones(3))", TRAINED)),
        Good(NET.format("self.w = torch.ones(3)", TRAINED)),
        Good(NET.format('self.register_buffer("w", torch.ones(3))', TRAINED)),
        Good(NET.format("self.w = torch.ones(3, requires_grad=True)", LOOP.format("[m.w, *m.parameters()]"))),
        Good(NET.format("self.v = torch.ones(3, requires_grad=True); self.w = 2", TRAINED)),
    )
    BAD = (
        Bad(
            NET.format("self.w = torch.randn(3, requires_grad=True)  # 可学习的缩放", TRAINED),
            at=(5, 18),
            fixed=NET.format("self.w = nn.Parameter(torch.randn(3))  # 可学习的缩放", TRAINED),
        ),
        Bad(
            NET.format("self.w = torch.autograd.Variable(torch.rand(3) - 0.5, requires_grad=True)", "m(torch.ones(2, 3))\n"),
            at=(5, 18),
            fixed=NET.format("self.w = nn.Parameter(torch.rand(3) - 0.5)", "m(torch.ones(2, 3))\n"),
        ),
        Bad(
            NET.format("self.w = torch.full((3,), 0.1).requires_grad_()", TRAINED),
            at=(5, 18),
            fixed=NET.format("self.w = nn.Parameter(torch.full((3,), 0.1))", TRAINED),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation in outcome.seen("unregistered-tensor"):
            facts = observation.facts
            owner, attribute = text(facts, "owner"), text(facts, "attribute")
            value = _set_once(context.code, owner, attribute)
            if value is None:
                continue
            passed_by = flag(facts, "others_stepped") and flag(facts, "gradient")
            tail = (
                "the optimizer steps the other parameters and not this one"
                if passed_by
                else "no optimizer, `.to()` or `state_dict()` sees it"
            )
            message = (
                f"`self.{attribute}` {list(shape(facts, 'shape') or ())} requires a gradient, but is no parameter of `{owner}`: {tail}"
            )
            severity = None if passed_by else Severity.WARNING
            yield self.finding(message, context.code.span(value), stage=Stage.PROBE, evidence=facts, severity=severity)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        value = code.node_at(finding.span, ast.expr)
        if not isinstance(value, ast.expr) or code.span(value) != finding.span:
            return
        prefix = next((name for name in ("nn.", "torch.nn.") if f"{name}Module" in code.text), "")
        edits = replace_expression(code, value, f"{prefix}Parameter({_bare(code, value)})")
        yield self.fix("register the tensor as a Parameter", *edits, *(() if prefix else add_import(code, "torch.nn", "Parameter")))


def _set_once(code: Code, owner: str, attribute: str) -> ast.expr | None:
    """What `__init__` of the class sets `self.<attribute>` to, where no other method does and one reads it."""
    node = next((one for one in code.all(ast.ClassDef) if one.name == owner), None)
    value, is_read = None, False
    for method in node.body if node else ():
        first = isinstance(method, ast.FunctionDef) and method.name == "__init__"
        for inner in ast.walk(method):
            if isinstance(inner, ast.Assign) and [ast.unparse(target) for target in inner.targets] == [f"self.{attribute}"]:
                if not first:
                    return None
                value = inner.value
            is_read |= not first and isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Load) and inner.attr == attribute
    return value if is_read else None


def _bare(code: Code, value: ast.expr) -> str:
    """The tensor without the asking for a gradient."""
    if isinstance(value, ast.Call) and called(value) == "requires_grad_" and isinstance(value.func, ast.Attribute):
        return code.slice(value.func.value)
    if isinstance(value, ast.Call) and called(value) == "Variable" and value.args:
        return code.slice(value.args[0])
    if isinstance(value, ast.Call) and any(one.arg == "requires_grad" for one in value.keywords):
        kept = [code.slice(one) for one in value.args]
        kept += [f"{one.arg}={code.slice(one.value)}" if one.arg else f"**{code.slice(one.value)}" for one in value.keywords if one.arg != "requires_grad"]  # fmt: skip
        return f"{code.slice(value.func)}({', '.join(kept)})"
    return code.slice(value)

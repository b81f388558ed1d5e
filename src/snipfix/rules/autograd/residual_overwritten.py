"""A shortcut that an operation in place overwrites before it is added."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import CodemodError, remove_argument, rename_attribute, replace_expression, wrap_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called, each, items, number, place

__all__ = ["ResidualOverwritten"]

BLOCK = (
    "import torch, torch.nn as nn, torch.nn.functional as F\nclass Block(nn.Module):\n    def __init__(self, c):\n        super().__init__()\n"
    "        self.conv, self.bn = nn.Conv2d(c, c, 3, padding=1), nn.BatchNorm2d(c)\n        self.relu = nn.ReLU({})\n"
    "    def forward(self, x):\n{}\nprint(Block(4)(torch.randn(2, 4, 8, 8)).shape)\n"
)


def block(*lines: str, relu: str = "inplace=True") -> str:
    return BLOCK.format(relu, "\n".join(f"        {line}" for line in lines))


class ResidualOverwritten(Rule):
    """An operation in place overwrites a tensor that is kept under another name as a shortcut.

    ## What it does
    Reports the addition, inside a model, of a tensor under a name that it got before an operation in place changed the same tensor through
    another name.

    ## Why is this bad?
    `identity = x` makes no copy. After `relu(x)` in place the shortcut carries the activated values too: what was negative is lost, and no
    error says so.

    ## Example
    ```python
    identity = x
    x = F.relu(x, inplace=True)
    return self.conv(x) + identity
    ```

    ## Use instead
    ```python
    identity = x
    x = F.relu(x)
    return self.conv(x) + identity
    ```

    ## Fix safety
    Unsafe: trained weights of the old model do not fit the new one; one more tensor is kept in memory.

    ## References
    - torch.nn.ReLU, inplace; He et al. 2016, Identity Mappings in Deep Residual Networks.
    """

    id = "SNF293"
    name = "residual-overwritten"
    category = Category.AUTOGRAD
    GOOD = (
        Good(block("identity = x", "x = self.relu(x)", "return self.conv(x) + identity", relu="")),
        Good(block("x = self.relu(x)", "identity = x", "return self.conv(x) + identity")),
        Good(block("identity = x", "x = self.relu(self.bn(self.conv(x)))", "return x + identity")),
        Good(block("identity = x.clone()", "x = self.relu(x)", "return self.conv(x) + identity")),
        Good(block("x = self.relu(x)", "return self.conv(x) + x")),
        Good(block("identity = x", "out = self.bn(self.conv(x))", "out += identity", "return self.relu(out)")),
        Good(block("for _ in range(2):", "    identity = x", "    x = self.conv(x) + identity", "    x = self.relu(x)", "return x")),
    )
    BAD = (
        Bad(
            block("identity = x", "x = self.relu(x)", "x = self.conv(self.relu(self.bn(x)))", "return x + identity"),
            at=(9, 13),
            fixed=block("identity = x", "x = self.relu(x)", "x = self.conv(self.relu(self.bn(x)))", "return x + identity", relu=""),
        ),
        Bad(
            block("shortcut = x  # 残差", "out = self.conv(F.relu(x, inplace=True))", "out = torch.add(out, shortcut)", "return out"),
            at=(9, 25),
            fixed=block("shortcut = x  # 残差", "out = self.conv(F.relu(x))", "out = torch.add(out, shortcut)", "return out"),
        ),
        Bad(
            block("h = self.conv(x)", "res = h", "h = self.bn(h.relu_())", "h += res", "return h"),
            at=(10, 21),
            fixed=block("h = self.conv(x)", "res = h", "h = self.bn(h.relu())", "h += res", "return h"),
            runs=False,
        ),
        Bad(
            block("res = x", "x += self.bn(x)", "return self.conv(x) + res"),
            at=(9, 9),
            fixed=block("res = x", "x = x + self.bn(x)", "return self.conv(x) + res"),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        told: set[Span] = set()
        for observation, span in each(outcome, context.code, "overwritten"):
            facts = observation.facts
            at = place(context.code, facts, "place")
            name = _added(context.code, span, int(number(facts, "position") or 0))
            if at is None or name is None or at in told or name.id not in items(facts, "names") or _alias(context.code, name, at) is None:
                continue
            told.add(at)
            message = f"this works in place on the tensor that `{name.id}` keeps: line {span.line} then adds the changed values"
            stage = Stage.EXERCISE if observation.stage == "exercise" else Stage.PROBE
            yield self.finding(
                message, at, stage=stage, evidence={**facts, "added_at": [span.line, span.column, span.end_line, span.end_column]}
            )

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code, facts = context.code, finding.evidence
        built, added = place(code, facts, "built"), place(code, facts, "added_at")
        for span in [built, finding.span]:
            if span is not None and (edits := _out_of_place(code, span)):
                yield self.fix("work on a new tensor, not in place", *edits)
                break
        name = _added(code, added, int(number(facts, "position") or 0)) if added else None
        alias = _alias(code, name, finding.span) if name is not None else None
        if alias is not None:
            yield self.fix("keep a copy for the shortcut", *wrap_expression(code, alias.value, "{}.clone()"), preference=1)


def _added(code: Code, span: Span, position: int) -> ast.Name | None:
    """The name that stands for an operand of the addition at a place."""
    node = code.node_at(span, (ast.BinOp, ast.AugAssign, ast.Call))
    if node is None or code.span(node) != span:
        return None
    sides: list[ast.expr] = []
    if isinstance(node, ast.BinOp):
        sides = [node.left, node.right]
    elif isinstance(node, ast.AugAssign):
        sides = [node.target, node.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        sides = [*node.args] if ast.unparse(node.func.value) == "torch" else [node.func.value, *node.args]
    side = sides[position] if position < len(sides) else None
    return side if isinstance(side, ast.Name) else None


def _alias(code: Code, name: ast.Name, changed: Span) -> ast.Assign | None:
    """The assignment in the same function that gave the name its tensor, when it stands before the change and the change is not made by that name."""
    home = code.around(name, ast.FunctionDef)
    node = code.node_at(changed, (ast.Call, ast.AugAssign))
    if (
        home is None
        or node is None
        or home not in code.ancestors(node)
        or any(isinstance(one, ast.Name) and one.id == name.id for one in ast.walk(node))
    ):
        return None
    given = [
        one
        for one in ast.walk(home)
        if isinstance(one, ast.Assign) and one.lineno < name.lineno and any(isinstance(target, ast.Name) and target.id == name.id for target in one.targets)
    ]  # fmt: skip
    last = max(given, key=lambda one: one.lineno, default=None)
    return last if last is not None and last.lineno < changed.line and isinstance(last.value, ast.Name | ast.Call) else None


def _out_of_place(code: Code, span: Span) -> tuple[Edit, ...]:
    """The edits that take `inplace=True` out of the call at a place, or the last underscore off `relu_`."""
    call = code.node_at(span, (ast.Call, ast.AugAssign))
    if isinstance(call, ast.AugAssign) and code.span(call) == span:
        target, value = code.slice(call.target), code.slice(call.value)
        start, end = code.range(code.span(call.target))[1], code.range(code.span(call.value))[0]
        operator = code.text[start:end].partition("=")[0].strip()
        value = f"({value})" if isinstance(call.value, ast.BinOp) and operator != "+" else value
        return replace_expression(code, span, f"{target} = {target} {operator} {value}")
    if not isinstance(call, ast.Call) or code.span(call) != span:
        return ()
    try:
        if keyword(call, "inplace") is not None:
            return remove_argument(code, call, "inplace")
        if called(call) in ("ReLU", "ReLU6", "SiLU", "Mish", "SELU") and len(call.args) == 1:
            return remove_argument(code, call, 0)
        if called(call).endswith("_") and isinstance(call.func, ast.Attribute):
            return rename_attribute(code, call.func, called(call)[:-1])
    except CodemodError:
        pass
    return ()

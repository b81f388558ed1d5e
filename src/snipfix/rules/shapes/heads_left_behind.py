"""One of the operands of an attention keeps its heads behind the steps while the others have them in front."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from snipfix.code import Code
from snipfix.codemods import wrap_expression
from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called

__all__ = ["HeadsLeftBehind"]

PRODUCTS = frozenset({"matmul", "scaled_dot_product_attention"})
TURNS: dict[str, set[tuple[str, ...]]] = {
    "transpose": {("1", "2"), ("2", "1")},
    "swapaxes": {("1", "2"), ("2", "1")},
    "permute": {("0", "2", "1", "3")},
}
LAST_TWO = {("-2", "-1"), ("-1", "-2"), ("2", "3"), ("3", "2")}
CODE = (
    "import torch, torch.nn as nn\n\nclass Attention(nn.Module):\n    def __init__(self, width=8, heads=2):\n        super().__init__()\n"
    "        self.heads, self.size = heads, width // heads\n        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))\n\n"
    "    def forward(self, x):\n        b, t, w = x.shape\n        q = self.q(x).view(b, -1, self.heads, self.size){}\n"
    "        k = self.k(x).view(b, -1, self.heads, self.size).transpose(1, 2)\n        v = self.v(x).view(b, -1, self.heads, self.size).transpose(1, 2)\n"
    "        out = torch.softmax({} @ k.transpose(-2, -1), dim=-1) @ v\n        return out.transpose(1, 2).reshape(b, t, w)\n\nprint(Attention()(torch.randn(3, 2, 8)).shape)\n"
)


@dataclass(frozen=True)
class Split:
    """One `q = self.q(x).view(b, t, heads, size)`, and what exchanges heads and steps right after, as written."""

    statement: ast.Assign
    name: str
    sizes: tuple[str, ...]
    turn: str


class HeadsLeftBehind(Rule):
    """One of the operands of an attention keeps its heads behind the steps while the others have them in front.

    ## What it does
    Reports a function that splits several tensors into heads alike, exchanges heads and steps in all but one of them, and multiplies that one
    with the others. Where this stops the program, the failure itself is explained.

    ## Why is this bad?
    A product of four dimensions works on the last two. Where there are as many steps as heads, or one step, it runs and compares the heads of a
    position with the positions of a head.

    ## Example
    ```python
    q = self.q(x).view(b, -1, heads, size)
    k = self.k(x).view(b, -1, heads, size).transpose(1, 2)
    v = self.v(x).view(b, -1, heads, size).transpose(1, 2)
    torch.softmax(q @ k.transpose(-2, -1), dim=-1) @ v
    ```

    ## Use instead
    ```python
    q = self.q(x).view(b, -1, heads, size).transpose(1, 2)
    ```

    ## Fix safety
    The exchange is that of the other operands.

    ## References
    - Vaswani et al. 2017, "Attention Is All You Need", 3.2.2 Multi-Head Attention.
    """

    id = "SNF227"
    name = "heads-left-behind"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    silent = True
    GOOD = (
        Good(CODE.format(".transpose(1, 2)", "q")),
        Good(CODE.format("", "q.transpose(1, 2)")),
        Good(CODE.format("\n        q = q.transpose(1, 2)", "q")),
    )
    BAD = (
        Bad(CODE.format("", "q"), at=(11, 13), fixed=CODE.format(".transpose(1, 2)", "q")),
        Bad(
            CODE.format("", "q").replace("transpose(1, 2)\n", "permute(0, 2, 1, 3)\n"),
            at=(11, 13),
            fixed=CODE.format(".permute(0, 2, 1, 3)", "q").replace("transpose(1, 2)\n", "permute(0, 2, 1, 3)\n"),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        if outcome.failures:
            return
        for left, others in _left_behind(context.code):
            names = " and ".join(f"`{one.name}`" for one in others)
            message = f"`{left.name}` keeps its heads behind the steps, {names} have them in front: their product mixes the two"
            yield self.finding(message, context.code.span(left.statement.value), stage=Stage.STATIC)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        for left, others in _left_behind(context.code):
            if context.code.span(left.statement.value) == finding.span:
                yield self.fix(
                    "exchange heads and steps here as well", *wrap_expression(context.code, left.statement.value, f"{{}}{others[0].turn}")
                )


def _left_behind(code: Code) -> Iterator[tuple[Split, list[Split]]]:
    for function in code.all(ast.FunctionDef) if len(code.calls("view", "reshape")) > 2 else ():
        splits = [one for one in (_split(code, node) for node in code.all(ast.Assign, function)) if one is not None]
        for left in splits:
            alike = [one for one in splits if one is not left and one.sizes == left.sizes]
            turned = [one for one in alike if one.turn]
            if not left.turn and len(turned) > 1 and len(turned) == len(alike) and _multiplied_as_it_is(code, function, left):
                yield left, turned


def _split(code: Code, statement: ast.Assign) -> Split | None:
    """The split into heads that an assignment makes; None for another."""
    node, turn = statement.value, ""
    target = statement.targets[0]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _arguments(node) in TURNS.get(called(node), ()):
        start, end = code.range(code.span(node.func.value))[1], code.range(code.span(node))[1]
        node, turn = node.func.value, code.text[start:end]
    whole = node.args[0] if isinstance(node, ast.Call) and len(node.args) == 1 else None
    sizes = whole.elts if isinstance(whole, ast.Tuple | ast.List) else node.args if isinstance(node, ast.Call) else []
    if called(node) not in ("view", "reshape") or len(sizes) != 4 or not isinstance(target, ast.Name) or len(statement.targets) > 1:
        return None
    return Split(statement, target.id, tuple(ast.unparse(size) for size in sizes[2:]), turn)


def _arguments(call: ast.Call) -> tuple[str, ...]:
    return tuple(ast.unparse(one) for one in call.args)


def _multiplied_as_it_is(code: Code, function: ast.FunctionDef, split: Split) -> bool:
    """Whether a name is an operand of a product, and nothing else happens to it after it was split than an exchange of its last two axes."""
    names = [one for one in code.all(ast.Name, function) if one.id == split.name and one.lineno > (split.statement.end_lineno or 0)]
    uses = []
    for name in names:
        use: ast.AST = name
        parent = code.parents.get(name)
        if isinstance(parent, ast.Attribute) and isinstance(call := code.parents.get(parent), ast.Call) and call.func is parent:
            if parent.attr not in ("transpose", "swapaxes") or _arguments(call) not in LAST_TWO:
                return False
            use = call
        uses.append(code.parents.get(use))
    products = [
        (isinstance(use, ast.BinOp) and isinstance(use.op, ast.MatMult)) or called(use) in PRODUCTS for use in uses if use is not None
    ]
    return bool(products) and all(products) and all(isinstance(name.ctx, ast.Load) for name in names)

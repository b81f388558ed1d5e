"""A contrastive loss in which each sample competes with itself."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from snipfix.code import Code
from snipfix.codemods import insert_statement_before
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home, only_value, receiver

__all__ = ["SelfPairs"]

CODE = (
    "import torch\nimport torch.nn.functional as F\n\ndef nt_xent(a, b, temperature=0.5):\n    n = a.size(0)\n"
    "    z = F.normalize(torch.cat([a, b]), dim=1)\n    sim = {} / temperature\n{}"
    "    labels = torch.cat([torch.arange(n) + n, torch.arange(n)])\n    return F.cross_entropy(sim, labels)\n\n"
    "print(nt_xent(torch.randn(4, 3), torch.randn(4, 3)))\n"
)
HIDE = 'sim = sim.masked_fill(torch.eye(len(sim), dtype=torch.bool, device=sim.device), float("-inf"))'


class Matrix(NamedTuple):
    """A matrix of similarities that goes into a cross-entropy as it is."""

    name: ast.Name
    of: str
    loss: ast.Call


class SelfPairs(Rule):
    """A contrastive loss compares each sample with all, itself among them.

    ## What it does
    Reports a cross-entropy over `z @ z.T` where nothing takes the diagonal out.

    ## Why is this bad?
    The similarity of a sample with itself is the largest there is. It stands in every denominator as a wrong answer that no training can push
    down: the loss has a floor, and its gradient goes into a fight that cannot be won.

    ## Example
    ```python
    sim = z @ z.T / temperature
    loss = F.cross_entropy(sim, labels)
    ```

    ## Use instead
    ```python
    sim = z @ z.T / temperature
    sim.fill_diagonal_(float("-inf"))
    loss = F.cross_entropy(sim, labels)
    ```

    ## Fix safety
    The loss changes to the one of the paper.

    ## References
    - Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", 2020, equation 1: k is not i.
    """

    id = "SNF429"
    name = "self-pairs"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("(z @ z.t())", '    sim.fill_diagonal_(float("-inf"))\n')),
        Good(CODE.format("(z @ z.t())", "    " + HIDE + "\n")),
        Good(CODE.format("(a @ b.t())", "").replace("[torch.arange(n) + n, torch.arange(n)]", "[torch.arange(n)]")),
        Good(
            CODE.format("(z @ z.t())", "    keep = ~torch.eye(2 * n, dtype=torch.bool)\n    sim = sim[keep].view(2 * n, -1)\n").replace(
                "+ n", ""
            )
        ),
    )
    BAD = (
        Bad(CODE.format("z @ z.t()", ""), at=(9, 28), fixed=CODE.format("z @ z.t()", "").replace("    return", f"    {HIDE}\n    return"), runs=False),
        Bad(
            CODE.format("torch.mm(z, z.T)", "").replace("return F.cross_entropy(sim", "return torch.nn.CrossEntropyLoss()(sim"),
            at=(9, 40),
            fixed=CODE.format("torch.mm(z, z.T)", "").replace("    return F.cross_entropy(sim", f"    {HIDE}\n    return torch.nn.CrossEntropyLoss()(sim"),
            runs=False,
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for one in _matrices(context.code):
            message = f"the similarity of each row of `{one.of}` with itself is among those it is compared with: it is never taken out of `{one.name.id}`"
            yield self.finding(message, context.code.span(one.name))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        for one in _matrices(context.code):
            statement = statement_of(context.code, one.loss)
            if context.code.span(one.name) == finding.span and statement is not None:
                name = one.name.id
                line = f'{name} = {name}.masked_fill(torch.eye(len({name}), dtype=torch.bool, device={name}.device), float("-inf"))'
                yield self.fix(
                    "take each sample's similarity with itself out", *insert_statement_before(context.code, statement.lineno, line)
                )


def _matrices(code: Code) -> Iterator[Matrix]:
    if "@" not in code.text and not code.calls("mm", "matmul"):
        return
    made_of_itself = {ast.unparse(one.targets[0]) for one in code.all(ast.Assign) if _own_product(one.value)}
    losses = [one for one in code.all(ast.Call) if one.args and isinstance(one.args[0], ast.Name) and one.args[0].id in made_of_itself]
    for loss in (one for one in losses if called(one) == "cross_entropy" or _is_criterion(code, one)):
        scores = loss.args[0] if len(loss.args) > 1 else None
        if not isinstance(scores, ast.Name):
            continue
        around = home(code, loss)
        named = [one for one in code.all(ast.Name, inside=around) if one.id == scores.id]
        made = [one for one in code.all(ast.Assign, inside=around) if any(ast.unparse(target) == scores.id for target in one.targets)]
        products = [of for one in made if (of := _own_product(one.value))]
        scaled = [one for one in made if _scaled(one.value, scores.id)]
        read = [one for one in named if isinstance(one.ctx, ast.Load) and one is not scores and not _only_size(code, one)]
        inside = [one for statement in scaled for one in code.all(ast.Name, inside=statement.value) if one.id == scores.id]
        if len(products) == 1 and len(made) == 1 + len(scaled) and set(read) == set(inside):
            yield Matrix(scores, products[0], loss)


def _is_criterion(code: Code, call: ast.Call) -> bool:
    """`nn.CrossEntropyLoss()(scores, labels)`, and the call of a name that is bound to one."""
    maker = call.func if isinstance(call.func, ast.Call) else only_value(code, ast.unparse(call.func)) if len(call.args) == 2 else None
    return isinstance(maker, ast.Call) and called(maker) == "CrossEntropyLoss"


def _own_product(value: ast.expr) -> str:
    """`z` for `z @ z.T / t`, `torch.mm(z, z.t())`: a matrix times its own transpose, perhaps divided or multiplied; empty for anything else."""
    while isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div | ast.Mult):
        value = value.left
    left: ast.expr | None = None
    right: ast.expr | None = None
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.MatMult):
        left, right = value.left, value.right
    elif isinstance(value, ast.Call) and called(value) in ("mm", "matmul"):
        left, right = (
            value.args[:2] if len(value.args) == 2 else (value.func.value if isinstance(value.func, ast.Attribute) else None, None)
        )
        right = value.args[-1] if right is None and value.args else right
    if left is None or right is None:
        return ""
    if isinstance(right, ast.Call) and called(right) in ("t", "transpose", "permute"):
        return ast.unparse(left) if receiver(right) == ast.unparse(left) else ""
    transposed = isinstance(right, ast.Attribute) and right.attr in ("T", "mT") and ast.unparse(right.value) == ast.unparse(left)
    return ast.unparse(left) if transposed else ""


def _scaled(value: ast.expr, name: str) -> bool:
    """`sim / temperature`."""
    return isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div | ast.Mult) and ast.unparse(value.left) == name


def _only_size(code: Code, node: ast.Name) -> bool:
    up = code.parents.get(node)
    return isinstance(up, ast.Attribute) and up.attr in ("shape", "size", "device", "dtype")

"""Embeddings normalised along the batch before their similarities are taken."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import receiver
from snipfix.rules.widths import argument_of
from snipfix.rules.written import bare, result_of, value_of

__all__ = ["NormalizedAcrossSamples"]

PRODUCTS = frozenset({"mm", "matmul"})
CODE = (
    "import torch\nimport torch.nn.functional as F\n\na, b = torch.randn(4, 8), torch.randn(4, 8)\n"
    "a = F.normalize(a, dim={0})\nb = F.normalize(b, dim={0})\nprint({1})\n"
)


class NormalizedAcrossSamples(Rule):
    """Embeddings are normalised along dim 0, the samples, and their dot products are taken along dim 1.

    ## What it does
    Reports `F.normalize(z, dim=0)` whose result is multiplied as in `z @ z.T` or `(z1 * z2).sum(dim=1)`: the sum runs along another dim than
    the normalisation.

    ## Why is this bad?
    A cosine similarity is the product of two vectors of length one. Here each feature is scaled over the batch instead: the products are no
    cosines, they depend on which samples happen to be in the batch, and the temperature means nothing.

    ## Example
    ```python
    z = F.normalize(z, dim=0)
    similarity = z @ z.T
    ```

    ## Use instead
    ```python
    z = F.normalize(z, dim=1)
    similarity = z @ z.T
    ```

    ## Fix safety
    Unsafe only in name: dim 1 is the one that the product sums along.

    ## References
    - torch.nn.functional.normalize; Chen et al. 2020, "A Simple Framework for Contrastive Learning".
    """

    id = "SNF358"
    name = "normalized-across-samples"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    silent = True
    GOOD = (
        Good(CODE.format(1, "a @ b.t()")),
        Good(CODE.format(0, "a.t() @ b")),
        Good(CODE.format(0, "torch.relu(torch.randn(2, 8)) @ b.T")),  # a dictionary with unit columns
        Good(
            "import torch, torch.nn as nn\nimport torch.nn.functional as F\n\nlayer = nn.Linear(8, 4)\natoms = F.normalize(layer.weight.detach(), dim=0)\n"
            "print(torch.linalg.eigvalsh(atoms @ atoms.T)[-1])\n"
        ),
        Good(CODE.format(0, "torch.randn(3, 4) @ a")),  # the columns are the classes
        Good(CODE.format(0, "(a * b).sum(dim=0)")),
        Good(
            "import torch\nimport torch.nn.functional as F\n\nquery, keys = torch.randn(8), torch.randn(4, 8)\nquery, keys = F.normalize(query, dim=0), F.normalize(keys, dim=1)\nprint(query @ keys.T)\nprint((query * query).sum(-1))\n"
        ),
        Good(
            "import torch\nimport torch.nn.functional as F\n\nquery, keys = torch.randn(8), torch.randn(4, 8)\nquery = F.normalize(query, dim=0)\nprint(query @ keys.T)\nprint((query * query).sum(-1))\n"
        ),
    )
    BAD = (
        Bad(CODE.format(0, "a @ b.t()"), at=(6, 5), fixed=CODE.format(0, "a @ b.t()").replace("b, dim=0", "b, dim=1"), runs=False),
        Bad(
            "import torch\nimport torch.nn.functional as F\n\nz = torch.randn(4, 8)\nprint(torch.matmul(F.normalize(z, 2, 0), F.normalize(z, 2, 0).T))  # 相似度\n",
            at=(5, 20),
            fixed="import torch\nimport torch.nn.functional as F\n\nz = torch.randn(4, 8)\nprint(torch.matmul(F.normalize(z, 2, 1), F.normalize(z, 2, 0).T))  # 相似度\n",
            runs=False,
        ),
        Bad(
            CODE.format(0, "(a * b).sum(dim=1).mean()"),
            at=(5, 5),
            fixed=CODE.format(0, "(a * b).sum(dim=1).mean()").replace("a, dim=0", "a, dim=1"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("normalize"):
            return
        told: set[ast.Call] = set()
        for node in sorted([*code.all(ast.BinOp), *code.calls(*PRODUCTS, "sum")], key=lambda one: (one.lineno, one.col_offset)):
            for side in _rows(code, node):
                call = _normalized(code, side)
                if call is not None and call not in told:
                    told.add(call)
                    message = "this scales each feature to length one over the samples of the batch, but the similarity is summed along the features"
                    yield self.finding(message, code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        dim = argument_of(call, 2, "dim") if isinstance(call, ast.Call) else None
        if dim is not None:
            yield self.fix("normalise each sample", *replace_expression(context.code, dim, "1"))


def _rows(code: Code, node: ast.expr) -> Iterator[ast.expr]:
    """The tensors (samples, features) of a product that sums along their features; none for other expressions."""
    match node:
        case ast.BinOp(left=left, op=ast.MatMult(), right=right):
            sides: list[ast.expr] = [left, right]
        case ast.Call(args=[first, second]) if called(node) in PRODUCTS and receiver(node) == "torch":
            sides = [first, second]
        case ast.Call(func=ast.Attribute(value=first), args=[second]) if called(node) in PRODUCTS:
            sides = [first, second]
        case ast.Call(func=ast.Attribute(value=ast.BinOp(left=left, op=ast.Mult(), right=right))) if called(node) == "sum":
            if any(ast.unparse(one) == "1" for one in (*node.args[:1], *(key.value for key in node.keywords if key.arg == "dim"))):
                yield from (left, right)
            return
        case _:
            return
    turned = _turned(sides[1])
    if turned is not None and _turned(sides[0]) is None:
        same = ast.unparse(sides[0]) == ast.unparse(turned)  # another one may be a single vector, whose only dim is the first
        if same or _normalized(code, sides[0], of_any_dim=True) is not None:  # what was not normalised may be the weights of unit columns
            yield turned
        if same:
            yield sides[0]


def _turned(node: ast.expr) -> ast.expr | None:
    """What is transposed: `z` of `z.T`, `z.t()`, `z.transpose(0, 1)`."""
    match node:
        case ast.Attribute(value=value, attr="T" | "mT"):
            return value
        case ast.Call(func=ast.Attribute(value=value, attr="t" | "transpose" | "permute")):
            return value
    return None


def _normalized(code: Code, node: ast.expr, *, of_any_dim: bool = False) -> ast.Call | None:
    """The normalisation along dim 0 that made a tensor. That of a module's own tensor, whose columns may be what it holds, is none."""
    given = value_of(code, node) if isinstance(node, ast.Name) else (node, None)
    value = given[0] if given is not None and given[1] is None else None
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):  # with a temperature
        sides = (_normalized(code, one, of_any_dim=of_any_dim) for one in (value.left, value.right))
        return next((one for one in sides if one is not None), None)
    if isinstance(value, ast.Call) and called(value) != "normalize":
        value = result_of(code, value, None)
    if not isinstance(value, ast.Call) or called(value) != "normalize":
        return None
    if of_any_dim:
        return value
    if value.args and _is_own(code, value.args[0]):
        return None
    dim = argument_of(value, 2, "dim")
    return value if isinstance(dim, ast.Constant) and dim.value == 0 and not isinstance(dim.value, bool) else None


def _is_own(code: Code, node: ast.expr) -> bool:
    """Whether a tensor is a weight, or another that a module keeps."""
    while isinstance(node := bare(node), ast.Call) and called(node) in ("detach", "clone") and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return isinstance(node, ast.Attribute) and (node.attr == "weight" or f"self.{node.attr}" in code.assigned)

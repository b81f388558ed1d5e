"""A vector that the class makes is indexed as if it had more dims."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code, written
from snipfix.model import Category, Finding
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words

CODE = (
    "import torch, torch.nn as nn\nclass Scale(nn.Module):\n    def __init__(self, channels):\n        super().__init__()\n"
    "        self.scale = nn.Parameter({})\n    def forward(self, x):\n        return x * self.scale[{}]\n"
    "Scale(3)(torch.randn(2, 3, 4, 4))\n"
)
MAKERS = frozenset({"zeros", "ones", "rand", "randn", "empty"})
LISTS = frozenset({"tensor", "FloatTensor", "Tensor"})
SAME = frozenset({"Parameter", "sqrt", "exp", "log", "abs", "square", "neg"})
SIZES = frozenset({"channels", "features", "dim", "width", "hidden", "classes", "units", "filters"})


class IndexedBeyondItsDims(Rule):
    """A parameter of one dim is indexed as if it had several.

    ## What it does
    Reports `self.scale[:, None, None, :]` where the class makes `self.scale` as a vector, or any tensor whose number of dims its text tells,
    with fewer dims than are indexed. `None` adds a dim and counts for nothing.

    ## Why is this bad?
    The first call stops with "too many indices". That the model is only defined here hides it until somebody uses it.

    ## Example
    ```python
    self.scale = nn.Parameter(torch.ones(channels))
    x * self.scale[:, None, None, :]
    ```

    ## Use instead
    ```python
    self.scale = nn.Parameter(torch.ones(channels))
    x * self.scale[None, :, None, None]
    ```

    ## Fix safety
    No fix of its own: which dim of the other tensor is meant is not in the index; the run that fails here offers what fits.

    ## References
    - PyTorch, Tensor indexing.
    """

    id = "SNF221"
    name = "indexed-beyond-its-dims"
    category = Category.SHAPE
    GOOD = (
        Good(CODE.format("torch.ones(channels)", "None, :, None, None")),
        Good(CODE.format("torch.ones(1, channels, 1, 1)", ":, :, :, :")),
        Good(CODE.format("torch.ones(shape)", ":, None, None, :"), runs=False),
    )
    BAD = (
        Bad(CODE.format("torch.sqrt(torch.FloatTensor([0.5 * 2] * channels))", ":, None, None, :"), at=(7, 20)),
        Bad(CODE.format("torch.ones(channels)", ":, :"), at=(7, 20)),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for node in code.all(ast.ClassDef):
            indexed = [one for one in code.all(ast.Subscript, node) if isinstance(one.value, ast.Attribute)]
            dims = _dims_of_attributes(code, node) if indexed else {}
            for one in indexed if dims else ():
                name = written(one.value)
                parts = one.slice.elts if isinstance(one.slice, ast.Tuple) else [one.slice]
                taken = sum(isinstance(part, ast.Slice) or (isinstance(part, ast.Constant) and type(part.value) is int) for part in parts)
                if name in dims and taken > dims[name]:
                    message = f"the number of dims of `{name}` is {dims[name]}, and {taken} are indexed"
                    yield self.finding(message, code.span(one))


def _dims_of_attributes(code: Code, node: ast.ClassDef) -> dict[str, int]:
    """How many dims each attribute has that a class assigns once, where the text tells."""
    bound: dict[str, list[ast.expr]] = {}
    for one in code.all(ast.Assign, node):
        for target in one.targets:
            bound.setdefault(written(target), []).append(one.value)
    known = {name: _dims(values[0]) for name, values in bound.items() if name.startswith("self.") and len(values) == 1}
    return {name: dims for name, dims in known.items() if dims is not None}


def _dims(node: ast.expr) -> int | None:
    """The number of dims of what an expression makes; None where it does not tell."""
    if not isinstance(node, ast.Call) or not node.args or any(isinstance(one, ast.Starred) for one in node.args):
        return None
    kind, first = called(node), node.args[0]
    if kind in SAME:
        return _dims(first)
    if kind in LISTS and len(node.args) == 1:
        return 1 if _is_row(first) else None
    return len(node.args) if kind in MAKERS and all(_is_size(one) for one in node.args) else None


def _is_row(node: ast.expr) -> bool:
    """Whether an expression is a list of numbers, repeated or not."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _is_row(node.left) or _is_row(node.right)
    return isinstance(node, ast.List) and bool(node.elts) and all(_is_number(one) for one in node.elts)


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_number(node.left) and _is_number(node.right)
    if isinstance(node, ast.UnaryOp):
        return _is_number(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _is_size(node: ast.expr) -> bool:
    """Whether an argument is one number, and no tuple of sizes."""
    if isinstance(node, ast.BinOp):
        return True
    return _is_number(node) or (isinstance(node, ast.Name) and bool(set(words(node.id)) & SIZES))

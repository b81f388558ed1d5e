"""A data set whose length is not the number of its samples."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["LengthOfAnotherAxis"]

CODE = (
    "import torch\nfrom torch.utils.data import Dataset\n\nclass Rows(Dataset):\n    def __init__(self, x, y):\n        self.x, self.y = x, y\n\n"
    "    def __len__(self):\n        return {}\n\n    def __getitem__(self, i):\n        return {}\n\nprint(len(Rows(torch.zeros(8, 3), torch.zeros(8))))\n"
)
ITEM = "self.x[i], self.y[i]"
PARTS = "{name: part[i] for name, part in self.x.items()}, self.y[i]"


class LengthOfAnotherAxis(Rule):
    """`__len__` gives the number of features or of fields, while `__getitem__` takes samples.

    ## What it does
    Reports `self.x.shape[1]` in `__len__` where `__getitem__` indexes the first axis of `self.x`, and `len(self.x)` where `__getitem__` goes through
    `self.x.items()`: that is the number of fields of the tokenizer's output.

    ## Why is this bad?
    Nothing stops while there are more samples than that: the others are never seen.

    ## Example
    ```python
    def __len__(self):
        return self.x.shape[1]
    def __getitem__(self, i):
        return self.x[i]
    ```

    ## Use instead
    ```python
    def __len__(self):
        return self.x.shape[0]
    def __getitem__(self, i):
        return self.x[i]
    ```

    ## Fix safety
    All samples are read from now on.

    ## References
    - torch.utils.data.Dataset
    """

    id = "SNF325"
    name = "length-of-another-axis"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    silent = True
    GOOD = (
        Good(CODE.format("self.x.shape[0]", ITEM)),
        Good(CODE.format("self.x.shape[1]", "self.x[:, i]")),
        Good(CODE.format("len(self.y)", PARTS), runs=False),
        Good(CODE.format("self.x.shape[1]", "self.x.T[i], self.y"), runs=False),
    )
    BAD = (
        Bad(
            CODE.format("self.x.shape[1]  # \u6837\u672c\u6570", ITEM),
            at=(9, 16),
            fixed=CODE.format("self.x.shape[0]  # \u6837\u672c\u6570", ITEM),
            runs=False,
        ),
        Bad(CODE.format("len(self.x)", PARTS), at=(9, 16), fixed=CODE.format("len(self.y)", PARTS), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for owner in code.all(ast.ClassDef):
            methods = {node.name: node for node in owner.body if isinstance(node, ast.FunctionDef)}
            if not {"__len__", "__getitem__"} <= methods.keys() or len(methods["__getitem__"].args.args) != 2:
                continue
            item, index = methods["__getitem__"], methods["__getitem__"].args.args[1].arg
            for given in (one.value for one in code.all(ast.Return, methods["__len__"]) if one.value is not None):
                data = _second_axis(given)
                if data and f"{data}[{index}]" in _indexed(code, item):
                    message = f"`{code.slice(given)}` is not how many samples there are: `{data}[{index}]` takes them along the first axis"
                    yield self.finding(message, code.span(given), evidence={"instead": code.slice(given).replace("1", "0")})
                fields = _fields(code, given, item)
                other = _sibling(code, item, index)
                if fields and other:
                    message = f"`len({fields})` is the number of its fields, not of its samples"
                    yield self.finding(message, code.span(given), evidence={"instead": f"len({other})"})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node, text = context.code.node_at(finding.span, ast.expr), finding.evidence.get("instead")
        if isinstance(node, ast.expr) and isinstance(text, str):
            yield self.fix("count the samples", *replace_expression(context.code, node, text))


def _second_axis(node: ast.expr) -> str:
    """The `self.x` of `self.x.shape[1]` and `self.x.size(1)`; empty for anything else."""
    text = ast.unparse(node)
    for end in (".shape[1]", ".size(1)"):
        if text.endswith(end) and text.startswith("self.") and text.removesuffix(end).removeprefix("self.").isidentifier():
            return text.removesuffix(end)
    return ""


def _indexed(code: Code, item: ast.FunctionDef) -> set[str]:
    return {ast.unparse(one) for one in code.all(ast.Subscript, item)}


def _fields(code: Code, given: ast.expr, item: ast.FunctionDef) -> str:
    """The `self.x` of `len(self.x)` where the sample is put together from the items of it."""
    if isinstance(given, ast.Call) and isinstance(given.func, ast.Name) and given.func.id == "len" and len(given.args) == 1:
        name = ast.unparse(given.args[0])
        through = [ast.unparse(call.func) for call in code.calls("items", inside=item)]
        return name if f"{name}.items" in through else ""
    return ""


def _sibling(code: Code, item: ast.FunctionDef, index: str) -> str:
    """Another attribute that is indexed by the sample's number: the labels."""
    for one in code.all(ast.Subscript, item):
        if ast.unparse(one.slice) == index and isinstance(one.value, ast.Attribute) and ast.unparse(one.value.value) == "self":
            return ast.unparse(one.value)
    return ""

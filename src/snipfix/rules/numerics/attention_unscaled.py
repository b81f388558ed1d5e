"""Scaled attention that is not scaled."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home
from snipfix.rules.values import literal
from snipfix.rules.written import whole_value

__all__ = ["AttentionUnscaled"]

CLAIM = re.compile(r"scaled[ _-]?dot|缩放点积", re.IGNORECASE)
SCALING = re.compile(
    r"sqrt|scale(?!d)|scaling|temperature|\btau\b|\*\*\s*\(?-?\s*\(?0?\.5|normalize|scaled_dot_product_attention\(", re.IGNORECASE
)
UNIT = re.compile(r"normali[sz]e|\b[qk]\w*_?norm|(?<!self)\.norm\(|cosine", re.IGNORECASE)
"""Queries and keys of length one: their products are below one, and may well be stretched."""
WIDTH = re.compile(r"^(?:self\.)?(?:d|dk|d_k|dim|width|d_model|head_dim|dim_head|d_head|hidden_size|depth)$|size\(-1\)$|shape\[-1\]$")
CODE = (
    "import math\nimport torch, torch.nn as nn\n\nclass {}(nn.Module):\n    def forward(self, query, key, value):\n"
    "        scores = {}\n        return torch.softmax(scores, dim=-1) @ value\n\nx = torch.randn(2, 5, 8)\nprint({}()(x, x, x).shape)\n"
)
PRODUCT = "torch.matmul(query, key.transpose(-2, -1))"


class AttentionUnscaled(Rule):
    """A scaled dot-product attention does not divide by the root of the width.

    ## What it does
    Reports the product of queries and keys that goes into a softmax, where the name or a comment says "scaled dot-product" and nothing in the
    class or function scales it; one that is divided by the width itself, and any that is multiplied by the root. Attention that claims no scaling is left alone.

    ## Why is this bad?
    The products grow with the width. Without the division the softmax is close to a one-hot choice from the start, and hardly any gradient
    comes through.

    ## Example
    ```python
    class ScaledDotProductAttention(nn.Module):
        def forward(self, q, k, v):
            weights = torch.softmax(q @ k.transpose(-2, -1), dim=-1)
    ```

    ## Use instead
    ```python
    class ScaledDotProductAttention(nn.Module):
        def forward(self, q, k, v):
            weights = torch.softmax(q @ k.transpose(-2, -1) / q.size(-1) ** 0.5, dim=-1)
    ```

    ## Fix safety
    The numbers change to those of the formula.

    ## References
    - Vaswani et al., "Attention Is All You Need", 2017, equation 1.
    """

    id = "SNF336"
    name = "attention-unscaled"
    category = Category.API_MISUSE
    silent = True
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("ScaledDotProduct", PRODUCT + " / math.sqrt(query.size(-1))", "ScaledDotProduct")),
        Good(CODE.format("DotAttention", PRODUCT, "DotAttention")),
        Good(CODE.format("DotAttention", PRODUCT + " * math.sqrt(1 / query.size(-1))", "DotAttention")),
        Good(
            CODE.format("Dot", "query @ key.transpose(-2, -1) * math.sqrt(8)\n        # of normalized queries", "Dot").replace(
                "scores = q", "query, key = (nn.functional.normalize(one, dim=-1) for one in (query, key))\n        scores = q"
            )
        ),
        Good(CODE.format("ScaledDotProduct", "query * query.size(-1) ** -0.5 @ key.transpose(-2, -1)", "ScaledDotProduct")),
    )
    BAD = (
        Bad(
            CODE.format("ScaledDotProductAttention", PRODUCT + "  # 打分", "ScaledDotProductAttention"),
            at=(6, 18),
            fixed=CODE.format("ScaledDotProductAttention", PRODUCT + " / query.size(-1) ** 0.5  # 打分", "ScaledDotProductAttention"),
            runs=False,
        ),
        Bad(
            CODE.format("ScaledDotProduct", PRODUCT + " / query.size(-1)  # 缩放", "ScaledDotProduct"),
            at=(6, 63),
            fixed=CODE.format("ScaledDotProduct", PRODUCT + " / query.size(-1) ** 0.5  # 缩放", "ScaledDotProduct"),
            runs=False,
        ),
        Bad(
            CODE.format("Dot", PRODUCT + " * math.sqrt(query.size(-1))  # 缩放", "Dot"),
            at=(6, 18),
            fixed=CODE.format("Dot", PRODUCT + " / math.sqrt(query.size(-1))  # 缩放", "Dot"),
            runs=False,
        ),
        Bad(
            CODE.format("Attention", "query @ key.transpose(1, 2)", "Attention").replace("        scores", '        """Scaled dot-product."""\n        scores'),
            at=(7, 18),
            fixed=CODE.format("Attention", "query @ key.transpose(1, 2) / query.size(-1) ** 0.5", "Attention")
            .replace("        scores", '        """Scaled dot-product."""\n        scores'),
            runs=False,
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        turned = code.calls("softmax", "Softmax")
        for scaled in _multiplied(code) if turned else ():
            message = "the products of queries and keys are multiplied by the root of the width: they are to be divided by it"
            yield self.finding(message, code.span(scaled))
        for softmax in turned if turned and CLAIM.search(code.text) else ():
            function = home(code, softmax)
            owner = code.around(softmax, ast.ClassDef) or function
            if (
                not isinstance(function, ast.FunctionDef)
                or not _claims(code, owner, function)
                or SCALING.search(_without_names(code, owner))
            ):
                continue
            for product in _products(code, function):
                divisor = _divisor(code, product)
                if divisor is None:
                    message = (
                        "the products of queries and keys are not divided by the root of the width, though this is called scaled attention"
                    )
                    yield self.finding(message, code.span(product))
                elif WIDTH.search(written(divisor)):
                    message = "the products of queries and keys are divided by the width, and not by its root, though this is called scaled attention"
                    yield self.finding(message, code.span(divisor), evidence={"width": True})
            return

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.expr)
        if finding.evidence.get("width") and node is not None:
            yield self.fix("take the root of the width", *wrap_expression(context.code, finding.span, "{} ** 0.5"))
            return
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            left, right = (context.code.range(context.code.span(one)) for one in (node.left, node.right))
            between = context.code.text[left[1] : right[0]]
            yield self.fix("divide by the root of the width", Edit(left[1], right[0], between.replace("*", "/", 1)))
            return
        query = _factors(node)[0] if node is not None else None
        if node is not None and isinstance(query, ast.Name):
            edits = replace_expression(context.code, node, f"{context.code.slice(node)} / {query.id}.size(-1) ** 0.5")
            yield self.fix("divide by the root of the width", *edits)


def _divisor(code: Code, product: ast.expr) -> ast.expr | None:
    """What the products are divided by, where they stand or under the name that they are given."""
    for node in code.all(ast.BinOp):
        if isinstance(node.op, ast.Div) and whole_value(code, node.left) is product:
            return node.right
    return None


def _multiplied(code: Code) -> Iterator[ast.BinOp]:
    """`q @ k.transpose(-2, -1) * math.sqrt(d_k)`, the scores under a name or not, in a function with a softmax."""
    for node in code.all(ast.BinOp):
        if isinstance(node.op, ast.Mult) and _is_root(_kept(code, node.right)):
            made = whole_value(code, node.left)
            function = home(code, node)
            scores = made is not None and any(made is one for one in _products(code, function))
            if scores and code.calls("softmax", "Softmax", inside=function) and not UNIT.search(ast.unparse(function)):
                yield node


def _kept(code: Code, node: ast.expr) -> ast.expr:
    """What a name, or an attribute that is set once, was given: `self.scale`."""
    if isinstance(node, ast.Attribute):
        values = code.assigned.get(written(node), ())
        return values[0] if len(values) == 1 else node
    return whole_value(code, node) or node


def _is_root(node: ast.expr) -> bool:
    """`math.sqrt(d_k)` or `d_k ** 0.5`, of something that is no part of a number below one."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return literal(node.right) == 0.5 and not isinstance(node.left, ast.BinOp)
    return called(node) == "sqrt" and isinstance(node, ast.Call) and len(node.args) == 1 and not isinstance(node.args[0], ast.BinOp)


def _claims(code: Code, owner: ast.AST, function: ast.FunctionDef) -> bool:
    """Whether a name, docstring or comment of this class or function says that the attention is scaled."""
    names = " ".join(getattr(one, "name", "") for one in (owner, function)).replace("Scaled", "scaled")
    texts = [ast.get_docstring(one) or "" for one in (owner, function) if isinstance(one, ast.ClassDef | ast.FunctionDef)]
    beside = [code.comments.get(line, "") for line in range(function.lineno, (function.end_lineno or function.lineno) + 1)]
    return any(CLAIM.search(text) for text in (names, *texts, *beside))


def _without_names(code: Code, owner: ast.AST) -> str:
    """The code of a class or function without its comments, docstrings and its own name."""
    docstrings = [one.value for one in code.all(ast.Expr, inside=owner) if isinstance(one.value, ast.Constant)]
    text = ast.unparse(owner)
    for one in docstrings:
        text = text.replace(ast.unparse(one), "").replace(str(getattr(one, "value", "")), "")
    return text.replace(getattr(owner, "name", ""), "")


def _products(code: Code, function: ast.AST) -> Iterator[ast.expr]:
    """`q @ k.transpose(-2, -1)` and its like."""
    products = [
        *code.calls("matmul", "bmm", inside=function),
        *(one for one in code.all(ast.BinOp, inside=function) if isinstance(one.op, ast.MatMult)),
    ]
    for node in products:
        right = _factors(node)[1]
        turned = isinstance(right, ast.Call) and called(right) in ("transpose", "permute", "t")
        if turned or (isinstance(right, ast.Attribute) and right.attr in ("T", "mT")):
            yield node


def _factors(node: ast.AST) -> tuple[ast.expr | None, ast.expr | None]:
    if isinstance(node, ast.BinOp):
        return node.left, node.right
    if isinstance(node, ast.Call) and len(node.args) == 2:
        return node.args[0], node.args[1]
    if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.func, ast.Attribute):
        return node.func.value, node.args[0]
    return None, None

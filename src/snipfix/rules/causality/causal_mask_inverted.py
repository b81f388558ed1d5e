"""A causal mask that hides what may be seen."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home
from snipfix.rules.written import value_of

__all__ = ["CausalMaskInverted", "lower_triangle", "turned_round"]

HIDDEN = frozenset({"inf", "-inf", "min"})
LARGE = 1e3
KEEPING = frozenset("view unsqueeze expand repeat to type bool byte long int float reshape contiguous clone detach cuda".split())
CODE = (
    "import torch\nimport torch.nn.functional as F\n\nq = torch.randn(2, 5, 4)\nmask = {}\n"
    "scores = q @ q.transpose(1, 2)\nscores = scores.masked_fill({}, -1e9)\nprint(F.softmax(scores, dim=-1))\n"
)
LOWER, UPPER = "torch.tril(torch.ones(5, 5))", "torch.triu(torch.ones(5, 5), diagonal=1)"


class CausalMaskInverted(Rule):
    """A mask from `tril` or `triu` is applied the wrong way: each position sees the ones after it, and not itself and those before.

    ## What it does
    Reports `masked_fill` or `torch.where` with a very negative value where a lower triangle is one (`tril(...) == 1`), or where a triangle
    above the diagonal is zero (`triu(..., diagonal=1) == 0`), in a function that takes a softmax. Elsewhere a triangle may say which pairs to
    leave out, so that each is counted once.

    ## Why is this bad?
    `masked_fill` fills where its mask is true. Here these are the positions that may be seen: the model reads off the token that it must
    predict, and the last position sees nothing at all, which gives NaN or equal weights.

    ## Example
    ```python
    mask = torch.tril(torch.ones(t, t))
    scores = scores.masked_fill(mask == 1, float('-inf'))
    ```

    ## Use instead
    ```python
    mask = torch.tril(torch.ones(t, t))
    scores = scores.masked_fill(mask == 0, float('-inf'))
    ```

    ## Fix safety
    Unsafe only in name: what was hidden is seen, and what was seen is hidden.

    ## References
    - torch.Tensor.masked_fill: fills "where mask is True". Vaswani et al. 2017, "Attention Is All You Need", 3.2.3.
    """

    id = "SNF193"
    name = "causal-mask-inverted"
    category = Category.CAUSALITY
    applicability = Applicability.UNSAFE
    silent = True
    GOOD = (
        Good(CODE.format(LOWER, "mask == 0")),
        Good(CODE.format(UPPER, "mask == 1")),
        Good(CODE.format(UPPER + ".bool()", "mask")),
        Good(CODE.format(LOWER, "~mask.bool()")),
        Good(CODE.format("torch.triu(torch.ones(5, 5)).t()", "mask == 0")),
        Good(
            CODE.format(LOWER, "mask == 0").replace(
                "scores.masked_fill(mask == 0, -1e9)", "torch.where(mask == 1, scores, torch.tensor(-1e9))"
            )
        ),
        Good(CODE.format("(torch.tril(torch.ones(5, 5)) == 0)", "mask")),
        Good(
            "import torch\n\nx = torch.randn(4, 8)\npairs = (x @ x.T).masked_fill(torch.ones(4, 4).tril().bool(), float('-inf'))\nprint(pairs.argmax())\n"
        ),
        Good(  # an answer ends after it starts: the pairs compete among themselves
            "import torch\n\ndef spans(start, end):\n    pairs = start[:, :, None] + end[:, None, :]\n    t = start.size(1)\n"
            "    pairs = pairs.masked_fill(torch.ones(t, t).tril().bool(), float('-inf'))\n    return torch.softmax(pairs.flatten(1), dim=-1)\n\n"
            "print(spans(torch.randn(2, 5), torch.randn(2, 5)).sum(1))\n"
        ),
    )
    BAD = (
        Bad(
            CODE.format(LOWER, "mask == 0").replace(
                "scores.masked_fill(mask == 0, -1e9)", "torch.where(mask == 0, scores, torch.tensor(-1e9))"
            ),
            at=(7, 22),
            fixed=CODE.format(LOWER, "mask == 0").replace(
                "scores.masked_fill(mask == 0, -1e9)", "torch.where(mask == 1, scores, torch.tensor(-1e9))"
            ),
            runs=False,
        ),
        Bad(CODE.format(LOWER, "mask == 1"), at=(7, 29), fixed=CODE.format(LOWER, "mask == 0"), runs=False),
        Bad(
            CODE.format(UPPER + "  # 掩码", "mask[:5, :5] == 0"),
            at=(7, 29),
            fixed=CODE.format(UPPER + "  # 掩码", "mask[:5, :5] == 1"),
            runs=False,
        ),
        Bad(CODE.format(LOWER + ".bool()", "mask"), at=(7, 29), fixed=CODE.format(LOWER + ".bool()", "~mask"), runs=False),
        Bad(CODE.format(LOWER, "mask.bool()"), at=(7, 29), fixed=CODE.format(LOWER, "~mask.bool()"), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("tril", "triu"):
            return
        for call in code.calls("where", "masked_fill", "masked_fill_"):
            condition, where_true = _hiding(call)
            if condition is not None and _attends(code, call) and _shows(code, condition) is (not where_true):
                message = "this fills the positions that the causal mask lets through: each position sees only the ones after it"
                yield self.finding(message, code.span(condition))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.expr)
        if node is not None and context.code.span(node) == finding.span:
            yield self.fix("hide what comes after, not what comes before", *turned_round(context.code, node))


def _attends(code: Code, call: ast.Call) -> bool:
    """Whether a softmax beside a call gives each position its weights; one over all pairs at once chooses among them."""
    return any(not any(_is_flattening(one) for one in ast.walk(softmax)) for softmax in code.calls("softmax", inside=home(code, call)))


def _is_flattening(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or called(node) not in ("flatten", "ravel", "view", "reshape"):
        return False
    return called(node) in ("flatten", "ravel") or (bool(node.args) and ast.unparse(node.args[-1]) == "-1")


def _hiding(call: ast.Call) -> tuple[ast.expr | None, bool]:
    """The condition by which a call puts in very negative values, None where it puts in none, and whether it does so where that is true."""
    if called(call) == "where":
        negative = [very_negative(one) for one in call.args[1:]] if written(call.func) == "torch.where" and len(call.args) == 3 else []
        return (call.args[0], negative[0]) if sum(negative) == 1 else (None, False)
    condition = keyword(call, "mask") or (call.args[0] if call.args else None)
    value = keyword(call, "value") or (call.args[1] if len(call.args) > 1 else None)
    return condition if value is not None and very_negative(value) else None, True


def turned_round(code: Code, condition: ast.AST) -> tuple[Edit, ...]:
    """The edit that turns a condition into its opposite."""
    match condition:
        case ast.Compare(comparators=[ast.Constant(value=0 | 1 as number) as constant]):
            return replace_expression(code, constant, str(1 - number))
        case ast.UnaryOp(op=ast.Invert(), operand=inner):
            return replace_expression(code, condition, code.slice(inner))
        case ast.Compare():
            return replace_expression(code, condition, f"~({code.slice(condition)})")
    return replace_expression(code, condition, f"~{code.slice(condition)}")


def very_negative(value: ast.expr) -> bool:
    """Whether a number is meant to vanish in a softmax: -1e9, float('-inf'), -torch.inf, torch.finfo(...).min."""
    match value:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return number >= LARGE
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return written(inner).rpartition(".")[2] in HIDDEN or written(inner) in ("float('inf')", 'float("inf")')
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=text)]):
            return str(text).strip().lower() in ("-inf", "-infinity")
        case ast.Call(args=[first, *rest]) if called(value) in ("full_like", "tensor"):
            return very_negative(rest[0] if rest and called(value) == "full_like" else first)
        case ast.Attribute(attr="min"):
            return called(value.value) == "finfo"
    return False


def _shows(code: Code, condition: ast.expr) -> bool | None:
    """Whether a condition holds for the future only (as it should), for the past only (False), or cannot be told."""
    match condition:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as op], comparators=[ast.Constant(value=0 | 1 | True | False as number)]):
            lower = lower_triangle(code, left)
            ones = bool(number) == isinstance(op, ast.Eq)
            return None if lower is None else lower != ones
        case ast.UnaryOp(op=ast.Invert(), operand=inner):
            shown = _shows(code, inner)
            return None if shown is None else not shown
        case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in KEEPING:
            return _shows(code, inner)
        case ast.Subscript(value=inner):
            return _shows(code, inner)
        case ast.Name() | ast.Attribute():
            made = _made(code, condition)
            return None if made is None else _shows(code, made)
        case ast.Call():
            lower = lower_triangle(code, condition)
            return None if lower is None else not lower
    return None


def lower_triangle(code: Code, node: ast.expr, depth: int = 4) -> bool | None:
    """Whether a tensor is one on and below the diagonal (True) or above it only (False); None when it is neither, or cannot be told."""
    while True:
        if isinstance(node, ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in KEEPING:
            node = node.func.value
        else:
            break
    if isinstance(node, ast.Name | ast.Attribute) and depth:
        made = _made(code, node)
        return None if made is None else lower_triangle(code, made, depth - 1)
    if called(node) not in ("tril", "triu") or not isinstance(node, ast.Call):
        return None
    method = isinstance(node.func, ast.Attribute) and written(node.func.value) != "torch"
    source = node.func.value if method and isinstance(node.func, ast.Attribute) else node.args[0] if node.args else None
    if source is None or called(source) not in ("ones", "ones_like", "full"):
        return None
    rest = node.args[0 if method else 1 :]
    diagonal = keyword(node, "diagonal") or (rest[0] if rest else ast.Constant(0))
    if called(node) == "tril":
        return True if isinstance(diagonal, ast.Constant) and diagonal.value == 0 else None
    return False if isinstance(diagonal, ast.Constant) and diagonal.value == 1 else None


def _made(code: Code, node: ast.Name | ast.Attribute) -> ast.expr | None:
    """What a name was set to, or an attribute of the object: `self.mask = ...` or `register_buffer("mask", ...)`."""
    if isinstance(node, ast.Name):
        given = value_of(code, node)
        return given[0] if given is not None and given[1] is None and given[0] is not node else None
    values = list(code.assigned.get(written(node), ()))
    kept = (call.args for call in code.calls("register_buffer") if len(call.args) > 1)
    values += [value for name, value, *_ in kept if isinstance(name, ast.Constant) and name.value == node.attr]
    return values[0] if len(values) == 1 else None

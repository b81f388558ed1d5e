"""Scores that a mask should take out get a value that a softmax still counts."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import home
from snipfix.rules.values import literal
from snipfix.rules.written import whole_value

__all__ = ["MaskedScoresTooHigh"]

KEPT = frozenset(["float", "bool", "to", "int", "long", "unsqueeze", "expand", "view", "type_as"])
"""Calls that leave a mask of zeros and ones one."""

CODE = (
    "import torch\nimport torch.nn.functional as F\nq = torch.randn(2, 5, 4)\nmask = torch.tril(torch.ones(5, 5))\n"
    "scores = q @ q.transpose(1, 2)\n{}\n"
)


class MaskedScoresTooHigh(Rule):
    """What a mask should hide is given a score near zero before the softmax: it keeps a weight like any other.

    ## What it does
    Reports `masked_fill` with a value between -1 and 1, and a product with a mask of zeros and ones, whose result goes into a softmax, in the
    same expression or under the same name.

    ## Why is this bad?
    `exp(0)` is 1: padding and future tokens are attended to as before. Usually a minus sign was lost in `-1e9`.

    ## Example
    ```python
    scores = scores.masked_fill(mask == 0, 1e-9)
    weights = scores.softmax(dim=-1)
    ```

    ## Use instead
    ```python
    scores = scores.masked_fill(mask == 0, -1e9)
    weights = scores.softmax(dim=-1)
    ```

    ## Fix safety
    Masked positions get the weight zero.

    ## References
    - torch.Tensor.masked_fill
    - Vaswani et al., "Attention Is All You Need", 2017, section 3.2.3.
    """

    id = "SNF476"
    name = "masked-scores-too-high"
    category = Category.CAUSALITY
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("scores = scores.masked_fill(mask == 0, -1e9)\nprint(scores.softmax(-1))")),
        Good(CODE.format("weights = scores.softmax(-1).masked_fill(mask == 0, 0.0)\nprint(weights)")),
        Good(CODE.format("scores = scores.masked_fill(mask == 0, 0.0)\nscores = scores + (1 - mask) * -1e9\nprint(scores.softmax(-1))")),
        Good(CODE.format("print((scores * mask.float().mean()).softmax(-1))")),
        Good(CODE.format("scores = scores * mask\nscores = scores + (1 - mask) * -1e9\nprint(scores.softmax(-1))")),
        Good(CODE.format("print(scores.softmax(-1) * mask)")),
        Good(CODE.format("ones = scores.masked_fill(mask == 0, 0.0)\nprint(ones.sum(), scores.softmax(-1))")),
    )
    BAD = (
        Bad(
            CODE.format("scores = scores.masked_fill(mask == 0, 1e-9)  # \u906e\u76d6\nprint(F.softmax(scores, dim=-1))"),
            at=(6, 40),
            fixed=CODE.format("scores = scores.masked_fill(mask == 0, -1e9)  # \u906e\u76d6\nprint(F.softmax(scores, dim=-1))"),
            runs=False,
        ),
        Bad(
            CODE.format("print(scores.masked_fill(mask == 0, 0).softmax(dim=-1))"),
            at=(6, 37),
            fixed=CODE.format("print(scores.masked_fill(mask == 0, float('-inf')).softmax(dim=-1))"),
            runs=False,
        ),
        Bad(
            CODE.format("scores = scores * mask\nweights = scores.softmax(dim=-1)\nprint(weights)"),
            at=(6, 10),
            fixed=CODE.format("scores = scores.masked_fill(mask == 0, float('-inf'))\nweights = scores.softmax(dim=-1)\nprint(weights)"),
            runs=False,
        ),
        Bad(
            CODE.format(
                "best = scores.topk(2).indices\nmask = torch.zeros_like(scores).scatter(-1, best, 1.0)\nprint(F.softmax(scores * mask, -1))"
            ),
            at=(8, 17),
            fixed=CODE.format(
                "best = scores.topk(2).indices\nmask = torch.zeros_like(scores).scatter(-1, best, 1.0)\n"
                "print(F.softmax(scores.masked_fill(mask == 0, float('-inf')), -1))"
            ),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for call in code.calls("masked_fill", "masked_fill_"):
            value = call.args[-1] if call.args and not call.keywords else None
            number = literal(value)
            if value is not None and number is not None and abs(number) <= 1 and _into_softmax(code, call):
                message = f"what is masked gets the score {code.slice(value)}, and a softmax gives it a weight like any other"
                yield self.finding(message, code.span(value))
        for product, mask, _ in _products(code):
            if _into_softmax(code, product):
                message = f"what `{mask.id}` hides gets the score 0, and a softmax gives it a weight like any other"
                yield self.finding(message, code.span(product))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        value = context.code.node_at(finding.span, (ast.Constant, ast.UnaryOp))
        for product, mask, scores in _products(context.code):
            if context.code.span(product) == finding.span:
                text = context.code.slice(scores)
                text = text if isinstance(scores, ast.Name | ast.Attribute | ast.Call | ast.Subscript) else f"({text})"
                filled = f"{text}.masked_fill({mask.id} == 0, float('-inf'))"
                yield self.fix("give it no weight", *replace_expression(context.code, product, filled))
        if isinstance(value, ast.expr):
            tiny = "e-" in context.code.slice(value)
            text = "-1e9" if tiny else "float('-inf')"
            yield self.fix("give it no weight", *replace_expression(context.code, value, text))


def _products(code: Code) -> Iterator[tuple[ast.BinOp, ast.Name, ast.expr]]:
    """`scores * mask` in a text with a softmax: the product, the mask of zeros and ones, and the scores."""
    for node in code.all(ast.BinOp) if code.calls("softmax", "log_softmax") else ():
        if isinstance(node.op, ast.Mult):
            for mask, scores in ((node.right, node.left), (node.left, node.right)):
                if isinstance(mask, ast.Name) and "mask" in words(mask.id) and _is_binary(code, mask):
                    yield node, mask, scores
                    break


def _is_binary(code: Code, mask: ast.Name) -> bool:
    """Whether a mask was made of zeros and ones, or is a parameter of its function."""
    value = whole_value(code, mask)
    if value is mask or value is None:
        around = code.around(mask, ast.FunctionDef)
        return around is not None and mask.id in {one.arg for one in (*around.args.args, *around.args.kwonlyargs)}
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and called(value) in KEPT:
        value = value.func.value
    return isinstance(value, ast.Compare) or called(value) in ("tril", "triu", "scatter", "scatter_", "logical_not", "ne", "eq", "gt", "lt")


def _into_softmax(code: Code, call: ast.expr) -> bool:
    """Whether a result is the argument of a softmax, itself or by the name that is read next for nothing else in between."""
    for up in (code.parents.get(call), code.parents.get(code.parents.get(call) or call)):
        if isinstance(up, ast.Call) and called(up) in ("softmax", "log_softmax"):
            return True
    made = code.parents.get(call)
    if not isinstance(made, ast.Assign) or len(made.targets) != 1 or not isinstance(made.targets[0], ast.Name):
        return False
    around, name = home(code, made), made.targets[0].id
    later = [one for one in code.mentions(name) if one.lineno > (made.end_lineno or made.lineno) and home(code, one) is around]
    first = min(later, key=lambda one: (one.lineno, isinstance(one.ctx, ast.Store), one.col_offset), default=None)
    parent = code.parents.get(first) if first is not None else None
    if isinstance(parent, ast.Attribute):
        parent = code.parents.get(parent)
    return isinstance(parent, ast.Call) and called(parent) in ("softmax", "log_softmax")

"""Scores compared with classes by ==."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from snipfix.code import Code
from snipfix.codemods import replace_expression, wrap_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, flag, number, shape
from snipfix.rules.written import value_of

__all__ = ["ScoresComparedWithClasses", "compared"]

HEAD = "import torch, torch.nn as nn\ntorch.manual_seed(0)\nx, y = torch.randn(6, 4), torch.tensor([0, 2, 1, 1, 0, 2])\nnet = nn.Linear(4, 3)\n"
BINARY = "import torch, torch.nn as nn\nx, y = torch.randn(6, 4), torch.tensor([0., 1., 1., 0., 1., 0.])\nnet = nn.Linear(4, 1)\n"


class ScoresComparedWithClasses(Rule):
    """Raw scores are compared with class numbers by `==`, which is never true.

    ## What it does
    Reports `==`, `!=`, `eq` and `ne` between a model's scores, none of which is a whole number, and integers (or floats that are 0 and 1).

    ## Why is this bad?
    The comparison has the same outcome everywhere: the accuracy is 0 whatever the model learns, and no error says so.

    ## Example
    ```python
    correct = (model(x) == y.unsqueeze(1)).sum()
    ```

    ## Use instead
    ```python
    correct = (model(x).argmax(dim=1) == y).sum()
    ```

    ## Fix safety
    Unsafe: the class is taken as the shapes and values suggest; a threshold other than the usual one may be meant.

    ## References
    - torch.eq, torch.argmax.
    """

    id = "SNF452"
    name = "scores-compared-with-classes"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(HEAD + "print((net(x).argmax(dim=1) == y).float().mean())\n"),
        Good(BINARY + "print((torch.sigmoid(net(x)).round().squeeze(1) == y).float().mean())\n"),
        Good(BINARY + "print(((net(x) > 0).squeeze(1) == y).float().mean())\n"),
        Good(HEAD + "out = net(x)\nprint('whole numbers:', (out == out.long()).sum().item())\n"),
        Good(HEAD + "out = torch.relu(net(x))\nprint('silent units:', (out == torch.zeros(3)).sum().item())\n"),
        Good("import torch\nprint(torch.eq(torch.tensor([0.5, 1.5]), torch.tensor([0, 1])))\n"),
    )
    BAD = (
        Bad(
            HEAD + "print((net(x) == y.unsqueeze(1)).sum().item() / len(y))\n",
            at=(5, 8),
            fixed=HEAD + "print((net(x).argmax(dim=1) == y).sum().item() / len(y))\n",
        ),
        Bad(
            HEAD + "out = net(x).softmax(1)\nwrong = out.ne(y.view(-1, 1)).sum()\n",
            at=(6, 9),
            fixed=HEAD + "out = net(x).softmax(1)\nwrong = out.argmax(dim=1, keepdim=True).ne(y.view(-1, 1)).sum()\n",
        ),
        Bad(
            BINARY + "p = torch.sigmoid(net(x)).squeeze(1)\nacc = torch.eq(p, y).float().mean()\n",
            at=(5, 7),
            fixed=BINARY + "p = torch.sigmoid(net(x)).squeeze(1)\nacc = torch.eq(p.round(), y).float().mean()\n",
        ),
        Bad(
            BINARY + "acc = (y == 3 * net(x).view(-1) - 2.5).float().mean()\n",
            at=(4, 8),
            fixed=BINARY + "acc = (y == (3 * net(x).view(-1) - 2.5 > 0)).float().mean()\n",
        ),
        Bad(
            HEAD + "best = net(x).max(dim=1)[0]\nprint((best == y).float().mean())\n",
            at=(6, 8),
            fixed=HEAD + "best = net(x).max(dim=1)[1]\nprint((best == y).float().mean())\n",
        ),
        Bad(
            HEAD + "guess, _ = torch.max(net(x), 1)\nprint((guess == y).float().mean())\n",
            at=(6, 8),
            fixed=HEAD + "_, guess = torch.max(net(x), 1)\nprint((guess == y).float().mean())\n",
        ),
        Bad(
            HEAD + "acc = (net(x).softmax(1) == nn.functional.one_hot(y)).float().mean()\n",
            at=(5, 8),
            fixed=HEAD + "acc = (net(x).softmax(1).argmax(dim=1) == nn.functional.one_hot(y).argmax(dim=1)).float().mean()\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "scores-compared"):
            facts = observation.facts
            if compared(context.code, span) is None:
                continue
            scores, classes = shape(facts, "scores"), shape(facts, "classes")
            message = (
                f"scores {list(scores or ())} are compared with the classes {list(classes or ())} by equality, which never holds: "
                f"no score is a whole number (values from {number(facts, 'low'):.4g} to {number(facts, 'high'):.4g})"
            )
            yield self.finding(message, span, stage=Stage.PROBE, evidence=facts)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        sides = compared(context.code, finding.span)
        position = number(finding.evidence, "position")
        if sides is not None and position is not None:
            scores, classes = sides if position == 0 else sides[::-1]
            if edits := _place_of_maximum(context.code, scores):
                yield self.fix("take the place of the maximum, not its value", *edits)
                return
            title, edits = _chosen(context.code, scores, classes, finding.evidence)
            yield self.fix(title, *edits)


def compared(code: Code, span: Span) -> tuple[ast.expr, ast.expr] | None:
    """The two sides of the one comparison at a place: `a == b`, `a.eq(b)`, `torch.eq(a, b)`."""
    node = code.node_at(span, (ast.Compare, ast.Call))
    if node is None or code.span(node) != span:
        return None
    if isinstance(node, ast.Compare):
        return (node.left, node.comparators[0]) if len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called(node) in ("eq", "ne") and not node.keywords:
        both = [*node.args] if ast.unparse(node.func.value) == "torch" else [node.func.value, *node.args]
        return (both[0], both[1]) if len(both) == 2 else None
    return None


def _chosen(code: Code, scores: ast.expr, classes: ast.expr, facts: Mapping[str, Any]) -> tuple[str, tuple[Edit, ...]]:
    """The edits that make classes of the scores, as the shapes and the range of the values suggest."""
    wide, narrow = shape(facts, "scores") or (), shape(facts, "classes") or ()
    if flag(facts, "one_hot"):
        both = wrap_expression(code, scores, "{}.argmax(dim=1)"), wrap_expression(code, classes, "{}.argmax(dim=1)")
        return "compare the classes with the highest scores", (*both[0], *both[1])
    if len(wide) > 1 and wide[1] > 1 and len(narrow) == len(wide) and narrow[1] == 1:
        if called(classes) == "unsqueeze" and isinstance(classes, ast.Call) and isinstance(classes.func, ast.Attribute) and len(wide) == 2:
            plain = replace_expression(code, classes, code.slice(classes.func.value))
            return "take the class with the highest score", (*wrap_expression(code, scores, "{}.argmax(dim=1)"), *plain)
        return "take the class with the highest score", wrap_expression(code, scores, "{}.argmax(dim=1, keepdim=True)")
    if len(wide) == len(narrow) + 1 and wide[1] > 1:
        return "take the class with the highest score", wrap_expression(code, scores, "{}.argmax(dim=1)")
    flat = ".squeeze(1)" if len(wide) == len(narrow) + 1 else ""
    low, high = number(facts, "low") or 0.0, number(facts, "high") or 0.0
    if 0 <= low <= high <= 1:
        return "round the probabilities to classes", wrap_expression(code, scores, f"{{}}{flat}.round()")
    return "take the class from the sign of the score", _positive(code, scores, flat)


def _place_of_maximum(code: Code, scores: ast.expr) -> tuple[Edit, ...]:
    """Where the scores are the values of a maximum, `out.max(1)[0]` or the first of the two names it is unpacked into: the places instead."""
    value, part = (scores, None) if not isinstance(scores, ast.Name) else value_of(code, scores) or (scores, None)
    if part is None and isinstance(value, ast.Attribute) and value.attr == "values" and _of_maximum(value.value):
        return replace_expression(code, value, f"{code.slice(value.value)}.indices")
    if part is None and isinstance(value, ast.Subscript) and _of_maximum(value.value) and ast.unparse(value.slice) == "0":
        return replace_expression(code, value.slice, "1")
    assigned = code.parents.get(value)
    pair = assigned.targets[0] if part == 0 and isinstance(assigned, ast.Assign) else None
    if _of_maximum(value) and isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
        if code.slice(pair.elts[1]).strip("_"):
            return replace_expression(code, scores, code.slice(pair.elts[1]))
        first, second = (replace_expression(code, one, code.slice(other)) for one, other in zip(pair.elts, pair.elts[::-1], strict=True))
        return (*first, *second)
    return ()


def _of_maximum(node: ast.expr) -> bool:
    """Whether a call gives the values and the places of a maximum: `out.max(1)`, `torch.max(out, dim=1)`, `out.topk(1)`."""
    if not isinstance(node, ast.Call) or called(node) not in {"max", "topk"}:
        return False
    plain = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "torch"
    return len(node.args) + len(node.keywords) > plain


def _positive(code: Code, scores: ast.expr, flat: str) -> tuple[Edit, ...]:
    """`(scores > 0)`: in parentheses, as one comparison beside another would be chained."""
    body = code.slice(scores)
    body = f"({body})" if flat and isinstance(scores, ast.BinOp | ast.UnaryOp) else body
    return replace_expression(code, scores, f"({body}{flat} > 0)")

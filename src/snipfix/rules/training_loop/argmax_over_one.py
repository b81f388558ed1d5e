"""A class taken along a dim that has one entry."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, flag, number, shape

__all__ = ["ArgmaxOverOne"]

HEAD = "import torch, torch.nn as nn\ntorch.manual_seed(0)\nx, y = torch.randn(6, 4), torch.tensor([0, 1, 1, 0, 1, 0])\nnet = nn.Linear(4, 1)\n"


class ArgmaxOverOne(Rule):
    """The class is taken by argmax along a dim of size one: it is 0 whatever comes in.

    ## What it does
    Reports `argmax`, and `max` whose indices are kept, along a dim that has had one entry in every call at that place, for more than one sample.

    ## Why is this bad?
    A binary classifier with one output has its class on one side of a threshold. The argmax over that one output is always 0, and the
    accuracy is the share of zeros among the labels.

    ## Example
    ```python
    p = torch.sigmoid(model(x))  # (batch, 1)
    predicted = p.argmax(dim=1)
    ```

    ## Use instead
    ```python
    p = torch.sigmoid(model(x))
    predicted = (p > 0.5).long().squeeze(1)
    ```

    ## Fix safety
    Unsafe: two outputs may have been meant; values within [0, 1] are taken for probabilities.

    ## References
    - torch.argmax.
    """

    id = "SNF449"
    name = "argmax-over-one"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(HEAD + "print(nn.Linear(4, 2)(x).argmax(dim=1))\n"),
        Good(HEAD + "print(net(x).argmax(dim=0))  # the sample with the highest score\n"),
        Good(HEAD + "for size in (1, 3):\n    print(net(torch.randn(5, size, 4)).argmax(dim=1).shape)\n"),
        Good(HEAD + "values = net(x).max(dim=1).values\nbest, _ = net(x).max(dim=1)\nprint(values, best)\n"),
        Good("import torch\nprint(torch.argmax(torch.rand(4, 1), dim=1))\n"),
    )
    BAD = (
        Bad(
            HEAD + "p = torch.sigmoid(net(x))\nprint((p.argmax(dim=1) == y).float().mean())\n",
            at=(6, 8),
            fixed=HEAD + "p = torch.sigmoid(net(x))\nprint(((p > 0.5).long().squeeze(1) == y).float().mean())\n",
        ),
        Bad(
            HEAD + "_, pred = torch.max(net(x).data, 1)\nprint((pred == y).sum())\n",
            at=(5, 11),
            fixed=HEAD + "pred = (net(x).data > 0).long().squeeze(1)\nprint((pred == y).sum())\n",
        ),
        Bad(
            HEAD + "pred = net(x).max(1, keepdim=True)[1]\n",
            at=(5, 8),
            fixed=HEAD + "pred = (net(x) > 0).long()\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "class-of-one"):
            size, dim = shape(observation.facts, "shape") or (), number(observation.facts, "dim") or 0
            if chosen(context.code, span) is not None:
                message = f"the class is taken along dim {dim:.0f} of {list(size)}, which has one entry: it is 0 whatever comes in"
                yield self.finding(message, span, stage=Stage.PROBE, evidence=observation.facts)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code, facts = context.code, finding.evidence
        node, call = chosen(code, finding.span) or (None, None)
        scores = _scores(call)
        if node is None or scores is None:
            return
        low, high = number(facts, "low") or 0.0, number(facts, "high") or 0.0
        edge = "0.5" if 0 <= low <= high <= 1 else "0"
        flat = "" if flag(facts, "kept") else f".squeeze({number(facts, 'dim') or 0:.0f})"
        body = f"({code.slice(scores)} > {edge}).long(){flat}"
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            body = f"{code.slice(node.targets[0].elts[1])} = {body}"
        yield self.fix(f"compare the one output with {edge}", *replace_expression(code, code.span(node), body))


def chosen(code: Code, span: Span) -> tuple[ast.AST, ast.Call] | None:
    """What stands for the class at a place, and the call in it: `x.argmax(1)`, `x.max(1)[1]`, `_, c = x.max(1)`; None for other uses of max."""
    call = code.node_at(span, ast.Call)
    if not isinstance(call, ast.Call) or code.span(call) != span:
        return None
    if called(call) == "argmax":
        return call, call
    parent = code.parents.get(call)
    if called(call) != "max" or parent is None:
        return None
    if isinstance(parent, ast.Subscript) and parent.value is call and ast.unparse(parent.slice) == "1":
        return parent, call
    if isinstance(parent, ast.Attribute) and parent.attr == "indices":
        return parent, call
    target = parent.targets[0] if isinstance(parent, ast.Assign) and len(parent.targets) == 1 else None
    pair = isinstance(target, ast.Tuple) and len(target.elts) == 2 and ast.unparse(target.elts[0]).startswith("_")
    return (parent, call) if pair else None


def _scores(call: ast.Call | None) -> ast.expr | None:
    if call is None or not isinstance(call.func, ast.Attribute):
        return None
    if ast.unparse(call.func.value) != "torch":
        return call.func.value
    return call.args[0] if call.args else next((one.value for one in call.keywords if one.arg == "input"), None)

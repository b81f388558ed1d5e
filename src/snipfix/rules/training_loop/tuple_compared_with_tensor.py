"""A tuple compared with a tensor by ==."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import wrap_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import each, items, number, text
from snipfix.rules.training_loop.scores_compared_with_classes import compared

__all__ = ["TupleComparedWithTensor"]

HEAD = "import torch, torch.nn as nn\ntorch.manual_seed(0)\nx, y = torch.randn(6, 4), torch.tensor([0, 2, 1, 1, 0, 2])\nnet = nn.Linear(4, 3)\n"
WITH_INDICES = frozenset({"max", "min", "topk", "sort", "mode", "median", "kthvalue", "cummax", "cummin"})


class TupleComparedWithTensor(Rule):
    """A tuple, such as `max(1)` gives, is compared with a tensor by `==`, which is `False` whatever they hold.

    ## What it does
    Reports `==` and `!=` between a tensor and a tuple that holds tensors.

    ## Why is this bad?
    Python compares the two objects, not the numbers in them: the result is one `False`, and nothing is ever counted as right.

    ## Example
    ```python
    if model(x).max(1) == y:
        correct += 1
    ```

    ## Use instead
    ```python
    if model(x).max(1).indices == y:
        correct += 1
    ```

    ## Fix safety
    Unsafe: of a tuple that the author's own code returns the first value is taken.

    ## References
    - torch.max returns (values, indices).
    """

    id = "SNF453"
    name = "tuple-compared-with-tensor"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(HEAD + "print((net(x).max(1)[1] == y).sum())\n"),
        Good(HEAD + "values, classes = net(x).max(1)\nprint((classes == y).sum())\n"),
        Good(HEAD + "out = net(x).max(1)\nprint(out.indices == y, out.indices.shape == (6,), y.shape == (6,))\n"),
        Good(HEAD + "print(tuple(net(x).shape) == (6, 3))\n"),
    )
    BAD = (
        Bad(
            HEAD + "correct = 0\ncorrect += net(x).max(1) == y\nprint(correct)\n",
            at=(6, 12),
            fixed=HEAD + "correct = 0\ncorrect += net(x).max(1).indices == y\nprint(correct)\n",
        ),
        Bad(
            HEAD + "for i in range(6):\n    pred = torch.max(net(x[i]), 0)  # 预测类别\n    if y[i] == pred:\n        print('对')\n",
            at=(7, 8),
            fixed=HEAD
            + "for i in range(6):\n    pred = torch.max(net(x[i]), 0)  # 预测类别\n    if y[i] == pred.indices:\n        print('对')\n",
        ),
        Bad(
            "import torch\nout, y = torch.eye(3), torch.arange(3)\nprint(out.max(1) == y)  # 命中\n",
            at=(3, 7),
            fixed="import torch\nout, y = torch.eye(3), torch.arange(3)\nprint(out.max(1).indices == y)  # 命中\n",
        ),
        Bad(
            HEAD + "def predict(x):\n    out = net(x)\n    return out.argmax(1), out\nprint('all right:', predict(x) == y)\n",
            at=(8, 21),
            fixed=HEAD + "def predict(x):\n    out = net(x)\n    return out.argmax(1), out\nprint('all right:', predict(x)[0] == y)\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "tuple-compared"):
            if compared(context.code, span) is None:
                continue
            facts = observation.facts
            kind = text(facts, "type")
            message = (
                f"a tuple of {number(facts, 'length'):.0f} values{'' if kind == 'tuple' else f' (`{kind}`)'} is compared with a tensor: "
                "`==` is False whatever they hold"
            )
            yield self.finding(message, span, stage=Stage.PROBE, evidence=facts)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        sides = compared(context.code, finding.span) or ()
        names = items(finding.evidence, "names")
        named = [one for one in sides if isinstance(one, ast.Name) and one.id in names]
        made = [one for one in sides if isinstance(one, ast.Call)]
        for side in (named or made)[:1]:
            if text(finding.evidence, "type") in WITH_INDICES:
                yield self.fix("compare the classes, not the pair", *wrap_expression(context.code, side, "{}.indices"))
            else:
                yield self.fix("compare the first value of the tuple", *wrap_expression(context.code, side, "{}[0]"))

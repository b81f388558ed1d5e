"""zero_grad between backward and step."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import CodemodError, insert_statement_before, remove_statement
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called, each
from snipfix.rules.training_loop.clearing import Cleared, cleared_too_early
from snipfix.rules.training_loop.clipping_after_step import moved_up

CLEARED = "the gradients are cleared after the backward pass: the step that follows has nothing to go by"

LOOP = (
    "import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))\nopt = torch.optim.SGD(m.parameters(), lr=0.1)\n"
    "for _ in range(3):\n    loss = m(torch.ones(8, 3)).pow(2).mean()\n    loss.backward()\n"
)
EMPTY = "    for p in m.parameters():\n        if p.grad is not None:\n            p.grad.zero_()\n"
BY_HAND = (
    "import torch\nw, b = torch.ones(3, 1, requires_grad=True), torch.zeros(1, requires_grad=True)\nfor _ in range(3):\n"
    "    loss = (torch.ones(8, 3) @ w + b).pow(2).mean()\n    loss.backward()\n"
)
DESCENT = "    with torch.no_grad():\n        w -= 0.1 * w.grad\n        b -= 0.1 * b.grad\n"


class GradientsClearedBeforeStep(Rule):
    """The gradients are cleared after the backward pass and before the step that should use them.

    ## What it does
    Reports a `zero_grad()` that threw away gradients which no step had used, when the optimizer then stepped without any; and what stands in
    the text between a backward pass and the update of the same parameters and clears their gradients: `zero_grad()` of the optimizer or of
    the model, `p.grad = None`, `w.grad.zero_()`.

    ## Why is this bad?
    The optimizer changes nothing: the model does not learn, and nothing says so.

    ## Example
    ```python
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    ```

    ## Use instead
    ```python
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    ```

    ## Fix safety
    Unsafe only in name: the call moves in front of the backward pass, or the update in front of the clearing.

    ## References
    - torch.optim: "Taking an optimization step".
    """

    id = "SNF431"
    name = "gradients-cleared-before-step"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nm = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "for _ in range(3):\n    loss = m(torch.randn(8, 3)).mean()\n    o.zero_grad()\n    loss.backward()\n    o.step()\n"
        ),
        Good(
            "def turn(loss, opt, accelerator):\n    loss.backward()\n    opt.step()\n    opt.zero_grad()\n    accelerator.backward(loss)\n    opt.step()\n",
            runs=False,
        ),
        Good(
            "import torch, torch.nn as nn\na, b = nn.Linear(3, 3), nn.Linear(3, 1)\noa, ob = (torch.optim.SGD(m.parameters(), lr=0.1) for m in (a, b))\n"
            "for _ in range(3):\n    b(a(torch.ones(2, 3)).detach()).mean().backward()\n    ob.step()\n    ob.zero_grad()\n"
            "    b(a(torch.ones(2, 3))).mean().backward()\n    oa.step()\n    oa.zero_grad()\n    ob.zero_grad()\n"
        ),
        Good(LOOP + "    opt.step()\n" + EMPTY),
        Good(LOOP + EMPTY.replace("m.parameters", "m[0].parameters") + "    opt.step()\n"),  # the first layer is to stay as it is
        Good(LOOP + EMPTY.replace("is not None", "is not None and p.dim() < 2") + "    opt.step()\n"),
        Good(  # the gradients are put aside
            LOOP + "    kept = [p.grad.clone() for p in m.parameters()]\n    m.zero_grad()\n"
            "    for p, g in zip(m.parameters(), kept):\n        p.grad = g\n    opt.step()\n"
        ),
        Good(BY_HAND + DESCENT + "    w.grad.zero_()\n    b.grad.zero_()\n    print(w.grad)\n"),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nm = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "for _ in range(3):\n    loss = m(torch.randn(8, 3)).mean()\n    loss.backward()\n    o.zero_grad()\n    o.step()\n",
            at=(7, 5),
            fixed="import torch, torch.nn as nn\nm = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "for _ in range(3):\n    loss = m(torch.randn(8, 3)).mean()\n    o.zero_grad()\n    loss.backward()\n    o.step()\n",
        ),
        Bad(
            "class Runner:\n    def batch(self, x, y):\n        loss = self.criterion(self.model(x), y)\n        loss.backward()\n"
            "        self.optimizer.zero_grad()  # 清零\n        self.optimizer.step()\n",
            at=(5, 9),
            fixed="class Runner:\n    def batch(self, x, y):\n        loss = self.criterion(self.model(x), y)\n        self.optimizer.zero_grad()\n"
            "        loss.backward()\n        self.optimizer.step()\n",
            runs=False,
        ),
        Bad(LOOP + EMPTY + "    opt.step()  # 更新\n", at=(9, 13), fixed=LOOP + "    opt.step()  # 更新\n" + EMPTY, runs=False),
        Bad(
            BY_HAND + "    w.grad.zero_()\n    b.grad.zero_()\n" + DESCENT,
            at=(6, 5),
            fixed=BY_HAND + DESCENT + "    w.grad.zero_()\n    b.grad.zero_()\n",
            runs=False,
        ),
        Bad(
            LOOP.replace("_ in", "i in") + "    if i % 2:\n        m.zero_grad()\n        opt.step()\n",
            at=(8, 9),
            fixed=LOOP.replace("_ in", "i in") + "    if i % 2:\n        opt.step()\n        m.zero_grad()\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for one in cleared_too_early(context.code):
            yield self.finding(CLEARED, context.code.span(one.place))

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for _, span in each(outcome, context.code, "cleared-gradient"):
            yield self.finding(CLEARED, span, stage=Stage.PROBE)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        found = next((one for one in cleared_too_early(code) if code.span(one.place) == finding.span), None)
        if found is not None and not _is_optimizers(found):
            edit = moved_up(code, found.updates[0], found.clearing[0], found.updates[-1])
            yield self.fix("clear the gradients behind the update", edit)
            return
        node = code.node_at(finding.span, ast.Call)
        statement = None if node is None else statement_of(code, node)
        if statement is None or called(node) != "zero_grad":  # type: ignore[arg-type]
            return
        before = [one for one in code.all(ast.Call) if called(one) == "backward" and one.lineno < statement.lineno]
        if before:
            nearest = max(before, key=lambda one: one.lineno)
            try:
                edits = remove_statement(code, statement.lineno) + insert_statement_before(code, nearest.lineno, code.slice(statement))
            except CodemodError:
                return
            yield self.fix("clear the gradients before the backward pass", *edits)


def _is_optimizers(found: Cleared) -> bool:
    """Whether it is one `zero_grad()` right beside the backward pass, which may as well stand in front of it."""
    return found.beside and len(found.clearing) == 1 and called(found.place) == "zero_grad"

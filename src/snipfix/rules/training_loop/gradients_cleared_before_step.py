"""zero_grad between backward and step."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import CodemodError, insert_statement_before, remove_statement
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called, each
from snipfix.rules.training_loop.backward_never_called import losses_before
from snipfix.rules.training_loop.loops import receiver

BETWEEN = frozenset({"clip_grad_norm_", "clip_grad_value_", "parameters", "print", "item", "append"})
"""What may be called between the two without computing gradients."""
CLEARED = "the gradients are cleared after the backward pass: the step that follows has nothing to go by"


class GradientsClearedBeforeStep(Rule):
    """The gradients are cleared after the backward pass and before the step that should use them.

    ## What it does
    Reports a `zero_grad()` that threw away gradients which no step had used, when the optimizer then stepped without any; and one that stands
    between a backward pass and the step of the same optimizer in the text.

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
    Unsafe only in name: the call moves in front of the backward pass.

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
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for call in context.code.calls("zero_grad"):
            if _stands_between(context.code, call):
                yield self.finding(CLEARED, context.code.span(call))

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for _, span in each(outcome, context.code, "cleared-gradient"):
            yield self.finding(CLEARED, span, stage=Stage.PROBE)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
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


def _stands_between(code: Code, call: ast.Call) -> bool:
    """Whether a backward pass comes before the call, and right behind it the step of the same optimizer, in one and the same block."""
    statement = statement_of(code, call)
    blocks = (getattr(code.parents.get(statement), part, None) for part in ("body", "orelse", "finalbody")) if statement else ()
    block = next((one for one in blocks if isinstance(one, list) and statement in one), None)
    if block is None or statement is None or not _is_call(statement, receiver(call), "zero_grad"):
        return False
    if len(code.calls("backward")) < len(code.calls("step")) and any(one in block for one in losses_before(code, statement.lineno)):
        return False  # what is missing is the backward pass of that loss
    at = block.index(statement)
    for one in reversed(block[:at]):
        if _is_call(one, receiver(call), "step"):
            return False
        if _is_call(one, None, "backward"):
            break
    else:
        return False
    for one in block[at + 1 :]:
        if _is_call(one, receiver(call), "step"):
            return True
        if any(called(inner) not in BETWEEN for inner in code.all(ast.Call, inside=one)):
            return False
    return False


def _is_call(statement: ast.stmt | None, owner: str | None, name: str) -> bool:
    """Whether a statement is just `owner.name()`, whoever the owner is for None."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(value, ast.Call) or called(value) != name:
        return False
    return owner is None or (receiver(value) == owner and not value.args and not value.keywords)

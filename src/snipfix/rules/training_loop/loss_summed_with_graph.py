"""A running total of losses that keeps every graph alive."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import wrap_expression
from snipfix.model import Category, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.training_loop.loops import receiver


class LossSummedWithGraph(Rule):
    """A running total adds up the loss tensor itself, or a list keeps it.

    ## What it does
    Reports `total += loss`, `total += loss * len(x)` and `losses.append(loss)` in a loop that calls `loss.backward()`, when the total itself is
    never used for a backward pass.

    ## Why is this bad?
    The total keeps the history of every loss in it: memory grows with each batch.

    ## Example
    ```python
    loss.backward()
    running_loss += loss
    ```

    ## Use instead
    ```python
    loss.backward()
    running_loss += loss.item()
    ```

    ## Fix safety
    Safe where the total is only printed.

    ## References
    - PyTorch FAQ: "Don't accumulate history across your training loop".
    """

    id = "SNF438"
    name = "loss-summed-with-graph"
    category = Category.TRAINING_LOOP
    severity = Severity.WARNING
    GOOD = (
        Good(
            "import torch\nw = torch.ones(1, requires_grad=True)\ntotal = 0\nfor _ in range(3):\n    loss = (w ** 2).sum()\n"
            "    loss.backward()\n    total += loss.item()\n"
        ),
        Good(
            "import torch\nw = torch.ones(1, requires_grad=True)\ntotal = 0\nfor _ in range(3):\n    loss = (w ** 2).sum()\n    total += loss\ntotal.backward()\n"
        ),
    )
    BAD = (
        Bad(
            "import torch\nw = torch.ones(1, requires_grad=True)\ntotal = 0\nfor _ in range(3):\n    loss = (w ** 2).sum()\n"
            "    loss.backward()\n    total += loss\nprint(total)\n",
            at=(7, 14),
            fixed="import torch\nw = torch.ones(1, requires_grad=True)\ntotal = 0\nfor _ in range(3):\n    loss = (w ** 2).sum()\n"
            "    loss.backward()\n    total += loss.item()\nprint(total)\n",
        ),
        Bad(
            "import torch\nw, x = torch.ones(1, requires_grad=True), torch.ones(4)\ntotal = 0\nfor _ in range(3):\n    loss = (w * x).mean()\n"
            "    loss.backward()\n    total += loss * x.size(0)\nprint(total)\n",
            at=(7, 14),
            fixed="import torch\nw, x = torch.ones(1, requires_grad=True), torch.ones(4)\ntotal = 0\nfor _ in range(3):\n    loss = (w * x).mean()\n"
            "    loss.backward()\n    total += loss.item() * x.size(0)\nprint(total)\n",
        ),
        Bad(
            "import torch\nw = torch.ones(1, requires_grad=True)\nhistory = []\nfor _ in range(3):\n    loss = (w ** 2).sum()\n"
            "    loss.backward()\n    history.append(loss)\nprint(sum(history) / 3)\n",
            at=(7, 20),
            fixed="import torch\nw = torch.ones(1, requires_grad=True)\nhistory = []\nfor _ in range(3):\n    loss = (w ** 2).sum()\n"
            "    loss.backward()\n    history.append(loss.item())\nprint(sum(history) / 3)\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        backward = {receiver(node) for node in code.calls("backward")}
        for statement, total, value in _kept(code) if backward else ():
            loop = code.parents[statement]
            if not (isinstance(loop, ast.For | ast.While) and statement in loop.body):
                continue
            inside = {receiver(node) for node in code.calls("backward", inside=loop)}
            if value.id in inside and total not in backward:
                what = "keeps the tensor" if isinstance(statement, ast.Expr) else "adds up the tensor"
                yield self.finding(f"`{total}` {what} `{value.id}` with its history: memory grows with every round", code.span(value))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        yield self.fix("add up the number", *wrap_expression(context.code, finding.span, "{}.item()"), meaning=Meaning.KEEPS)


def _kept(code: Code) -> Iterator[tuple[ast.stmt, str, ast.Name]]:
    """What a statement keeps of a tensor, and where: `total += loss`, `total += loss * len(x)`, `losses.append(loss)`."""
    for statement in code.all(ast.AugAssign):
        value = statement.value
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Div):
            value = value.left if isinstance(value.left, ast.Name) or isinstance(value.op, ast.Div) else value.right
        if isinstance(statement.op, ast.Add) and isinstance(value, ast.Name):
            yield statement, written(statement.target), value
    for given in code.all(ast.Assign):
        total = given.value
        if not isinstance(total, ast.BinOp) or not isinstance(total.op, ast.Add):
            continue
        if isinstance(total.right, ast.Name) and written(total.left) == written(given.targets[0]):
            yield given, written(total.left), total.right
    for call in code.calls("append"):
        kept = code.parents[call]
        if isinstance(kept, ast.Expr) and len(call.args) == 1 and isinstance(call.args[0], ast.Name):
            yield kept, receiver(call), call.args[0]

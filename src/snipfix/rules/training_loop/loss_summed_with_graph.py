"""A running total of losses that keeps every graph alive."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import wrap_expression
from snipfix.model import Category, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.training_loop.loops import receiver


class LossSummedWithGraph(Rule):
    """A running total adds up the loss tensor itself.

    ## What it does
    Reports `total += loss` in a loop that calls `loss.backward()`, when the total itself is never used for a backward pass.

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
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        backward = {receiver(node) for node in code.calls("backward")}
        for statement in code.all(ast.AugAssign) if backward else ():
            loop = code.parents[statement]
            if not (isinstance(loop, ast.For | ast.While) and statement in loop.body and isinstance(statement.op, ast.Add)):
                continue
            if isinstance(statement.value, ast.Name):
                total, value = ast.unparse(statement.target), statement.value.id
                inside = {receiver(node) for node in code.calls("backward", inside=loop)}
                if value in inside and total not in backward:
                    message = f"`{total}` adds up the tensor `{value}` with its history: memory grows with every round"
                    yield self.finding(message, code.span(statement.value))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        yield self.fix("add up the number", *wrap_expression(context.code, finding.span, "{}.item()"), meaning=Meaning.KEEPS)

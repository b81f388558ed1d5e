"""A loss function that is built and never called."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import CodemodError, remove_statement
from snipfix.model import Category, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called


class CriterionNeverUsed(Rule):
    """A criterion is built, and the loss is computed without it.

    ## What it does
    Notes a name bound to a loss of `torch.nn` that is never read in a text that calls `backward()`.

    ## Why is this bad?
    The reader looks for what it does: nothing.

    ## Example
    ```python
    criterion = nn.BCELoss()
    loss = -torch.log(p).mean()
    ```

    ## Use instead
    ```python
    criterion = nn.BCELoss()
    loss = criterion(p, torch.ones_like(p))
    ```

    ## Fix safety
    Leaving it out changes nothing, since nothing reads the name. That the loss was to be computed with it is as likely.

    ## References
    - torch.nn: "Loss Functions".
    """

    id = "SNF441"
    name = "criterion-never-used"
    category = Category.TRAINING_LOOP
    severity = Severity.NOTE
    HEAD = "import torch, torch.nn as nn\nw = torch.ones(2, requires_grad=True)\n"
    GOOD = (
        Good(HEAD + "criterion = nn.MSELoss()\ncriterion(w, torch.zeros(2)).backward()\n"),
        Good(HEAD + "criterion = nn.MSELoss()\n"),
    )
    BAD = (
        Bad(
            HEAD + "criterion = nn.MSELoss()\n(w ** 2).mean().backward()\n",
            at=(3, 13),
            fixed=HEAD + "(w ** 2).mean().backward()\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("backward"):
            return
        for node in code.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
                kind = context.scopes.qualified(node.value.func) or "" if called(node.value).endswith("Loss") else ""
                if kind.startswith("torch.nn.") and not _is_read(code, node.targets[0].id):
                    message = f"`{node.targets[0].id}` is never used: the loss is computed without it"
                    yield self.finding(message, code.span(node.value))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        statement = None if node is None else statement_of(context.code, node)
        if statement is not None:
            try:
                yield self.fix("leave it out", *remove_statement(context.code, statement.lineno), meaning=Meaning.KEEPS)
            except CodemodError:
                return


def _is_read(code: Code, name: str) -> bool:
    return any(node.id == name and isinstance(node.ctx, ast.Load) for node in code.all(ast.Name))

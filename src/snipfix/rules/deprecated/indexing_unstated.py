"""`meshgrid` that is not told which index comes first."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword
from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["IndexingUnstated"]

HEAD = "import torch\nx, y = torch.arange(2), torch.arange(3)\n"


class IndexingUnstated(Rule):
    """`meshgrid` is not told which index comes first.

    ## What it does
    Reports `torch.meshgrid` without `indexing`.

    ## Why is this bad?
    torch warns that it will ask for it: NumPy's function of the same name orders the axes the other way, so the next release may, too.

    ## Example
    ```python
    rows, columns = torch.meshgrid(y, x)
    ```

    ## Use instead
    ```python
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    ```

    ## Fix safety
    Safe: `"ij"` is what torch does without being told.

    ## References
    - torch.meshgrid.
    """

    id = "SNF378"
    name = "indexing-unstated"
    category = Category.DEPRECATED
    severity = Severity.WARNING
    applicability = Applicability.SAFE
    GOOD = (
        Good(HEAD + 'print(torch.meshgrid(x, y, indexing="xy"))\n'),
        Good("import numpy as np\nprint(np.meshgrid([1, 2], [3]))\n"),
        Good(HEAD + 'options = {"indexing": "ij"}\nprint(torch.meshgrid(x, y, **options))\n'),
    )
    BAD = (
        Bad(HEAD + "grid = torch.meshgrid(y, x)  # 网格\n", at=(3, 8), fixed=HEAD + 'grid = torch.meshgrid(y, x, indexing="ij")  # 网格\n'),
        Bad(
            HEAD + "from torch import meshgrid\ngrid = torch.stack(meshgrid([y, x]))\n",
            at=(4, 20),
            fixed=HEAD + 'from torch import meshgrid\ngrid = torch.stack(meshgrid([y, x], indexing="ij"))\n',
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for call, name in context.scopes.calls:
            if name == "torch.meshgrid" and not {"indexing", None} & {one.arg for one in call.keywords}:
                yield self.finding("`meshgrid` is not told `indexing`: torch warns and will ask for it", context.code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        if isinstance(call, ast.Call):
            yield self.fix("Say which index comes first", *add_keyword(context.code, call, "indexing", '"ij"'), meaning=Meaning.KEEPS)

"""`import torchvision.models as models`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Applicability, Category, Edit, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["SubmoduleUnderItsOwnName"]

SUBMODULES = frozenset({"torchvision.datasets", "torchvision.models", "torchvision.transforms"})


class SubmoduleUnderItsOwnName(Rule):
    """A submodule of torchvision is imported under the name that it has anyway.

    ## What it does
    Notes `import torchvision.models as models`, and the same of `datasets` and `transforms`.

    ## Why is this bad?
    It is no defect: the text works. `from torchvision import models` says it once, and is what torchvision's own documentation shows.

    ## Example
    ```python
    import torchvision.models as models
    ```

    ## Use instead
    ```python
    from torchvision import models
    ```

    ## Fix safety
    Safe: the same module under the same name.

    ## References
    - torchvision documentation, "Models and pre-trained weights".
    """

    id = "SNF149"
    name = "submodule-under-its-own-name"
    category = Category.API_MISUSE
    severity = Severity.NOTE
    applicability = Applicability.SAFE
    GOOD = (
        Good("from torchvision import models\nimport torchvision.models as zoo\n", runs=False),
        Good("import torch.nn.functional as F\nimport torch.nn as nn\nimport torchvision\n", runs=False),
    )
    BAD = (
        Bad(
            "import torchvision.transforms as transforms  # 变换\n",
            at=(1, 8),
            fixed="from torchvision import transforms  # 变换\n",
            runs=False,
        ),
        Bad("import os, torchvision.models as models\n", at=(1, 12), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for statement in context.code.all(ast.Import):
            for alias in statement.names:
                if alias.name in SUBMODULES and alias.asname == alias.name.rpartition(".")[2]:
                    yield self.finding(
                        f"`{alias.asname}` is named twice: `from torchvision import {alias.asname}`", context.code.span(alias)
                    )

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for statement in context.code.all(ast.Import):
            if len(statement.names) == 1 and context.code.span(statement.names[0]) == finding.span:
                text = f"from torchvision import {statement.names[0].asname}"
                yield self.fix("Import it by name", Edit(*context.code.range(context.code.span(statement)), text), meaning=Meaning.KEEPS)

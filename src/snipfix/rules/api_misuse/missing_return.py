"""A function's result is used that returns nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import insert_statement_after
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class MissingReturn(CrashRule):
    """A function's result is used that returns nothing.

    ## What it does
    Explains uses of None where a function or `forward` of the snippet forgot its `return`.

    ## Why is this bad?
    The program stops where the value is used, which is not where it is missing.

    ## Example
    ```python
    def forward(self, x):
        x = self.fc(x)
    ```

    ## Use instead
    ```python
    def forward(self, x):
        x = self.fc(x)
        return x
    ```

    ## Fix safety
    The last value that the function computes is returned.

    ## References
    - Python, The return statement
    """

    id = "SNF320"
    name = "missing-return"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("TypeError", "AttributeError")
    MESSAGES = (
        r"must be Tensor, not NoneType",
        r"'NoneType' object has no attribute",
        r"'NoneType' object is not (?:subscriptable|iterable|callable)",
        r"cannot unpack non-iterable NoneType",
        r"unsupported operand type\(s\) for .*NoneType",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\ndef double(x):\n    y = x * 2\n    return y\n\ndouble(torch.zeros(1)).sum()\n"),
        Good("import torch\nimport torch.nn as nn\ndef show(x):\n    text = str(x)\n    print(text)\n\nshow(1)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n\n    def forward(self, x):\n        x = self.fc(x)\n\nloss = Net()(torch.zeros(4, 3)).sum()\n",
            at=(11, 8),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n\n    def forward(self, x):\n        x = self.fc(x)\n        return x\n\nloss = Net()(torch.zeros(4, 3)).sum()\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return next(iter(self.candidates(crash)), None) is not None

    def says(self, crash: Crash) -> str:
        names = [function.name for function in self._silent(crash)]
        return f"{names[0] if names else 'a function'} returns nothing, and its result is used"

    @staticmethod
    def _silent(crash: Crash) -> list[ast.FunctionDef]:
        """Functions without a return whose last statement computes something, those that were called first."""
        functions = [node for node in crash.code.all(ast.FunctionDef) if node.name != "__init__"]
        silent = [node for node in functions if not any(isinstance(one, ast.Return | ast.Yield) for one in ast.walk(node))]
        near = crash.text(crash.statement) if crash.statement is not None else ""
        computing = [node for node in silent if isinstance(node.body[-1], ast.Assign) and isinstance(node.body[-1].targets[0], ast.Name)]
        return sorted(computing, key=lambda node: (node.name not in near, node.name != "forward"))

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        for function in self._silent(crash):
            last = function.body[-1]
            assert isinstance(last, ast.Assign)
            text = f"return {crash.text(last.targets[0])}"
            yield Offer(f"Return what {function.name} computes", insert_statement_after(crash.code, last.end_lineno or last.lineno, text))

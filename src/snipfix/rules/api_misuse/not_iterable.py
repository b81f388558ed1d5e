"""Something is iterated over that holds nothing to iterate over."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import wrap_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class NotIterable(CrashRule):
    """Something is iterated over that holds nothing to iterate over.

    ## What it does
    Explains loops and arguments given a method that was not called, or a number.

    ## Why is this bad?
    The program stops: `model.parameters` is a method, and `len(x)` a number.

    ## Example
    ```python
    torch.optim.SGD(net.parameters, lr=0.1)
    ```

    ## Use instead
    ```python
    torch.optim.SGD(net.parameters(), lr=0.1)
    ```

    ## Fix safety
    A method is called, and a number counted up to.

    ## References
    - torch.nn.Module.parameters
    """

    id = "SNF323"
    name = "not-iterable"
    category = Category.API_MISUSE
    applicability = Applicability.SAFE
    TYPES = ("TypeError",)
    MESSAGES = (r"'(\w+)' object is not iterable",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2)\ntorch.optim.SGD(net.parameters(), lr=0.1)\n"),
        Good("import torch\nimport torch.nn as nn\nfor i in range(3):\n    print(i)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2)\nopt = torch.optim.SGD(net.parameters, lr=0.1)\n",
            at=(4, 7),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nxs = [1, 2, 3]\nfor i in len(xs):\n    print(xs[i])\n",
            at=(4, 1),
            fixed="import torch\nimport torch.nn as nn\nxs = [1, 2, 3]\nfor i in range(len(xs)):\n    print(xs[i])\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return next(iter(self.candidates(crash)), None) is not None

    def says(self, crash: Crash) -> str:
        return f"there is nothing to iterate over in this {crash.found[0]}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code, statement = crash.code, crash.statement
        if "method" in crash.found[0]:
            for node in ast.walk(statement) if statement is not None else ():
                if isinstance(node, ast.Attribute) and node.attr in CALLED and not self._is_called(crash, node):
                    yield Offer("Call the method", wrap_expression(code, node, "{}()"))
        elif isinstance(statement, ast.For):
            yield Offer("Count up to the number", wrap_expression(code, statement.iter, "range({})"))

    @staticmethod
    def _is_called(crash: Crash, node: ast.Attribute) -> bool:
        parent = crash.code.parents.get(node)
        return isinstance(parent, ast.Call) and parent.func is node


CALLED = ("parameters", "named_parameters", "children", "modules", "buffers", "items", "keys", "values", "split", "tolist", "size")

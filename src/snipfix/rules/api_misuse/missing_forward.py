"""A module is called that has no forward."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator

from snipfix.codemods import joined, rename_attribute, wrap_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class MissingForward(CrashRule):
    """A module is called that has no forward.

    ## What it does
    Explains calls of a module without a `forward` method: misspelt, or indented into `__init__`.

    ## Why is this bad?
    `nn.Module.__call__` runs `forward`; without it there is nothing to run.

    ## Example
    ```python
    class Net(nn.Module):
        def foward(self, x):
            return x
    ```

    ## Use instead
    ```python
    class Net(nn.Module):
        def forward(self, x):
            return x
    ```

    ## Fix safety
    A method of nearly that name is renamed, a nested one moved out.

    ## References
    - torch.nn.Module: forward
    """

    id = "SNF306"
    name = "missing-forward"
    category = Category.API_MISUSE
    applicability = Applicability.SAFE
    TYPES = ("NotImplementedError",)
    MESSAGES = (r"Module \[(\w+)\] is missing the required \"forward\" function",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def forward(self, x):\n        return x\n\nNet()(1)\n"),
        Good("import torch\nimport torch.nn as nn\nclass Net(nn.Sequential):\n    pass\n\nnet = Net(nn.ReLU())\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def foward(self, x):\n        return x\n\nNet()(torch.zeros(1))\n",
            at=(7, 1),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def forward(self, x):\n        return x\n\nNet()(torch.zeros(1))\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        # A base class may leave forward to others: without a call in the snippet, only what is nearly a forward is a defect.
        return bool(crash.found[0]) and (
            crash.found[0] in CONTAINERS or crash.exercise is None or next(iter(self.candidates(crash)), None) is not None
        )

    def says(self, crash: Crash) -> str:
        return f"{crash.found[0]} has no forward method"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        owner, code = crash.class_named(crash.found[0]), crash.code
        maker = crash.constructor
        if crash.found[0] in CONTAINERS and maker is not None and isinstance(maker.func, ast.Attribute):
            yield Offer("Use a container that is run from front to back", self._run_in_order(crash, maker, maker.func))
        if owner is None:
            return
        methods = {node.name: node for node in owner.body if isinstance(node, ast.FunctionDef)}
        for name in difflib.get_close_matches("forward", methods, 1, 0.6) or (["call"] if "call" in methods else []):
            at = code.text.index(name, code.range(code.span(methods[name]))[0])
            yield Offer("Name the method forward", (Edit(at, at + len(name), "forward"),))
        for method in methods.values():
            for node in method.body:
                if isinstance(node, ast.FunctionDef) and node.name == "forward" and node is method.body[-1]:
                    width = node.col_offset - method.col_offset
                    lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                    starts = [code.offset(line, 1) for line in lines if code.lines[line - 1].strip()]
                    blank = Edit(starts[0], starts[0], "\n")
                    yield Offer("Move forward out of the other method", (blank, *(Edit(at, at + width, "") for at in starts)))

    @staticmethod
    def _run_in_order(crash: Crash, maker: ast.Call, func: ast.Attribute) -> tuple[Edit, ...]:
        renamed = rename_attribute(crash.code, func, "Sequential")
        return joined(renamed, wrap_expression(crash.code, maker.args[0], "*{}")) if maker.args else renamed


CONTAINERS = ("ModuleList", "ModuleDict")

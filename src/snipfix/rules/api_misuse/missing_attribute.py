"""An attribute is read that nothing sets."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator

from snipfix.codemods import add_statement_to_init, rename_attribute
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.signatures import parameters


class MissingAttribute(CrashRule):
    """An attribute is read that nothing sets.

    ## What it does
    Explains attributes of the snippet's own classes that do not exist: misspelt, never stored by `__init__`, or expected of a class by code that was copied without it.

    ## Why is this bad?
    The program stops where the attribute is read.

    ## Example
    ```python
    class Net(nn.Module):
        def __init__(self, width):
            super().__init__()

        def forward(self, x):
            return x.view(-1, self.width)
    ```

    ## Use instead
    ```python
    class Net(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.width = width

        def forward(self, x):
            return x.view(-1, self.width)
    ```

    ## Fix safety
    A name that is nearly the same, or a parameter of the same name, is what was meant; a common layer is made with its usual settings.

    ## References
    - torch.nn.Module
    """

    id = "SNF310"
    name = "missing-attribute"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("AttributeError",)
    MESSAGES = (r"'(\w+)' object has no attribute '(\w+)'", r"type object '(\w+)' has no attribute '(\w+)'")
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.width = width\n\nprint(Net(3).width)\n"
        ),
        Good("import torch\nimport torch.nn as nn\nclass Block:\n    expansion = 1\n\nprint(Block.expansion)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.fc1 = nn.Linear(width, 2)\n\n    def forward(self, x):\n        return self.fc2(x)\n\nNet(3)(torch.zeros(2, 3))\n",
            at=(9, 16),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.fc1 = nn.Linear(width, 2)\n\n    def forward(self, x):\n        return self.fc1(x)\n\nNet(3)(torch.zeros(2, 3))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nclass Block(nn.Module):\n    def forward(self, x):\n        return x\n\nwidth = 4 * Block.expansion\n",
            at=(7, 13),
            fixed="import torch\nimport torch.nn as nn\nclass Block(nn.Module):\n    expansion = 1\n\n    def forward(self, x):\n        return x\n\nwidth = 4 * Block.expansion\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return crash.class_named(crash.found[0]) is not None or self._held(crash) is not None

    def says(self, crash: Crash) -> str:
        return f"{crash.found[0]} has no attribute {crash.found[1]}"

    @staticmethod
    def _held(crash: Crash) -> ast.ClassDef | None:
        return crash.class_named(crash.frame.owner) if crash.frame and crash.found[0] == "type" else None

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code, name = crash.code, crash.found[1]
        owner = crash.class_named(crash.found[0])
        if owner is None:
            return
        init = crash.method(owner.name, "__init__")
        if name in CLASS_ATTRIBUTES:
            line = _body_line(owner)
            blanks = " " * owner.body[0].col_offset
            at = code.offset(line, 1)
            yield Offer(f"Give {owner.name} its {name}", (Edit(at, at, f"{blanks}{name} = {CLASS_ATTRIBUTES[name]}\n\n"),))
        if init is not None and name in parameters(init):
            yield Offer(f"Keep {name}", add_statement_to_init(code, owner.name, f"self.{name} = {name}", first=True))
        node = crash.node
        if isinstance(node, ast.Attribute):
            known = [one.attr for one in ast.walk(owner) if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store)]
            known += [one.name for one in owner.body if isinstance(one, ast.FunctionDef)]
            for near in difflib.get_close_matches(name, set(known) - {name}, 3, 0.6):
                yield Offer(f"Use {near}", rename_attribute(code, node, near))
        layer = LAYERS.get(name)
        if init is not None and layer:
            package = "nn." if "nn." in code.text else "torch.nn."
            yield Offer(f"Make the {name} layer", add_statement_to_init(code, owner.name, f"self.{name} = {package}{layer}"))


def _body_line(owner: ast.ClassDef) -> int:
    """The line of a class's first statement after its docstring, decorators included."""
    body = [node for node in owner.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))] or owner.body
    decorators: list[ast.expr] = getattr(body[0], "decorator_list", [])
    return min([body[0].lineno, *(one.lineno for one in decorators)])


CLASS_ATTRIBUTES = {"expansion": "1"}
"""What torchvision's code expects of a class, with its plainest value."""
LAYERS = {
    "relu": "ReLU()",
    "activation": "ReLU()",
    "tanh": "Tanh()",
    "sigmoid": "Sigmoid()",
    "gelu": "GELU()",
    "softmax": "Softmax(dim=-1)",
    "flatten": "Flatten()",
    "dropout": "Dropout(0.1)",
    "pool": "MaxPool2d(2)",
    "maxpool": "MaxPool2d(2)",
}

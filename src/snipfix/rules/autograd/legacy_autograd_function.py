"""An autograd Function is written in the style of PyTorch 0.1."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import insert_statement_before, joined, rename, replace_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class LegacyAutogradFunction(CrashRule):
    """An autograd Function is written in the style of PyTorch 0.1.

    ## What it does
    Explains a `torch.autograd.Function` whose `forward` is no static method, or which is called instead of applied.

    ## Why is this bad?
    The style was removed in PyTorch 1.5.

    ## Example
    ```python
    class Square(torch.autograd.Function):
        def forward(self, x):
            self.save_for_backward(x)
            return x * x
    ```

    ## Use instead
    ```python
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x
    ```

    ## Fix safety
    What is kept on `self` is kept on the context. A Function that takes arguments in its constructor has to be rewritten by hand.

    ## References
    - torch.autograd.Function
    """

    id = "SNF290"
    name = "legacy-autograd-function"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"[Ll]egacy autograd function with non-static forward method is deprecated",
        r"Attempting to run a legacy-style autograd function|should not be instantiated. Methods on autograd functions are all static",
    )
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nclass Square(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        ctx.save_for_backward(x)\n        return x * x\n\n    @staticmethod\n    def backward(ctx, g):\n        (x,) = ctx.saved_tensors\n        return 2 * x * g\n\nSquare.apply(torch.ones(2, requires_grad=True)).sum().backward()\n"
        ),
        Good("import torch\nimport torch.nn as nn\nf = torch.autograd.Function\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclass Square(torch.autograd.Function):\n    def forward(self, x):\n        self.save_for_backward(x)\n        return x * x\n\n    def backward(self, g):\n        (x,) = self.saved_tensors\n        return 2 * x * g\n\ny = Square()(torch.ones(2, requires_grad=True))\ny.sum().backward()\n",
            at=(12, 5),
            fixed="import torch\nimport torch.nn as nn\nclass Square(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        ctx.save_for_backward(x)\n        return x * x\n\n    @staticmethod\n    def backward(ctx, g):\n        (x,) = ctx.saved_tensors\n        return 2 * x * g\n\ny = Square.apply(torch.ones(2, requires_grad=True))\ny.sum().backward()\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "this autograd Function has no static forward"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code = crash.code
        owners = [node for node in code.all(ast.ClassDef) if any(ast.unparse(base).endswith("Function") for base in node.bases)]
        for owner in owners:
            edits: list[tuple[Edit, ...]] = []
            for method in (node for node in owner.body if isinstance(node, ast.FunctionDef) and node.name in ("forward", "backward")):
                if not method.decorator_list:
                    edits.append(insert_statement_before(code, method.lineno, "@staticmethod"))
                if method.args.args and method.args.args[0].arg == "self":
                    edits.append(rename(code, "self", "ctx", inside=method))
            # `Square()(x)`, or `square = Square()` and later `square(x)`: the instance stood for what `apply` is now.
            made = [node for node in code.calls(owner.name) if isinstance(node.func, ast.Name) and not node.args and not node.keywords]
            edits += [replace_expression(code, call, f"{owner.name}.apply") for call in made]
            yield Offer("Make the methods static and apply the Function", joined(*edits))

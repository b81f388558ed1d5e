"""A layer is assigned before the module has been initialised."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_argument, insert_statement_before, joined, remove_statement
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class ModuleBeforeInit(CrashRule):
    """A layer is assigned before the module has been initialised.

    ## What it does
    Explains `nn.Module` classes whose `__init__` sets layers without calling `super().__init__()`, or before it.

    ## Why is this bad?
    `nn.Module.__init__` makes the registers that layers and parameters are kept in.

    ## Example
    ```python
    class Net(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(3, 2)
    ```

    ## Use instead
    ```python
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)
    ```

    ## Fix safety
    The call has to stand there in any module.

    ## References
    - torch.nn.Module
    """

    id = "SNF305"
    name = "module-before-init"
    category = Category.API_MISUSE
    applicability = Applicability.SAFE
    TYPES = ("AttributeError",)
    MESSAGES = (
        r"cannot assign (?:module|parameters?|buffers?) before Module\.__init__\(\) call",
        r"'?\w+'? object has no attribute '_(?:modules|parameters|buffers)'",
        r"'?(\w+)'? object has no attribute '_(?:backward|forward)_(?:pre_)?hooks'",
    )
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n\n    def forward(self, x):\n        return self.fc(x)\n\nnet = Net()\n"
        ),
        Good(
            "import torch\nimport torch.nn as nn\nclass Net:\n    def __init__(self):\n        self.fc = nn.Linear(3, 2)\n\n    def forward(self, x):\n        return self.fc(x)\n\nnet = Net()\n"
        ),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclass Loss(nn.Module):\n    def __init__(self):\n        self.gamma = 2\n\n    def forward(self, x):\n        return x ** self.gamma\n\ny = Loss()(torch.ones(3))\n",
            at=(10, 5),
            fixed="import torch\nimport torch.nn as nn\nclass Loss(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.gamma = 2\n\n    def forward(self, x):\n        return x ** self.gamma\n\ny = Loss()(torch.ones(3))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        self.fc = nn.Linear(3, 2)\n\n    def forward(self, x):\n        return self.fc(x)\n\nnet = Net()\n",
            at=(5, 9),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n\n    def forward(self, x):\n        return self.fc(x)\n\nnet = Net()\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        owner = _owner(crash) or "the module"
        if "hooks" in crash.failure.message:
            return f"{owner} is called and super().__init__() never was"
        return f"{owner} assigns a layer before super().__init__() has been called"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code = crash.code
        method = crash.method(_owner(crash), "__init__")
        owner = crash.class_of(method) if method is not None else None
        if method is None or owner is None:
            return
        old_style = any(f"super({node.name}, self)" in code.text for node in code.all(ast.ClassDef))
        line = f"super({owner.name}, self).__init__()" if old_style else "super().__init__()"
        body = method.body
        documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1
        first = body[1] if documented else body[0]
        unbound = next((one for one in code.calls("super", inside=method) if len(one.args) == 1), None)
        if unbound is not None:
            yield Offer("Let super() know the object", add_argument(code, unbound, method.args.args[0].arg))
            return
        late = [node for node in body if isinstance(node, ast.Expr) and "super(" in code.slice(node)]
        edits = [insert_statement_before(code, first.lineno, code.slice(late[0]) if late and "__init__()" in code.slice(late[0]) else line)]
        if late:
            edits.append(remove_statement(code, late[0].lineno))
        yield Offer("Initialise the module first", joined(*edits))


def _owner(crash: Crash) -> str:
    """The class that was not initialised: the one that the message names, else the one whose method was running."""
    named = crash.found[0] if crash.found else ""
    return named or (crash.frame.owner if crash.frame else "")

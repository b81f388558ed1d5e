"""An optimizer is given no parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.codemods import joined, replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword, wrapped


class OptimizerWithoutParameters(CrashRule):
    """An optimizer is given no parameters.

    ## What it does
    Explains optimizers of a module that registers none: its layers stand in a plain list, its constructor is misspelt, or a generator of parameters was used up before.

    ## Why is this bad?
    `nn.Module` finds parameters in attributes that are modules; it does not look into lists.

    ## Example
    ```python
    self.layers = [nn.Linear(3, 3)]
    ```

    ## Use instead
    ```python
    self.layers = nn.ModuleList([nn.Linear(3, 3)])
    ```

    ## Fix safety
    The layers stay the same and become known to the module.

    ## References
    - torch.nn.ModuleList
    """

    id = "SNF289"
    name = "optimizer-without-parameters"
    category = Category.AUTOGRAD
    applicability = Applicability.SAFE
    TYPES = ("ValueError",)
    MESSAGES = (r"optimizer got an empty parameter list",)
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nnet = nn.ModuleList([nn.Linear(3, 3)])\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        ),
        Good("import torch\nimport torch.nn as nn\nopt = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.layers = [nn.Linear(3, 3) for _ in range(2)]\n\n    def forward(self, x):\n        for layer in self.layers:\n            x = layer(x)\n        return x\n\nnet = Net()\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n",
            at=(14, 7),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(2)])\n\n    def forward(self, x):\n        for layer in self.layers:\n            x = layer(x)\n        return x\n\nnet = Net()\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 3)\nparams = net.parameters()\nprint(sum(p.numel() for p in params))\nopt = torch.optim.SGD(params, lr=0.1)\n",
            at=(6, 7),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 3)\nparams = list(net.parameters())\nprint(sum(p.numel() for p in params))\nopt = torch.optim.SGD(params, lr=0.1)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "the optimizer is given no parameters"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code = crash.code
        for owner in (node for node in code.all(ast.ClassDef)):
            for method in (node for node in owner.body if isinstance(node, ast.FunctionDef)):
                if method.name != "__init__" and method.name.replace("_", "") in ("init", "int"):
                    at = code.text.index(method.name, code.range(code.span(method))[0])
                    yield Offer("Name the constructor __init__", (Edit(at, at + len(method.name), "__init__"),))
                lists = [node for node in ast.walk(method) if isinstance(node, ast.Assign) and self._holds_layers(node)]
                if lists:
                    edits = []
                    for node in lists:
                        kind = "ModuleDict" if isinstance(node.value, ast.Dict | ast.DictComp) else "ModuleList"
                        empty = isinstance(node.value, ast.List) and not node.value.elts
                        edits.append(wrap_expression(code, node.value, f"{_package(code)}.{kind}({{}})"))
                        if empty:
                            edits[-1] = replace_expression(code, node.value, f"{_package(code)}.{kind}()")
                    yield Offer("Register the layers", joined(*edits))
        call = crash.call
        given = call.args[0] if call is not None and call.args else keyword(call, "params")
        birth = crash.born(given) if isinstance(given, ast.Name) else None
        made = birth.value if birth is not None else None
        if isinstance(made, ast.Call) and ast.unparse(made.func).endswith(("parameters", "filter", "map", "chain")):
            yield from wrapped(crash, made, "list({})", "Keep the parameters in a list")
        if isinstance(made, ast.GeneratorExp):
            yield Offer("Keep the parameters in a list", replace_expression(code, made, f"[{crash.text(made)[1:-1]}]"))

    @staticmethod
    def _holds_layers(node: ast.Assign) -> bool:
        named = isinstance(node.targets[0], ast.Attribute) and ast.unparse(node.targets[0]).startswith("self.")
        return (
            named and isinstance(node.value, ast.List | ast.ListComp | ast.Dict | ast.DictComp) and "nn." in ast.unparse(node.value)
        ) or (named and isinstance(node.value, ast.List) and not node.value.elts)


def _package(code: Code) -> str:
    return "nn" if "nn." in code.text else "torch.nn"

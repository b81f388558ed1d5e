"""A layer or function of torch is given an array, a list or a number instead of a tensor."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import origin, passed, value_offers
from snipfix.rules.observed import called


class NotATensor(CrashRule):
    """A layer or function of torch is given an array, a list or a number instead of a tensor.

    ## What it does
    Explains arguments that must be tensors and are something else.

    ## Why is this bad?
    The program stops. NumPy arrays and lists have to be made tensors, with the type the layer computes in.

    ## Example
    ```python
    nn.Linear(3, 2)(np.ones((2, 3)))
    ```

    ## Use instead
    ```python
    nn.Linear(3, 2)(torch.from_numpy(np.ones((2, 3))).float())
    ```

    ## Fix safety
    The values stay the same, as 32-bit floating-point numbers where a layer needs them.

    ## References
    - torch.from_numpy
    - torch.tensor
    """

    id = "SNF319"
    name = "not-a-tensor"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("TypeError",)
    MESSAGES = (
        r"argument '\w+' \(position (\d+)\) must be Tensor, not ([\w.]+)",
        r"expected Tensor as element (\d+) in argument \d+, but got ([\w.]+)",
        r"expected (\d*)np\.ndarray \(got ([\w.]+)\)",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.Linear(3, 2)(torch.zeros(1, 3))\n"),
        Good("import torch\nimport torch.nn as nn\ntorch.relu(torch.tensor([1.0]))\n"),
    )
    BAD = (
        Bad(
            "import numpy as np\nimport torch\nimport torch.nn as nn\nx = np.ones((2, 3))\ny = nn.Linear(3, 2)(x)\n",
            at=(5, 5),
            fixed="import numpy as np\nimport torch\nimport torch.nn as nn\nx = torch.from_numpy(np.ones((2, 3))).float()\ny = nn.Linear(3, 2)(x)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\ny = nn.Linear(3, 2)([1.0, 2.0, 3.0])\n",
            at=(3, 5),
            fixed="import torch\nimport torch.nn as nn\ny = nn.Linear(3, 2)(torch.tensor([1.0, 2.0, 3.0]))\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return crash.found[-1] not in ("NoneType", "builtin_function_or_method")

    def says(self, crash: Crash) -> str:
        return f"a tensor is needed, a {crash.found[-1]} is given"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        kind, call = crash.found[-1], crash.call
        position = int(crash.found[0]) - 1 if crash.found[0].isdigit() else 0
        node = passed(crash, position, "input")
        if call is None or kind in ("str", "dict"):
            return
        made = _built_with_data(crash, node, kind)
        if made is not None:
            end = crash.code.range(crash.code.span(made.func))[1]
            yield Offer("Build the layer, then call it", (Edit(end, end, "()"),))
            return
        if kind in ("list", "tuple"):
            yield from _only_one(crash, node)
        if "ndarray" in kind:
            for template in ("torch.from_numpy({}).float()", "torch.from_numpy({})"):
                yield from value_offers(crash, node, template, "Make the array a tensor", here=False)
        elif "element" in crash.failure.message and isinstance(node, ast.Name):
            yield Offer("Make the elements tensors", replace_expression(crash.code, node, f"[torch.as_tensor(one) for one in {node.id}]"))
        else:
            yield from value_offers(crash, node, "torch.tensor({})", "Make it a tensor")
            yield from value_offers(crash, node, "torch.tensor({}, dtype=torch.float)", "Make it a tensor")


def _only_one(crash: Crash, node: ast.expr | None) -> Iterator[Offer]:
    """Batches of a data set of one tensor: each is a list of one, which the loop unpacks."""
    outer = origin(crash, node)
    if not isinstance(outer, ast.Name):
        return
    for loop in crash.code.all(ast.For):
        batch = loop.target.elts[-1] if isinstance(loop.target, ast.Tuple) else loop.target
        around = isinstance(loop.iter, ast.Call) and called(loop.iter) == "enumerate"
        if isinstance(batch, ast.Name) and batch.id == outer.id and around == isinstance(loop.target, ast.Tuple):
            sizes = [value.items for frame in crash.frames for name, value in frame.locals.items() if name == batch.id]
            if any(len(items) == 1 for items in sizes if items):
                yield Offer("Unpack the batch", replace_expression(crash.code, batch, f"({batch.id},)"))


def _built_with_data(crash: Crash, node: ast.expr | None, kind: str) -> ast.Call | None:
    """`nn.ReLU(x)` where the value comes from: a layer that was given data instead of settings."""
    birth = crash.born(node) if isinstance(node, ast.Name) else None
    for one in (node, birth.value if birth is not None else None):
        if isinstance(one, ast.Call) and ast.unparse(one.func).rpartition(".")[2] == kind and one.args:
            return one
    return None

"""A layer and its input have different floating-point types."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import operand, passed, value_offers
from snipfix.rules.written import reshaped

MIXED = "import torch\nimport torch.nn as nn\nclass Conv(nn.Module):\n    def forward(self, adj, x):\n        return adj @ x\n\n"


class MixedFloatTypes(CrashRule):
    """A layer and its input have different floating-point types.

    ## What it does
    Explains operations given float64 and float32 (or half precision) together.

    ## Why is this bad?
    The program stops. NumPy computes in float64, PyTorch's layers in float32.

    ## Example
    ```python
    x = torch.from_numpy(np.zeros((4, 3)))
    nn.Linear(3, 2)(x)
    ```

    ## Use instead
    ```python
    x = torch.from_numpy(np.zeros((4, 3))).float()
    nn.Linear(3, 2)(x)
    ```

    ## Fix safety
    The input is converted where it is born; that loses digits which the layer could not have used.

    ## References
    - torch.Tensor.float
    """

    id = "SNF240"
    name = "mixed-float-types"
    category = Category.DTYPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError", "ValueError")
    MESSAGES = (
        r"must have the same dtype",
        r"expected scalar type \w+ but found \w+",
        r"[Ee]xpected (?:object of scalar type|m1 and m2 to have the same dtype)",
        r"Input type .* and (?:weight|bias) type .* should be the same",
        r"Found dtype \w+ but expected \w+",
        r"RNN input dtype|does not match weight dtype|[Ii]nput dtype .* does not match",
    )
    GOOD = (
        Good("import torch\nimport numpy as np\nx = torch.from_numpy(np.zeros((4, 3), dtype='float32'))\ny = torch.nn.Linear(3, 2)(x)\n"),
        Good("import torch\nimport torch.nn as nn\nx = torch.zeros(2, dtype=torch.float64) + torch.zeros(2)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.ones(4, 3).double()\nnet = nn.Linear(3, 2)\nfor _ in range(2):\n"
            "    one = x + 0.1\n    print(net(one).shape)\n",
            at=(7, 11),
            fixed="import torch\nimport torch.nn as nn\nx = torch.ones(4, 3).double()\nnet = nn.Linear(3, 2)\nfor _ in range(2):\n"
            "    one = (x + 0.1).float()\n    print(net(one).shape)\n",
        ),
        Bad(
            "import torch\nimport numpy as np\nimport torch.nn as nn\nx = torch.from_numpy(np.zeros((4, 3)))\nfc = nn.Linear(3, 2)\ny = fc(x)\n",
            at=(6, 5),
            fixed="import torch\nimport numpy as np\nimport torch.nn as nn\nx = torch.from_numpy(np.zeros((4, 3))).float()\nfc = nn.Linear(3, 2)\ny = fc(x)\n",
        ),
        Bad(
            f"{MIXED}x = torch.zeros(4, 3).double()\nConv()(torch.eye(4), x)\n",
            at=(5, 16),
            fixed=f"{MIXED}x = torch.zeros(4, 3).double().float()\nConv()(torch.eye(4), x)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        kinds = {value.dtype for value in crash.tensors}
        if crash.module is not None and crash.module.type in ("RNN", "LSTM", "GRU"):
            return "float64" in kinds
        return len(kinds) > 1 and all(kind.startswith(("float", "bfloat")) for kind in kinds)

    def says(self, crash: Crash) -> str:
        if len({value.dtype for value in crash.tensors}) == 1:
            return f"{crash.module.path if crash.module else 'the layer'} computes with float32 and is given {crash.tensors[0].dtype}"
        return "the operands have different floating-point types: " + " and ".join(dict.fromkeys(value.dtype for value in crash.tensors))

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        for number, value in enumerate(crash.tensors[:2]):
            if value.dtype in ("float64", "float16", "bfloat16"):
                node = passed(crash, number, "input") if crash.module is not None else None
                node = node or operand(crash, number)
                if node is not None and reshaped(node) is not node:
                    yield from value_offers(crash, reshaped(node), "{}.float()", "Convert the data to float32")
                yield from value_offers(crash, node, "{}.float()", "Convert the data to float32")
                for source in _sources(crash, node, value.dtype):
                    yield from value_offers(crash, source, "{}.float()", "Convert the data to float32")
        node = passed(crash, 1, "target")
        if len(crash.tensors) > 1 and crash.tensors[1].dtype == "float64" and crash.module is not None:
            yield from value_offers(crash, node, "{}.float()", "Convert the targets to float32")


def _sources(crash: Crash, node: ast.expr | None, dtype: str) -> Iterator[ast.Name]:
    """The names in the sum that a value was born as, which hold the same type of number: there it came in."""
    birth = crash.born(node) if isinstance(node, ast.Name) else None
    seen = {name: value.dtype for frame in crash.frames for name, value in frame.locals.items()}
    for one in ast.walk(birth.value) if birth is not None and isinstance(birth.value, ast.BinOp) else ():
        if isinstance(one, ast.Name) and seen.get(one.id) == dtype:
            yield one

"""Tensors that work together lie on different devices."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import operand, passed, value_offers, wrapped


class MixedDevices(CrashRule):
    """Tensors that work together lie on different devices.

    ## What it does
    Explains operations that meet tensors of the CPU and of a GPU, or of two GPUs.

    ## Why is this bad?
    The program stops on machines with a GPU. Moving the model moves its parameters, not the batches.

    ## Example
    ```python
    net = net.to(device)
    net(x)
    ```

    ## Use instead
    ```python
    net = net.to(device)
    net(x.to(device))
    ```

    ## Fix safety
    The values stay the same; only their place changes.

    ## References
    - torch.Tensor.to
    """

    id = "SNF260"
    name = "mixed-devices"
    category = Category.DEVICE
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"Expected all tensors to be on the same device",
        r"[Ii]nput type \(.*(?:cuda|CPU|FloatTensor).*\) and weight type \(.*(?:cuda|FloatTensor).*\) should be the same",
        r"Expected object of (?:backend|device type) (?:CPU|CUDA|cuda)",
        r"Placeholder storage has not been allocated",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nx = torch.zeros(2)\ny = x.to(torch.device('cpu'))\n"),
        Good("import torch\nimport torch.nn as nn\nnet = nn.Linear(2, 1).to('cpu')\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\ndevice = torch.device('cuda')\nnet = nn.Linear(3, 2).to(device)\nx = torch.zeros(2, 3)\ny = net(x)\n",
            at=(1, 1),
            runs=False,
        ),
    )

    def says(self, crash: Crash) -> str:
        places = list(dict.fromkeys(value.device for value in crash.tensors if value.device))
        return "the tensors lie on different devices" + (": " + " and ".join(places) if len(places) > 1 else "")

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        device = _device(crash)
        yield from _registered(crash)
        values = list(crash.operation.args)
        for number, value in enumerate(values[:3]):
            if value.device == "cpu" and value.kind == "tensor":
                node = operand(crash, number) if crash.module is None and number < 2 else passed(crash, number, "input", "target")
                yield from value_offers(crash, node, f"{{}}.to({device})", "Move the tensor to the device")
        if crash.constructor is not None:
            statement = crash.statement_of(crash.constructor.lineno)
            if isinstance(statement, ast.Assign) and statement.value is crash.constructor:
                yield from wrapped(crash, crash.constructor, f"{{}}.to({device})", "Move the model to the device")


def _registered(crash: Crash) -> Iterator[Offer]:
    """A tensor that a module keeps as a plain attribute stays behind when the module moves: as a buffer it goes along."""
    given = [node.value if isinstance(node, ast.Subscript) else node for node in (operand(crash, 0), operand(crash, 1))]
    used = {ast.unparse(node) for node in given if isinstance(node, ast.Attribute)}
    for node in crash.code.nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and ast.unparse(node.targets[0]) in used:
            target = node.targets[0]
            assert isinstance(target, ast.Attribute)
            if ast.unparse(target.value) == "self" and "requires_grad=True" not in ast.unparse(node.value):
                value = crash.code.slice(node.value)
                edits = replace_expression(crash.code, node, f'self.register_buffer("{target.attr}", {value})')
                yield Offer("Keep the tensor as a buffer, which moves with the module", edits)


def _device(crash: Crash) -> str:
    """The name that the text has for its device, else the place that was seen."""
    for node in crash.code.nodes:
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        name, value = node.targets[0].id, ast.unparse(node.value)
        if "cuda" in value and ("device" in name.lower() or "torch.device" in value):
            return name
    places = [value.device for value in crash.tensors if value.device and value.device != "cpu"]
    return repr(places[0] if places else "cuda").replace("'", '"')

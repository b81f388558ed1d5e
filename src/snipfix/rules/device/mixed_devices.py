"""Tensors that work together lie on different devices."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import joined, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import named_before, operand, passed, value_offers, wrapped


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
        r"Input and (?:hidden|parameter) tensors are not at the same device",
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
        yield from _thrown_away(crash)
        yield from _registered(crash)
        yield from _states(crash, device)
        yield from _given(crash, device)
        values = list(crash.operation.args)
        for number, value in enumerate(values[:3]):
            if value.device == "cpu" and value.kind == "tensor":
                node = passed(crash, number, "input", "target") or (operand(crash, number) if number < 2 else None)
                yield from value_offers(crash, node, f"{{}}.to({device})", "Move the tensor to the device")
        for whole in _wholes(crash):
            yield from wrapped(crash, whole, f"{{}}.to({device})", "Move the model to the device")


def _states(crash: Crash, device: str) -> Iterator[Offer]:
    """The states that a recurrent layer was given, made where its input lies."""
    call, kind = crash.call, crash.module.type if crash.module else ""
    if call is None or len(call.args) < 2 or kind.removesuffix("Cell") not in ("LSTM", "GRU", "RNN"):
        return
    frame, function = crash.frame, crash.function_of(call)
    parameters = function.args.args if isinstance(function, ast.FunctionDef) else []
    there = [one.arg for one in parameters if frame and (value := frame.locals.get(one.arg)) and value.device.startswith("cuda")]
    place = f"{there[0]}.device" if there else device
    states = call.args[1].elts if isinstance(call.args[1], ast.Tuple) else [call.args[1]]
    offers = [next(value_offers(crash, node, f"{{}}.to({place})", ""), None) for node in states]
    if edits := [offer.edits for offer in offers if offer is not None]:
        yield Offer("Make the states where the input lies", joined(*edits))


def _wholes(crash: Crash) -> Iterator[ast.expr]:
    """What the layer belongs to, where it is made and named: instances of the author's class, else the container, else the layer."""
    made = crash.constructor
    statement = crash.statement_of(made.lineno) if made is not None else None
    owner = crash.class_of(made) if made is not None else None
    if owner is not None:
        named = [node for node in crash.code.all(ast.Assign) if crash.class_of(node) is None and isinstance(node.value, ast.Call)]
        yield from (node.value for node in named if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == owner.name)
    if isinstance(statement, ast.Assign):
        yield statement.value


def _given(crash: Crash, device: str) -> Iterator[Offer]:
    """Everything that a model or function was given, moved where it was born: what goes on inside need not know."""
    outermost = crash.frames[0] if len(crash.frames) > 1 else None
    call = crash.code.node_at(outermost.span, ast.Call) if outermost else None
    if outermost is None or not isinstance(call, ast.Call) or crash.code.span(call) != outermost.span:
        return
    values = [(node, outermost.locals.get(node.id)) for node in call.args if isinstance(node, ast.Name)]
    nodes = [node for node, value in values if value is not None and value.kind == "tensor" and value.device == "cpu"]
    offers = [next(value_offers(crash, node, f"{{}}.to({device})", ""), None) for node in nodes]
    edits = [offer.edits for offer in offers if offer is not None]
    if edits:
        yield Offer("Move the data to the device", joined(*edits))


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


def _beside(crash: Crash) -> str:
    """Where what it works with lies, as an expression: the other operand, or the parameters of the model that was called."""
    for number, value in enumerate(crash.operation.args[:2]):
        node = operand(crash, number) if value.device.startswith("cuda") else None
        if isinstance(node, ast.Name):
            return f"{node.id}.device"
    outermost = crash.frames[0] if crash.frames else None
    call = crash.code.node_at(outermost.span, ast.Call) if outermost else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and crash.module is not None:
        return f"next({call.func.id}.parameters()).device"
    return ""


def _device(crash: Crash) -> str:
    """The name that the text has for its device, else the place of what it works with, else the place that was seen."""
    for node in crash.code.nodes:
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        name, value = node.targets[0].id, ast.unparse(node.value)
        if "cuda" in value and ("device" in name.lower() or "torch.device" in value):
            return name
    if earlier := named_before(crash):
        return earlier
    if seen := _beside(crash):
        return seen
    places = [value.device for value in crash.tensors if value.device and value.device != "cpu"]
    return repr(places[0] if places else "cuda").replace("'", '"')


def _thrown_away(crash: Crash) -> Iterator[Offer]:
    """`batch.to(device)` as a statement: a tensor is not moved in place, what comes back is the one on the device."""
    given = [node.id for node in (crash.call.args if crash.call is not None else ()) if isinstance(node, ast.Name)]
    for node in crash.code.all(ast.Expr):
        call = node.value
        moves = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in ("to", "cuda")
        name = call.func.value if moves and isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else None
        if isinstance(name, ast.Name) and name.id in given and node.lineno < crash.span.line:
            text = f"{name.id} = {crash.text(node)}"
            yield Offer("Keep the tensor that was moved", replace_expression(crash.code, node, text))

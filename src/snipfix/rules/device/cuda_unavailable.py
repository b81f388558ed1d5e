"""The code asks for a GPU where there is none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.codemods import add_keyword, insert_statement_before, joined, replace_expression, replace_statement
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import named_before

AVAILABLE = "torch.cuda.is_available()"
TYPE = re.compile(r"""["']?torch\.cuda\.\w*Tensor["']?""")


class CudaUnavailable(CrashRule):
    """The code asks for a GPU where there is none.

    ## What it does
    Explains `.cuda()`, a device named cuda and the loading of GPU tensors on a machine, or with a PyTorch, without CUDA.

    ## Why is this bad?
    A reader without a GPU cannot run the code, though everything in it works on the CPU.

    ## Example
    ```python
    net = nn.Linear(3, 2).cuda()
    ```

    ## Use instead
    ```python
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    net = nn.Linear(3, 2).to(device)
    ```

    ## Fix safety
    With a GPU the code does what it did.

    ## References
    - PyTorch, CUDA semantics: device-agnostic code
    """

    id = "SNF261"
    name = "cuda-unavailable"
    category = Category.DEVICE
    applicability = Applicability.UNSAFE
    TYPES = ("AssertionError", "AttributeError", "RuntimeError", "TypeError", "NotImplementedError")
    MESSAGES = (
        r"Torch not compiled with CUDA enabled",
        r"type torch\.cuda\.\w+ not available",
        r"Cannot initialize CUDA without",
        r"Found no NVIDIA driver",
        r"No CUDA GPUs are available",
        r"Attempting to deserialize object on a CUDA device",
        r"not linked with support for cuda devices",
        r"Cannot get CUDA generator",
        r"does not support backward on CPU",
        r"module 'torch\._C' has no attribute '_cuda_",
        r"Expected a cuda device",
    )
    GOOD = (
        Good(
            'import torch\nimport torch.nn as nn\ndevice = torch.device("cuda" if torch.cuda.is_available() else "cpu")\nnet = nn.Linear(3, 2).to(device)\n'
        ),
        Good("import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2).cpu()\n"),
    )
    BAD = (
        Bad(
            "import torch\nx = torch.ones(2).type(torch.cuda.FloatTensor)\n",
            at=(2, 5),
            fixed="import torch\nx = torch.ones(2).type(torch.cuda.FloatTensor if torch.cuda.is_available() else torch.FloatTensor)\n",
        ),
        Bad(
            "import torch\nx = torch.cuda.LongTensor([1, 2])\n",
            at=(2, 5),
            fixed="import torch\nx = (torch.cuda.LongTensor if torch.cuda.is_available() else torch.LongTensor)([1, 2])\n",
        ),
        Bad(
            "import torch\ntorch.set_default_tensor_type('torch.cuda.FloatTensor')\n",
            at=(2, 1),
            fixed='import torch\ntorch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")\n',
        ),
        Bad(
            "import torch\nfrom torch.nn.attention.flex_attention import flex_attention\nq = torch.ones(1, 2, 16, 16, requires_grad=True)\n"
            "out = flex_attention(q, q, q)\n",
            at=(4, 7),
        ),
        Bad('import torch\ng = torch.Generator(device="cuda")\nprint(g.device.type)\n', at=(2, 5)),
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2).cuda()\nx = torch.zeros(2, 3).cuda()\ny = net(x)\n",
            at=(3, 7),
            fixed='import torch\nimport torch.nn as nn\n\ndevice = torch.device("cuda" if torch.cuda.is_available() else "cpu")\nnet = nn.Linear(3, 2).to(device)\nx = torch.zeros(2, 3).to(device)\ny = net(x)\n',
        ),
        Bad(
            'import torch\nimport torch.nn as nn\ndevice = torch.device("cuda")\nnet = nn.Linear(3, 2).to(device)\n',
            at=(4, 7),
            fixed='import torch\nimport torch.nn as nn\ndevice = torch.device("cuda" if torch.cuda.is_available() else "cpu")\nnet = nn.Linear(3, 2).to(device)\n',
        ),
    )

    def says(self, crash: Crash) -> str:
        return "the code needs a GPU, and there is none here"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code, condition = crash.code, f'"cuda" if {AVAILABLE} else "cpu"'
        yield from _old_types(crash, condition)
        if isinstance(crash.statement, ast.Expr) and crash.statement.value is crash.call and "torch.cuda." in crash.text(crash.statement):
            asked = f"if {AVAILABLE}:\n    {crash.text(crash.statement)}"
            yield Offer("Use the GPU only where there is one", replace_statement(code, crash.statement.lineno, asked))
        literals = [node for node in code.all(ast.Constant) if isinstance(node.value, str) and node.value.startswith("cuda")]
        conditional = [
            node for node in literals if not any(isinstance(up, ast.IfExp | ast.Compare | ast.If) for up in code.ancestors(node))
        ]
        calls = [node for node in code.all(ast.Call) if isinstance(node.func, ast.Attribute)]
        moved = [call for call in calls if call.func.attr == "cuda" and not call.args]  # type: ignore[attr-defined]
        named = _is_named(crash, conditional)
        edits = [
            replace_expression(code, node, condition if named and node is conditional[0] else named_before(crash) or "device")
            for node in conditional
        ]
        for old in moved:
            assert isinstance(old.func, ast.Attribute)
            start, end = code.range(code.span(old.func.value))[1], code.range(code.span(old))[1]
            edits.append((Edit(start, end, f".to({named_before(crash) or 'device'})"),))
        if not named and not named_before(crash):
            edits.append(_definition(crash, f"device = torch.device({condition})"))
        if conditional or moved:
            yield Offer("Use the GPU only where there is one", joined(*edits))
        call = crash.call
        if call is not None and ast.unparse(call.func) == "torch.load":
            yield Offer("Load to the CPU", add_keyword(code, call, "map_location", '"cpu"'))


def _old_types(crash: Crash, condition: str) -> Iterator[Offer]:
    """`torch.cuda.FloatTensor`, the type or its name in quotes, only where there is a GPU; as the type of all new tensors: the device alone."""
    code = crash.code
    default = next((one for one in code.calls("set_default_tensor_type") if TYPE.search(code.slice(one))), None)
    if default is not None and "cuda.FloatTensor" in code.slice(default) and isinstance(default.func, ast.Attribute):
        yield Offer("Use the GPU only where there is one", replace_expression(code, default, f"torch.set_default_device({condition})"))
    old = [node for node in [*code.all(ast.Attribute), *code.all(ast.Constant)] if TYPE.fullmatch(code.slice(node))]
    old = [node for node in old if not any(isinstance(up, ast.IfExp | ast.If) for up in code.ancestors(node))]
    edits = []
    for node in old:
        text, parent = code.slice(node), code.parents.get(node)
        choice = f"{text} if {AVAILABLE} else {text.replace('cuda.', '')}"
        edits.append(replace_expression(code, node, f"({choice})" if isinstance(parent, ast.Call) and parent.func is node else choice))
    if edits:
        yield Offer("Use the GPU only where there is one", joined(*edits))


def _is_named(crash: Crash, literals: list[ast.Constant]) -> bool:
    """Whether the first literal is where the text names its device: `device = torch.device("cuda")`."""
    statement = crash.statement_of(literals[0].lineno) if literals else None
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == "device"


def _definition(crash: Crash, line: str) -> tuple[Edit, ...]:
    """The definition of the device, after the imports."""
    head = [node for node in crash.code.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if not head:
        return insert_statement_before(crash.code, 1, line)
    at = crash.code.offset(head[-1].end_lineno or 1, 1 << 30)
    return (Edit(at, at, f"\n\n{line}"),)

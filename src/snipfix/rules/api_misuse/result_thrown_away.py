"""A new tensor that nobody keeps."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home

__all__ = ["ResultThrownAway"]

OF_TENSORS = frozenset(
    "view reshape squeeze unsqueeze permute flatten unflatten masked_fill softmax log_softmax contiguous detach view_as reshape_as".split()
)
"""Methods that only tensors (and arrays) have; all of them give a new object."""
OF_MODULES_TOO = frozenset("to cuda cpu float double half long int bool type".split())
"""Methods that give a new tensor, and change a module in place."""
FUNCTIONS = frozenset(
    "relu sigmoid tanh softmax log_softmax dropout gelu leaky_relu elu normalize layer_norm squeeze unsqueeze flatten reshape permute transpose "
    "clamp masked_fill".split()
)
LAYERS = frozenset(
    "ReLU Sigmoid Tanh Softmax LogSoftmax Dropout Dropout1d Dropout2d GELU LeakyReLU ELU LayerNorm Flatten MaxPool2d Linear Conv2d".split()
)
MAKERS = re.compile(r"torch\.(rand\w*|zeros\w*|ones\w*|tensor|arange|linspace|full\w*|eye|from_numpy|as_tensor|cat|stack|empty\w*)$")
CLOCKS = frozenset({"time", "perf_counter", "perf_counter_ns", "default_timer", "monotonic", "process_time", "elapsed_time", "synchronize"})

HEAD = (
    "import torch, torch.nn as nn, torch.nn.functional as F\nfrom torch.utils.data import DataLoader, TensorDataset\n"
    "device = torch.device('cpu')\nnet = nn.Linear(3, 2)\nloader = DataLoader(TensorDataset(torch.ones(4, 3), torch.zeros(4, 1)))\n"
    "for x, y in loader:\n"
)


class ResultThrownAway(Rule):
    """A call gives a new tensor and leaves the old one as it was; nobody keeps the new one.

    ## What it does
    Reports statements like `x.to(device)`, `x.squeeze(1)`, `F.dropout(x)` or `self.relu(x)` on their own inside a function or loop. A module's
    `to` works in place and is no such statement.

    ## Why is this bad?
    The line does nothing: the tensor stays on its device and in its shape, the activation never acts, and no error says so.

    ## Example
    ```python
    for x, y in loader:
        x.to(device)
    ```

    ## Use instead
    ```python
    for x, y in loader:
        x = x.to(device)
    ```

    ## Fix safety
    It does what the text says; what comes after then sees the new tensor.

    ## References
    - torch.Tensor.to: "Returns a Tensor".
    """

    id = "SNF456"
    name = "result-thrown-away"
    category = Category.API_MISUSE
    silent = True
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "    x = x.to(device)\n    net.to(device)\n    print(net(x.view(-1, 3)))\n"),
        Good(HEAD + "    F.relu(x, inplace=True)\n    x.squeeze_()\n    x.relu_()\n"),
        Good("import torch\nx = torch.ones(2, 3)\nx.view(3, 2)\nx.to('cpu')\ntorch.relu(x)\n"),
        Good("import torch\nx = torch.ones(2, 3)\ndef reshaped():\n    x.view(6)\nreshaped()\n"),
        Good(HEAD + "    try:\n        x.view(7)\n    except RuntimeError as error:\n        print(error)\n"),
        Good(
            "import time, torch\nimport torch.nn.functional as F\ndef bench(x):\n    start = time.perf_counter()\n    for _ in range(9):\n"
            "        F.softmax(x, dim=-1)\n        x.cpu()\n    return time.perf_counter() - start\nprint(bench(torch.ones(4, 4)) > 0)\n"
        ),
        Good(
            "import torch\nimport torch.nn as nn\ndef prepare(part, device):\n    part.to(device)\n    part.float()\n    return part\nprepare(nn.Linear(2, 2), 'cpu')\n"
        ),
    )
    BAD = (
        Bad(
            HEAD + "    x.to(device)  # 放到设备上\n    print(net(x))\n",
            at=(7, 5),
            fixed=HEAD + "    x = x.to(device)  # 放到设备上\n    print(net(x))\n",
            runs=False,
        ),
        Bad(
            HEAD + "    y.squeeze(1)\n    print(y.shape)\n",
            at=(7, 5),
            fixed=HEAD + "    y = y.squeeze(1)\n    print(y.shape)\n",
            runs=False,
        ),
        Bad(
            "import torch.nn as nn\nimport torch.nn.functional as F\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.fc, self.act = nn.Linear(2, 2), nn.ReLU()\n    def forward(self, x):\n        x = self.fc(x)\n        self.act(x)\n        return x\n",
            at=(9, 9),
            fixed="import torch.nn as nn\nimport torch.nn.functional as F\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.fc, self.act = nn.Linear(2, 2), nn.ReLU()\n    def forward(self, x):\n        x = self.fc(x)\n        x = self.act(x)\n        return x\n",
            runs=False,
        ),
        Bad(
            "import torch.nn.functional as F\ndef forward(x, p):\n    F.dropout(x, p)\n    return x * 2\n",
            at=(3, 5),
            fixed="import torch.nn.functional as F\ndef forward(x, p):\n    x = F.dropout(x, p)\n    return x * 2\n",
            runs=False,
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        if "torch" not in context.scopes.packages:
            return
        for statement in context.code.all(ast.Expr):
            call = statement.value
            kept = _changed(context, call) if isinstance(call, ast.Call) else None
            if kept is not None and _is_worked(context, statement):
                message = f"`{called(call)}` gives a new tensor and leaves `{ast.unparse(kept)}` as it is; nobody keeps the new one"
                yield self.finding(message, context.code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        kept = _changed(context, call) if isinstance(call, ast.Call) else None
        if kept is not None:
            at = context.code.range(finding.span)[0]
            yield self.fix("keep the new tensor", Edit(at, at, f"{context.code.slice(kept)} = "))


def _is_worked(context: Context, statement: ast.AST) -> bool:
    """Whether the statement stands among others in a function or loop, where nothing is shown, timed or tried for its own sake."""
    parent = context.code.parents[statement]
    if not isinstance(parent, ast.FunctionDef | ast.For | ast.While | ast.If) or len(parent.body) < 2:
        return False
    around = list(context.code.ancestors(statement))
    if any(isinstance(one, ast.Try | ast.With | ast.AsyncWith) and not _switches(one) for one in around):
        return False
    if isinstance(parent, ast.For) and called(parent.iter) == "range" and context.code.calls(*CLOCKS, inside=home(context.code, statement)):
        return False
    return any(isinstance(one, ast.FunctionDef | ast.For | ast.While) for one in around)


def _switches(node: ast.AST) -> bool:
    """Whether a `with` only turns gradients or precision on and off."""
    items = getattr(node, "items", [])
    return bool(items) and all(called(one.context_expr) in ("no_grad", "inference_mode", "autocast", "enable_grad") for one in items)


def _changed(context: Context, call: ast.Call) -> ast.expr | None:
    """The tensor that the call was meant to change: a name or attribute; None when the call may be right as it stands."""
    if keyword(call, "inplace") is not None or keyword(call, "out") is not None or not isinstance(call.func, ast.Attribute):
        return None
    name, owner = call.func.attr, call.func.value
    first = call.args[0] if call.args else None
    qualified = context.scopes.qualified(call.func) or ""
    if qualified.startswith("torch."):
        known = qualified.rpartition(".")[0] in ("torch", "torch.nn.functional") and name in FUNCTIONS
        return first if known and isinstance(first, ast.Name) else None
    if isinstance(owner, ast.Name) and owner.id == "self" and isinstance(first, ast.Name) and len(call.args) == 1:
        return first if _is_layer(context, name) else None
    if not isinstance(owner, ast.Name):
        return None
    return owner if name in OF_TENSORS or (name in OF_MODULES_TOO and _is_tensor(context, owner)) else None


def _is_layer(context: Context, attribute: str) -> bool:
    """Whether every assignment to `self.<attribute>` makes a layer that leaves its input alone."""
    made: list[ast.expr] = []
    for node in context.code.all(ast.Assign):
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            made += [value for one, value in pairs if ast.unparse(one) == f"self.{attribute}"]
    calls = [one for one in made if isinstance(one, ast.Call)]
    quiet = (called(one) in LAYERS and not any("inplace" in ast.unparse(part) for part in one.keywords) for one in calls)
    positional = any(called(one) == "ReLU" and one.args for one in calls)
    return bool(made) and len(calls) == len(made) and all(quiet) and not positional


def _is_tensor(context: Context, name: ast.Name) -> bool:
    """Whether every binding of the name gives it a tensor: one of several values of a loop over data, or a tensor made by torch."""
    bound = context.scopes.bindings(name)
    return bool(bound) and all(_from_loader(context, one.node) or _is_made(context, one.value) for one in bound)


def _from_loader(context: Context, node: ast.AST) -> bool:
    up = context.code.parents.get(node)
    while isinstance(up, ast.Tuple | ast.List):
        up = context.code.parents.get(up)
    walked = ast.unparse(up.iter).lower() if isinstance(up, ast.For) else ""
    return "loader" in walked or walked.endswith("_iter")


def _is_made(context: Context, value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and bool(MAKERS.match(context.scopes.qualified(value.func) or ""))

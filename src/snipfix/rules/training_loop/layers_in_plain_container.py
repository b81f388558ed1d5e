"""Layers kept in a Python list or dict: the model does not know that it has them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import add_import, replace_expression, wrap_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, flag, number, place, text
from snipfix.rules.training_loop.loops import receiver

LAYERS = frozenset(
    "Linear Conv1d Conv2d Conv3d ConvTranspose2d Embedding LSTM GRU RNN LSTMCell GRUCell MultiheadAttention TransformerEncoderLayer "
    "TransformerDecoderLayer BatchNorm1d BatchNorm2d LayerNorm".split()
)
"""Layers of torch that have parameters."""
REGISTERING = ("ModuleList", "Sequential", "add_module", "register_module", "setattr")
"""Calls that may register the layers of a list after all."""

APPENDED = (
    "import torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, sizes):\n        super().__init__()\n        self.hidden = {}\n"
    "        for i, o in zip(sizes, sizes[1:]):\n            self.hidden.append(nn.Linear(i, o))\n        {}\n"
    "    def forward(self, x):\n        for layer in self.hidden:\n            x = layer(x).relu()\n        return x\n"
)


class LayersInPlainContainer(Rule):
    """A module keeps layers in a plain list or dict, where they are not registered.

    ## What it does
    Reports an attribute that is a list, tuple or dict of modules with parameters which the module around does not count as its own; in a class
    that is never made, a list that starts empty and to which layers are appended.

    ## Why is this bad?
    `parameters()`, `to(device)`, `state_dict()`, `train()` and `eval()` pass these layers by: they are never trained, moved or saved.

    ## Example
    ```python
    self.layers = [nn.Linear(8, 8) for _ in range(3)]
    ```

    ## Use instead
    ```python
    self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])
    ```

    ## Fix safety
    Safe in almost every case: the container is used as before.

    ## References
    - torch.nn.ModuleList.
    """

    id = "SNF435"
    name = "layers-in-plain-container"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.a = nn.Linear(3, 3)\n        self.order = [self.a]\n    def forward(self, x):\n        return self.order[0](x)\n"
            "Net()(torch.ones(2, 3))\n"
        ),
        Good(
            "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        layers = [nn.Linear(3, 3)]\n        self.net = nn.Sequential(*layers)\n    def forward(self, x):\n        return self.net(x)\n"
            "Net()(torch.ones(2, 3))\n"
        ),
        Good(APPENDED.format("[]", "self.net = nn.Sequential(*self.hidden)"), runs=False),
        Good(APPENDED.format("nn.ModuleList()", "self.width = sizes[-1]"), runs=False),
    )
    BAD = (
        Bad(
            APPENDED.format("[]  # 隐藏层", "self.width = sizes[-1]"),
            at=(5, 23),
            fixed=APPENDED.format("nn.ModuleList()  # 隐藏层", "self.width = sizes[-1]"),
            runs=False,
        ),
        Bad(
            "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.layers = [nn.Linear(3, 3), nn.Linear(3, 3)]\n        self.out = nn.Linear(3, 1)\n    def forward(self, x):\n"
            "        for layer in self.layers:\n            x = layer(x)\n        return self.out(x)\nnet = Net()\nnet(torch.ones(2, 3))\n",
            at=(5, 23),
            fixed="import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.layers = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])\n        self.out = nn.Linear(3, 1)\n    def forward(self, x):\n"
            "        for layer in self.layers:\n            x = layer(x)\n        return self.out(x)\nnet = Net()\nnet(torch.ones(2, 3))\n",
        ),
        Bad(
            "import torch, torch.nn as nn\nclass Poly(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.coefs = [nn.Parameter(torch.randn(1)) for _ in range(3)]\n    def forward(self, x):\n"
            "        return sum(c * x ** i for i, c in enumerate(self.coefs))\nprint(Poly()(torch.ones(2)))\n",
            at=(5, 22),
            fixed="import torch, torch.nn as nn\nclass Poly(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.coefs = nn.ParameterList([nn.Parameter(torch.randn(1)) for _ in range(3)])\n    def forward(self, x):\n"
            "        return sum(c * x ** i for i, c in enumerate(self.coefs))\nprint(Poly()(torch.ones(2)))\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for call in code.calls("append"):
            layer = call.args[0] if len(call.args) == 1 else None
            if not isinstance(layer, ast.Call) or called(layer) not in LAYERS or not receiver(call).startswith("self."):
                continue
            owner = code.around(call, ast.ClassDef)
            attribute = receiver(call).removeprefix("self.")
            value = _value(code, owner.name, attribute) if owner and _is_module(context, owner) else None
            if owner and isinstance(value, ast.List) and not value.elts and not code.calls(*REGISTERING, owner.name):
                yield self._report(code.span(value), {}, owner.name, attribute, "list")

        for attribute, held, name in _parameters(context):
            message = f"`{name}.{attribute}` is a plain list: its parameters are not registered, so no optimizer, `.to()` or `state_dict()` sees them"
            evidence = {"owner": name, "attribute": attribute, "kind": "parameters"}
            yield self.finding(message, code.span(held), evidence=evidence)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        told: set[tuple[str, str]] = set()
        for observation in outcome.seen("hidden-module"):
            facts = observation.facts
            owner, attribute, kind = (text(facts, name) for name in ("owner", "attribute", "kind"))
            if (owner, attribute) in told or flag(facts, "named"):
                continue
            told.add((owner, attribute))
            value = _value(context.code, owner, attribute)
            span = context.code.span(value) if value is not None else place(context.code, facts, "module", "built")
            if span is not None:
                yield self._report(span, facts, owner, attribute, kind)

    def _report(self, span: Span, facts: dict[str, object], owner: str, attribute: str, kind: str) -> Finding:
        length = int(number(facts, "length") or 0)
        message = (
            f"`{owner}.{attribute}` is a plain {kind}: its layers are not registered, so no optimizer, `.to()` or `state_dict()` sees them"
        )
        severity = None if length > 1 or not facts or text(facts, "module", "type") else Severity.WARNING
        evidence = {"owner": owner, "attribute": attribute, "kind": kind, "layers": length}
        return self.finding(message, span, stage=Stage.PROBE if facts else Stage.STATIC, evidence=evidence, severity=severity)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        value = code.node_at(finding.span, ast.expr)
        container = {"list": "ModuleList", "tuple": "ModuleList", "dict": "ModuleDict", "parameters": "ParameterList"}.get(
            str(finding.evidence.get("kind"))
        )
        if value is None or container is None or code.span(value) != finding.span:
            return
        prefix = next((name for name in ("nn", "torch.nn") if f"{name}.Module" in code.text), "")
        made = f"{prefix}.{container}" if prefix else container
        is_empty = isinstance(value, ast.List) and not value.elts
        edits = replace_expression(code, value, f"{made}()") if is_empty else wrap_expression(code, finding.span, f"{made}({{}})")
        if not prefix:
            edits += add_import(code, "torch.nn", container)
        yield self.fix(f"register the layers in a {container}", *edits)


def _parameters(context: Context) -> Iterator[tuple[str, ast.expr, str]]:
    """The lists of parameters that a module of the text keeps, each with its attribute and the name of the class."""
    code = context.code
    for call in code.calls("Parameter"):
        kept = code.parents.get(call)
        statement = code.parents.get(kept) if kept is not None else None
        if (
            not isinstance(kept, ast.List | ast.ListComp)
            or not isinstance(statement, ast.Assign)
            or (isinstance(kept, ast.List) and kept.elts[0] is not call)
        ):
            continue
        target, owner = written(statement.targets[0]), code.around(call, ast.ClassDef)
        registered = code.calls(*REGISTERING, "ParameterList", "register_parameter", "setattr")
        if target.startswith("self.") and isinstance(owner, ast.ClassDef) and _is_module(context, owner) and not registered:
            yield target.removeprefix("self."), kept, owner.name


def _value(code: Code, owner: str, attribute: str) -> ast.expr | None:
    """What `self.<attribute>` is set to in the class."""
    for node in code.nodes:
        if isinstance(node, ast.ClassDef) and node.name == owner:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Assign) and any(ast.unparse(target) == f"self.{attribute}" for target in inner.targets):
                    return inner.value
    return None


def _is_module(context: Context, owner: ast.ClassDef) -> bool:
    return any(context.scopes.qualified(base) == "torch.nn.Module" for base in owner.bases)

"""requires_grad set on a module, where only parameters have it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import written
from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["ModuleRequiresGrad", "assignments", "misspells"]

VERBS = ("requires", "require", "required", "requirs", "reqires", "reqiures", "requries", "requiers", "requies", "rquires")
NOUNS = ("grad", "grads", "gard", "grade", "gradient", "gradients", "rgad", "gra")
SPELLINGS = frozenset(f"{verb}{noun}" for verb in VERBS for noun in NOUNS)
"""What people write for `requires_grad`, without capitals and underscores; no class of torch has any of them but the method `requires_grad_`."""

PARTS = frozenset("features classifier avgpool fc layer1 layer2 layer3 layer4 conv1 bn1 encoder heads backbone".split())
"""What the models of torchvision are made of: modules all."""


def misspells(attribute: str) -> bool:
    """Whether the name is meant to be `requires_grad` and is not."""
    return attribute != "requires_grad" and not attribute.startswith("_") and attribute.lower().replace("_", "") in SPELLINGS


GIVEN = (
    "import torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self, body):\n        super().__init__()\n        self.body = body\n"
    "        {}\n\n    def forward(self, x):\n        return self.body(x)\n\nnet = Net(nn.Linear(2, 3))\n"
)


class ModuleRequiresGrad(Rule):
    """`requires_grad` is assigned to a module, which freezes nothing.

    ## What it does
    Reports an assignment to `requires_grad` (also misspelt, as `require_grad`) of something that is surely an `nn.Module`: made by a class of torch.nn or
    torchvision.models or by a module class of the text, a part of such a one, or walked over with `children()` or `modules()`.

    ## Why is this bad?
    A module takes any attribute. Its parameters go on being trained, and nothing says so.

    ## Example
    ```python
    model.requires_grad = False
    ```

    ## Use instead
    ```python
    model.requires_grad_(False)
    ```

    ## Fix safety
    It does what the text says; training then really changes, so the printed results may.

    ## References
    - Documentation of torch.nn.Module.requires_grad_.
    """

    id = "SNF150"
    name = "requires-grad-on-module"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(
            "import torch.nn as nn\n\nnet = nn.Linear(2, 3)\nfor p in net.parameters():\n    p.requires_grad = False\nnet.weight.requires_grad = False"
        ),
        Good("import torch\n\nx = torch.ones(2)\nx.requires_grad = True\nnet = torch.nn.Parameter(x)\nnet.requires_grad = False"),
        Good(
            "import torch, torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.scale = nn.Parameter(torch.ones(1))\n\nnet = Net()\nnet.scale.requires_grad = False\n"
        ),
    )
    BAD = (
        Bad(
            "import torch.nn as nn\n\nnet = nn.Linear(2, 3)\nnet.requires_grad = False  # 冻结\n",
            at=(4, 1),
            fixed="import torch.nn as nn\n\nnet = nn.Linear(2, 3)\nnet.requires_grad_(False)  # 冻结\n",
            runs=False,
        ),
        Bad(
            "import torch.nn as nn\n\nclass Net(nn.Module):\n    pass\n\nnet = Net()\nfor layer in net.children():\n    layer.require_grad = False\n",
            at=(8, 5),
            fixed="import torch.nn as nn\n\nclass Net(nn.Module):\n    pass\n\nnet = Net()\nfor layer in net.children():\n    layer.requires_grad_(False)\n",
            runs=False,
        ),
        Bad(
            GIVEN.format("self.body.requires_grad = False  # 冻结"),
            at=(7, 9),
            fixed=GIVEN.format("self.body.requires_grad_(False)  # 冻结"),
            runs=False,
        ),
        Bad(
            "import torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.body = nn.Sequential(nn.Linear(2, 3))\n\nnet = Net()\nnet.body.requires_grad = False\n",
            at=(9, 1),
            fixed="import torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.body = nn.Sequential(nn.Linear(2, 3))\n\nnet = Net()\nnet.body.requires_grad_(False)\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for statement, _ in assignments(context):
            yield self.finding("a module has no `requires_grad`: the assignment freezes nothing", context.code.span(statement))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for statement, target in assignments(context):
            if context.code.span(statement) == finding.span:
                text = f"{context.code.slice(target.value)}.requires_grad_({context.code.slice(statement.value)})"
                yield self.fix("Use `requires_grad_`", Edit(*context.code.range(finding.span), text))


def assignments(context: Context) -> Iterator[tuple[ast.Assign, ast.Attribute]]:
    """Assignments to `requires_grad`, in any spelling, of what is surely a module, with their target."""
    for node in context.code.all(ast.Assign):
        target = node.targets[0] if len(node.targets) == 1 else None
        if not isinstance(target, ast.Attribute) or (target.attr != "requires_grad" and not misspells(target.attr)):
            continue
        if _is_module(context, target.value):
            yield node, target


def _is_module(context: Context, node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        bound = context.scopes.bindings(node)
        return bool(bound) and all(_makes_module(context, one.value) or _walks_modules(context, one.node) for one in bound)
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    if node.value.id == "self":
        owner = next((up for up in context.code.ancestors(node) if isinstance(up, ast.ClassDef)), None)
    else:
        made = [one.value for one in context.scopes.bindings(node.value)]
        if len(made) == 1 and node.attr in PARTS and _qualified(context, made[0]).startswith("torchvision.models."):
            return True
        owner = _class_of(context, made[0]) if len(made) == 1 else None
    held = [one.value for one in context.code.all(ast.Assign, owner) if written(one.targets[0]) == f"self.{node.attr}"] if owner else []
    if node.value.id == "self" and owner is not None and held and all(isinstance(one, ast.Name) for one in held):
        # what the constructor was given: a module when the class calls it as a layer and never computes with it
        uses = [context.code.parents.get(one) for one in context.code.mentions(f"self.{node.attr}") if isinstance(one.ctx, ast.Load)]
        called_as_layer = any(isinstance(up, ast.Call) and written(up.func) == f"self.{node.attr}" for up in uses)
        return called_as_layer and not any(isinstance(up, ast.BinOp) for up in uses)
    return bool(held) and all(_makes_module(context, one) for one in held)


def _qualified(context: Context, value: ast.expr | None) -> str:
    return (context.scopes.qualified(value.func) or "") if isinstance(value, ast.Call) else ""


def _class_of(context: Context, value: ast.expr | None) -> ast.ClassDef | None:
    """The class of the text that a value is an instance of."""
    bound = context.scopes.bindings(value.func) if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ()
    return bound[0].node if len(bound) == 1 and isinstance(bound[0].node, ast.ClassDef) else None


def _makes_module(context: Context, value: ast.expr | None) -> bool:
    if not isinstance(value, ast.Call):
        return False
    qualified = context.scopes.qualified(value.func) or ""
    last = qualified.rpartition(".")[2]
    if qualified.startswith("torch.nn.") and last[:1].isupper() and qualified.count(".") == 2:
        return last not in {"Parameter", "UninitializedParameter", "Buffer", "UninitializedBuffer"}
    if qualified.startswith("torchvision.models."):
        return True
    owner = _class_of(context, value)
    return owner is not None and any(context.scopes.qualified(base) == "torch.nn.Module" for base in owner.bases)


def _walks_modules(context: Context, node: ast.AST) -> bool:
    loop = context.code.parents.get(node)
    if not isinstance(loop, ast.For) or loop.target is not node or not isinstance(loop.iter, ast.Call):
        return False
    return isinstance(loop.iter.func, ast.Attribute) and loop.iter.func.attr in {"children", "modules"} and not loop.iter.args

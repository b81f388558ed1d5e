"""requires_grad misspelt where it is assigned."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import rename_attribute
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import words
from snipfix.rules.static.module_requires_grad import assignments, misspells

__all__ = ["MisspeltRequiresGrad"]

OPTIONS = frozenset(
    {"self", "cls", "args", "arg", "config", "cfg", "conf", "opt", "opts", "options", "flags", "params", "hparams", "hp", "settings"}
)
"""Names of objects that may have attributes of any name."""

HEAD = "import torch.nn as nn\nbackbone = nn.Sequential(nn.Linear(4, 8), nn.ReLU())\n"


class MisspeltRequiresGrad(Rule):
    """A misspelling of `requires_grad` is assigned: a tensor takes the new attribute, and nothing is frozen.

    ## What it does
    Reports an assignment to `require_grad`, `requires_gard`, `requiresgrad` and the like, or over the method `requires_grad_`, of anything but the
    text's own objects and options.

    ## Why is this bad?
    Python lets any attribute be set. The parameter goes on being trained, and nothing says so.

    ## Example
    ```python
    for p in backbone.parameters():
        p.require_grad = False
    ```

    ## Use instead
    ```python
    for p in backbone.parameters():
        p.requires_grad = False
    ```

    ## Fix safety
    It does what the text says; training then really changes, so the printed results may.

    ## References
    - torch.Tensor.requires_grad.
    """

    id = "SNF151"
    name = "misspelt-requires-grad"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "for p in backbone.parameters():\n    p.requires_grad = False\nbackbone.requires_grad_(False)\n"),
        Good(
            "import torch\n\nclass Layer:\n    def __init__(self, require_grad):\n        self.require_grad = require_grad\n\nLayer(True).require_grad = False\n"
        ),
        Good(
            "import torch\nfrom types import SimpleNamespace\n\ncfg = SimpleNamespace()\ncfg.require_grad = False\nprint(cfg.require_grad)\n"
        ),
        Good("class Tensor:\n    pass\n\nt = Tensor()\nt.require_grad = True\n"),
        Good(HEAD + "for p in backbone.parameters():\n    p.retains_gradient = p.requires_grad\n"),
    )
    BAD = (
        Bad(
            HEAD + "for p in backbone.parameters():\n    p.require_grad = False  # 冻结骨干网络\n",
            at=(4, 5),
            fixed=HEAD + "for p in backbone.parameters():\n    p.requires_grad = False  # 冻结骨干网络\n",
            runs=False,
        ),
        Bad(
            HEAD + "for name, weight in backbone.named_parameters():\n    weight.requires_grad_ = 'bias' in name\n",
            at=(4, 5),
            fixed=HEAD + "for name, weight in backbone.named_parameters():\n    weight.requires_grad = 'bias' in name\n",
            runs=False,
        ),
        Bad(
            HEAD + "backbone[0].weight.requiresGrad = False\n",
            at=(3, 1),
            fixed=HEAD + "backbone[0].weight.requires_grad = False\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for target in _misspelt(context):
            message = f"`{target.attr}` is a new attribute, the one that autograd reads is `requires_grad`: nothing is frozen or thawed"
            yield self.finding(message, context.code.span(target))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for target in _misspelt(context):
            if context.code.span(target) == finding.span:
                yield self.fix("spell it requires_grad", *rename_attribute(context.code, target, "requires_grad"))


def _misspelt(context: Context) -> Iterator[ast.Attribute]:
    if not context.scopes.packages & {"torch", "torchvision", "transformers"}:
        return
    misspelt = [node for node in context.code.all(ast.Attribute) if isinstance(node.ctx, ast.Store) and misspells(node.attr)]
    taken = {id(target) for _, target in assignments(context)} if misspelt else set()
    own = _own_attributes(context) if misspelt else set()
    for node in misspelt:
        if id(node) in taken:
            continue
        owner = words(ast.unparse(node.value).rpartition(".")[2])[-1:]
        if node.attr not in own and not OPTIONS & set(owner):
            yield node


def _own_attributes(context: Context) -> set[str]:
    """The names that classes of the text give to attributes of their own."""
    found: set[str] = set()
    for node in context.code.all(ast.ClassDef):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store) and ast.unparse(inner.value) in ("self", "cls"):
                found.add(inner.attr)
            elif isinstance(inner, ast.FunctionDef):
                found.add(inner.name)
            elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                found.add(inner.id)
    return found

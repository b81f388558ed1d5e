"""Functional dropout that does not know whether the model is training."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import add_keyword
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import each

DROPOUTS = frozenset(f"torch.nn.functional.{name}" for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"))


class DropoutNeverOff(Rule):
    """`F.dropout` in a module without `training=self.training` drops in evaluation mode too.

    ## What it does
    Reports a call of `F.dropout` in a method of a module that is not told whether the module is training.

    ## Why is this bad?
    The default is `training=True`: `model.eval()` does not reach it, and every prediction stays random.

    ## Example
    ```python
    x = F.dropout(x, 0.5)
    ```

    ## Use instead
    ```python
    x = F.dropout(x, 0.5, training=self.training)
    ```

    ## Fix safety
    Unsafe only where dropout in evaluation mode is meant; then `training=True` says so.

    ## References
    - torch.nn.functional.dropout: "training: apply dropout if True. Default: True".
    """

    id = "SNF437"
    name = "dropout-never-off"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(
            "import torch.nn as nn, torch.nn.functional as F\nclass Net(nn.Module):\n    def forward(self, x):\n"
            "        return F.dropout(x, 0.5, self.training)\n"
        ),
        Good(
            "import torch.nn as nn, torch.nn.functional as F\nclass Net(nn.Module):\n    def forward(self, x):\n"
            "        return F.dropout(x, p=0.5, training=True)  # Monte Carlo dropout\n"
        ),
        Good("import torch, torch.nn.functional as F\nprint(F.dropout(torch.ones(3), 0.5))\n"),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn, torch.nn.functional as F\nclass Net(nn.Module):\n    def forward(self, x):\n"
            "        return F.dropout(x, 0.5)\nNet().eval()(torch.ones(9))\n",
            at=(4, 16),
            fixed="import torch, torch.nn as nn, torch.nn.functional as F\nclass Net(nn.Module):\n    def forward(self, x):\n"
            "        return F.dropout(x, 0.5, training=self.training)\nNet().eval()(torch.ones(9))\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for node in code.calls(*(name.rpartition(".")[2] for name in DROPOUTS)):
            if context.scopes.qualified(node.func) not in DROPOUTS:
                continue
            told = len(node.args) > 2 or any(one.arg in {"training", None} for one in node.keywords)
            method = next((up for up in code.ancestors(node) if isinstance(up, ast.FunctionDef)), None)
            if not told and method is not None and isinstance(code.parents.get(method), ast.ClassDef) and _has_self(method):
                message = "this dropout is never off: its `training` is True by default, whatever `model.eval()` says"
                yield self.finding(message, code.span(node))

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for _, span in each(outcome, context.code, "dropout"):
            node = context.code.node_at(span, ast.Call)
            if node is not None and "True" not in ast.unparse(node):
                message = "this dropout worked while its module was in evaluation mode: nothing tells it to stop"
                yield self.finding(message, context.code.span(node), stage=Stage.PROBE)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        if isinstance(node, ast.Call):
            yield self.fix("drop only while the module is training", *add_keyword(context.code, node, "training", "self.training"))


def _has_self(method: ast.FunctionDef) -> bool:
    return bool(method.args.args) and method.args.args[0].arg == "self"

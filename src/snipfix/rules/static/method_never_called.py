"""A method named in a statement and not called."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["MethodNeverCalled"]

METHODS = frozenset({"zero_grad", "step", "backward", "eval", "train", "cuda", "zero_", "detach_", "retain_grad"})
"""Methods of tensors, modules, optimizers and schedulers that are called for what they do and need no argument."""

HEAD = (
    "import torch, torch.nn as nn\nmodel = nn.Linear(3, 1)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
    "for _ in range(3):\n    loss = model(torch.ones(2, 3)).mean()\n"
)


class MethodNeverCalled(Rule):
    """`optimizer.zero_grad` stands there without parentheses: the method is named, and never called.

    ## What it does
    Reports a statement that is nothing but the name of a method which is called for its effect: `zero_grad`, `step`, `backward`, `eval`, `train`
    and a few more.

    ## Why is this bad?
    Nothing happens and nothing is said: gradients pile up, parameters stay as they are, dropout stays on.

    ## Example
    ```python
    optimizer.zero_grad
    loss.backward()
    ```

    ## Use instead
    ```python
    optimizer.zero_grad()
    loss.backward()
    ```

    ## Fix safety
    It does what the text says; the printed results change.

    ## References
    - torch.optim.Optimizer.zero_grad.
    """

    id = "SNF455"
    name = "method-never-called"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n"),
        Good(HEAD + "    step = optimizer.step\n    loss.backward()\n    step()\n"),
        Good(HEAD + "    loss.requires_grad\n    loss.grad\n"),
        Good("import torch\ntorch.Tensor.backward\ntorch.optim.Optimizer.step\n"),
        Good("class Robot:\n    def __init__(self):\n        self.step = 0\n\nrobot = Robot()\nrobot.step\n"),
    )
    BAD = (
        Bad(
            HEAD + "    optimizer.zero_grad  # 梯度清零\n    loss.backward()\n    optimizer.step()\n",
            at=(6, 5),
            fixed=HEAD + "    optimizer.zero_grad()  # 梯度清零\n    loss.backward()\n    optimizer.step()\n",
            runs=False,
        ),
        Bad(
            HEAD + "    loss.backward(); optimizer.step\n    optimizer.zero_grad()\n",
            at=(6, 22),
            fixed=HEAD + "    loss.backward(); optimizer.step()\n    optimizer.zero_grad()\n",
            runs=False,
        ),
        Bad(
            "import torch.nn as nn\nnet = nn.Dropout(0.5)\nnet.eval\nprint(net)\n",
            at=(3, 1),
            fixed="import torch.nn as nn\nnet = nn.Dropout(0.5)\nnet.eval()\nprint(net)\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        own = {node.attr for node in code.all(ast.Attribute) if isinstance(node.ctx, ast.Store)}
        for statement in code.all(ast.Expr):
            node = statement.value
            if not isinstance(node, ast.Attribute) or node.attr not in METHODS - own or context.scopes.qualified(node):
                continue
            if self._known(context, node):
                message = f"`{code.slice(node)}` names the method and does not call it: nothing happens"
                yield self.finding(message, code.span(node))

    @staticmethod
    def _known(context: Context, node: ast.Attribute) -> bool:
        """Whether the text itself has the object; a list of names in a document has not."""
        root: ast.expr = node
        while isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
            root = root.func if isinstance(root, ast.Call) else root.value
        inside = any(isinstance(up, ast.For | ast.While | ast.FunctionDef) for up in context.code.ancestors(node))
        return isinstance(root, ast.Name) and (inside or bool(context.scopes.bindings(root)))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        end = context.code.range(finding.span)[1]
        yield self.fix("call the method", Edit(end, end, "()"))

"""backward() is called on a loss that no parameter has a part in."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator

from snipfix.codemods import add_keyword, rename_attribute, replace_expression, replace_statement
from snipfix.model import Applicability, Category, Meaning
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword


class LossWithoutGraph(CrashRule):
    """backward() is called on a loss that no parameter has a part in.

    ## What it does
    Explains a `backward` on a tensor without a history: cut by `detach`, `no_grad`, `argmax`, by building a new tensor from old ones, or never connected.

    ## Why is this bad?
    Nothing can be learned from such a loss.

    ## Example
    ```python
    loss = torch.tensor([one, two]).mean()
    loss.backward()
    ```

    ## Use instead
    ```python
    loss = torch.stack([one, two]).mean()
    loss.backward()
    ```

    ## Fix safety
    The cut is undone where it stands; where it was on purpose the loss is another matter.

    ## References
    - torch.no_grad
    - torch.stack
    """

    id = "SNF284"
    name = "loss-without-graph"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"element 0 of (?:tensors|variables) does not require grad",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 1)\ntorch.stack([net(torch.ones(3)).sum()]).mean().backward()\n"),
        Good("import torch\nimport torch.nn as nn\nx = torch.ones(1, requires_grad=True)\n(x ** 2).backward()\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 1)\nlosses = [net(torch.ones(3)).sum() for _ in range(2)]\nloss = torch.tensor(losses).mean()\nloss.backward()\n",
            at=(6, 1),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 1)\nlosses = [net(torch.ones(3)).sum() for _ in range(2)]\nloss = torch.stack(losses).mean()\nloss.backward()\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 1)\nwith torch.no_grad():\n    out = net(torch.ones(2, 3))\nloss = out.mean()\nloss.backward()\n",
            at=(7, 1),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 1)\nout = net(torch.ones(2, 3))\nloss = out.mean()\nloss.backward()\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "backward() is called on a loss that does not depend on anything that requires a gradient"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code = crash.code
        for node in self._history(crash):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            values = node.args[0].elts if node.args and isinstance(node.args[0], ast.List) else []
            if node.func.attr == "tensor" and any(isinstance(one, ast.Constant | ast.List | ast.UnaryOp) for one in values):
                continue
            if node.func.attr == "tensor" and node.args and isinstance(node.args[0], ast.Name | ast.List | ast.ListComp):
                yield Offer("Stack the tensors, which keeps their history", rename_attribute(code, node.func, "stack"))
            elif node.func.attr in ("detach", "item") and not node.args:
                yield Offer("Keep the history", replace_expression(code, node, crash.text(node.func.value)))
            elif node.func.attr == "tensor" and node.args:
                yield Offer("Keep the history", replace_expression(code, node, crash.text(node.args[0])))
        yield from self._without_no_grad(crash)
        has_model = bool(crash.context.outcome and crash.context.outcome.calls)
        for node in [] if has_model else self._history(crash):
            made = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MAKERS
            if (
                made
                and isinstance(node, ast.Call)
                and crash.text(node.func).startswith("torch.")
                and keyword(node, "requires_grad") is None
            ):
                whole = [one for one in ast.walk(node) if isinstance(one, ast.Constant) and type(one.value) is int]
                if node.func.attr == "tensor" and any(whole):  # type: ignore[attr-defined]
                    continue
                yield Offer("Ask for a gradient", add_keyword(code, node, "requires_grad", "True"))
        for node in code.nodes:
            frozen = (
                isinstance(node, ast.Assign)
                and ast.unparse(node.targets[0]).endswith(".requires_grad")
                and ast.unparse(node.value) == "False"
            )
            if frozen and isinstance(node, ast.Assign):
                yield Offer("Let the parameters learn", replace_expression(code, node.value, "True"), Meaning.CHANGES)

    @staticmethod
    def _history(crash: Crash) -> list[ast.AST]:
        """The expressions that the loss was computed from, the nearest first."""
        found: list[ast.AST] = []
        todo: list[ast.AST] = [crash.call.func.value] if crash.call is not None and isinstance(crash.call.func, ast.Attribute) else []
        while todo and len(found) < 200:
            for node in ast.walk(todo.pop(0)):
                if node not in found:
                    found.append(node)
                    birth = crash.born(node) if isinstance(node, ast.Name) else None
                    if birth is not None:
                        todo.append(birth.value)
        return found

    @staticmethod
    def _without_no_grad(crash: Crash) -> Iterator[Offer]:
        code = crash.code
        for node in code.nodes:
            if (
                isinstance(node, ast.With)
                and len(node.items) == 1
                and ast.unparse(node.items[0].context_expr) in ("torch.no_grad()", "torch.inference_mode()")
            ):
                body = textwrap.dedent("\n".join(code.lines[node.body[0].lineno - 1 : node.end_lineno]))
                yield Offer("Compute with gradients", replace_statement(code, node.lineno, body))


MAKERS = ("tensor", "randn", "rand", "ones", "zeros", "linspace", "full")

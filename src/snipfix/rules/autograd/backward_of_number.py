"""backward() is called on a plain number."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import joined, replace_expression, unwrap_call, wrap_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.observed import called


class BackwardOfNumber(CrashRule):
    """backward() is called on a plain number.

    ## What it does
    Explains a `backward` on what `.item()` or `float()` has made of a loss.

    ## Why is this bad?
    A number has no history. `.item()` belongs where the loss is shown, after `backward()`.

    ## Example
    ```python
    loss = criterion(out, y).item()
    loss.backward()
    ```

    ## Use instead
    ```python
    loss = criterion(out, y)
    loss.backward()
    ```

    ## Fix safety
    Where the number was printed or added up, it is now a tensor of the same value.

    ## References
    - torch.Tensor.item
    """

    id = "SNF287"
    name = "backward-of-number"
    category = Category.AUTOGRAD
    applicability = Applicability.SAFE
    TYPES = ("AttributeError",)
    MESSAGES = (r"'(float|int|numpy\.float\d+)' object has no attribute 'backward'",)
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\nloss = (w ** 2).sum()\nloss.backward()\nprint(loss.item())\n"
        ),
        Good("import torch\nimport torch.nn as nn\nloss = torch.ones(3).sum().item()\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\nloss = (w ** 2).sum().item()\nloss.backward()\n",
            at=(5, 1),
            fixed="import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\nloss = (w ** 2).sum()\nloss.backward()\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return f"backward() is called on a {crash.found[0]}, which has no history"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        tensor = crash.node.value if isinstance(crash.node, ast.Attribute) else None
        birth = crash.born(tensor) if isinstance(tensor, ast.Name) else None
        if birth is not None and isinstance(birth.value, ast.BinOp):
            parts = [made.value for one in ast.walk(birth.value) if isinstance(one, ast.Name) and (made := crash.born(one)) is not None]
            items = [one for one in parts if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "item"]
            kept = [replace_expression(crash.code, one, crash.text(one.func.value)) for one in items]  # type: ignore[attr-defined]
            if kept:
                yield Offer("Keep the tensors", joined(*kept))
        for node in [one for one in (tensor, birth.value if birth is not None else None, *_returned(crash, birth)) if one is not None]:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "item" and not call.args:
                    edits = replace_expression(crash.code, call, crash.text(call.func.value))
                    summed = _summed(crash, birth.targets[0]) if birth is not None and call is birth.value else []
                    yield Offer("Keep the tensor", joined(edits, *(wrap_expression(crash.code, one, "{}.item()") for one in summed)))
                elif isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "float":
                    yield Offer("Keep the tensor", unwrap_call(crash.code, call))


def _returned(crash: Crash, birth: ast.Assign | None) -> Iterator[ast.expr]:
    """What the text's own function gives back whose result is the number."""
    name = called(birth.value) if birth is not None else ""
    for made in (one for one in crash.code.all(ast.FunctionDef) if one.name == name):
        yield from (node.value for node in crash.code.all(ast.Return, made) if node.value is not None)


def _summed(crash: Crash, name: ast.expr) -> list[ast.expr]:
    """Where the number is added to a total or put into a list: it is meant as a number there, without the history of the tensor."""
    added = [node.value for node in crash.code.all(ast.AugAssign)]
    added += [call.args[0] for call in crash.code.calls("append") if len(call.args) == 1]
    return [
        one
        for one in added
        if isinstance(one, ast.Name) and one.id == crash.text(name) and crash.function_of(one) is crash.function_of(name)
    ]

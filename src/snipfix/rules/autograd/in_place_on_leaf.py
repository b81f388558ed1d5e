"""A parameter is changed in place while gradients are recorded."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_statement
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.edits import run_from, without_recording


class InPlaceOnLeaf(CrashRule):
    """A parameter is changed in place while gradients are recorded.

    ## What it does
    Explains `+=`, `-=` and in-place methods on a leaf tensor that requires a gradient.

    ## Why is this bad?
    The program stops: the old value, of which the gradient is taken, would be lost.

    ## Example
    ```python
    w -= lr * w.grad
    ```

    ## Use instead
    ```python
    with torch.no_grad():
        w -= lr * w.grad
    ```

    ## Fix safety
    An update of a parameter is not part of the computation that is learned from. Where the changed tensor is computed with further, a new tensor is made instead.

    ## References
    - torch.no_grad
    """

    id = "SNF285"
    name = "in-place-on-leaf"
    category = Category.AUTOGRAD
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"a (?:view of a )?leaf Variable that requires grad (?:is being used in an in-place operation|has been used in an in-place operation)",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\nwith torch.no_grad():\n    w += 1\n"),
        Good("import torch\nimport torch.nn as nn\nw = torch.ones(3)\nw += 1\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\n(w ** 2).sum().backward()\nw -= 0.1 * w.grad\n",
            at=(5, 1),
            fixed="import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\n(w ** 2).sum().backward()\nwith torch.no_grad():\n    w -= 0.1 * w.grad\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "a leaf tensor that requires a gradient is changed in place"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        statement, code = crash.statement, crash.code
        if statement is None:
            return
        together = run_from(code, statement, _belongs)
        yield Offer("Change it without recording", without_recording(code, [(one, code.slice(one)) for one in together]))
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}.get(type(statement.op))
            name, value = statement.target.id, code.slice(statement.value)
            if sign:
                yield Offer("Compute a new tensor", replace_statement(code, statement.lineno, f"{name} = {name} {sign} ({value})"))


def _belongs(one: ast.stmt) -> bool:
    """Whether a statement changes a tensor by its own gradient, `w -= lr * w.grad`, or fills one of a module, `self.bias.zero_()`."""
    if isinstance(one, ast.AugAssign):
        return f"{ast.unparse(one.target)}.grad" in ast.unparse(one.value)
    call = one.value if isinstance(one, ast.Expr) else None
    method = call.func if isinstance(call, ast.Call) else None
    in_place = isinstance(method, ast.Attribute) and method.attr.endswith("_") and not method.attr.endswith("__")
    return isinstance(method, ast.Attribute) and in_place and isinstance(method.value, ast.Attribute) and "grad" not in ast.unparse(method)

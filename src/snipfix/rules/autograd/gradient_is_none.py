"""The gradient of a tensor is used that has none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, insert_statement_after, joined, remove_argument, replace_statement
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.edits import in_place, run_from, without_recording
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called
from snipfix.rules.training_loop.backward_never_called import losses_before


class GradientIsNone(CrashRule):
    """The gradient of a tensor is used that has none.

    ## What it does
    Explains uses of `.grad` that is None: the parameter was replaced by a computed tensor, or nothing was backpropagated to it.

    ## Why is this bad?
    `w = w - lr * w.grad` makes a new tensor, and only leaves get gradients.

    ## Example
    ```python
    w = w - lr * w.grad
    w.grad.zero_()
    ```

    ## Use instead
    ```python
    with torch.no_grad():
        w -= lr * w.grad
    w.grad.zero_()
    ```

    ## Fix safety
    The update is the same; the parameter stays the one whose gradient is recorded.

    ## References
    - torch.Tensor.grad
    """

    id = "SNF286"
    name = "gradient-is-none"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    TYPES = ("AttributeError", "TypeError")
    MESSAGES = (
        r"'NoneType' object has no attribute '(?:zero_|data|norm|detach|abs|sum|mean|clone|numpy|item|shape|size|pow|add_|mul_|tolist|max|min|view|flatten|cpu|to|clamp_|div_)'",
        r"unsupported operand type\(s\) for [^:]+: '?\w*(?:NoneType|float|Tensor)'? and '?\w*(?:NoneType|Tensor)'?",
    )
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\n(w ** 2).sum().backward()\nwith torch.no_grad():\n    w -= 0.1 * w.grad\nw.grad.zero_()\n"
        ),
        Good("import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\nprint(w.grad)\n"),
    )
    BAD = (
        Bad(
            "import torch\nw = torch.ones(3, requires_grad=True).double()\n(w ** 2).sum().backward()\nprint(w.grad.norm())\n",
            at=(4, 7),
            fixed="import torch\nw = torch.ones(3).double().requires_grad_()\n(w ** 2).sum().backward()\nprint(w.grad.norm())\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\nfor _ in range(2):\n    loss = (w ** 2).sum()\n    loss.backward()\n    w = w - 0.1 * w.grad\n    w.grad.zero_()\n",
            at=(8, 5),
            fixed="import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\nfor _ in range(2):\n    loss = (w ** 2).sum()\n    loss.backward()\n    with torch.no_grad():\n        w -= 0.1 * w.grad\n    w.grad.zero_()\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return any(isinstance(node, ast.Attribute) and node.attr == "grad" for node in ast.walk(crash.statement or ast.Pass()))

    def says(self, crash: Crash) -> str:
        names = [
            ast.unparse(node.value)
            for node in ast.walk(crash.statement or ast.Pass())
            if isinstance(node, ast.Attribute) and node.attr == "grad"
        ]
        told = _told_by_loop(crash)
        if told:
            return f"{told} has no gradient: the loss was computed without it"
        return f"{names[0] if names else 'the tensor'} has no gradient: its grad is None"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code = crash.code
        call = crash.statement.value if isinstance(crash.statement, ast.Expr) else None
        if isinstance(call, ast.Call) and called(call) in ("zero_", "detach_") and isinstance(call.func, ast.Attribute):
            grad = call.func.value
            if isinstance(grad, ast.Attribute) and grad.attr == "grad" and _of_loop(crash, grad.value):
                text = f"if {crash.text(grad)} is not None:\n    {code.slice(call)}"
                yield Offer("Clear only gradients that are there", replace_statement(code, call.lineno, text))
        if "backward(" not in code.text:
            for loss in losses_before(code, crash.span.line):
                name = ast.unparse(loss.targets[0])
                yield Offer(f"Run the backward pass of {name}", insert_statement_after(code, loss.lineno, f"{name}.backward()"))
        names = {
            ast.unparse(node.value)
            for node in ast.walk(crash.statement or ast.Pass())
            if isinstance(node, ast.Attribute) and node.attr == "grad" and isinstance(node.value, ast.Name | ast.Attribute)
        }
        for node in code.nodes:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in names and in_place(code, node):
                run = run_from(code, node, lambda one: bool(in_place(code, one)))
                edits = without_recording(code, [(one, in_place(code, one)) for one in run])
                yield Offer("Update the parameter in place, without recording", edits)
        for name in names:
            birth = next((node for node in code.all(ast.Assign) if ast.unparse(node.targets[0]) == name), None)
            if birth is not None and (maker := asked_too_early(birth.value)) is not None:
                end = code.range(code.span(birth.value))[1]
                edits = joined(remove_argument(code, maker, "requires_grad"), (Edit(end, end, ".requires_grad_()"),))
                yield Offer("Ask for the gradient of what is kept", edits)
            elif birth is not None and isinstance(birth.value, ast.Call) and keyword(birth.value, "requires_grad") is None:
                yield Offer("Ask for a gradient", add_keyword(code, birth.value, "requires_grad", "True"))
            elif birth is not None and isinstance(birth.value, ast.BinOp):
                yield Offer("Keep the gradient of this tensor", insert_statement_after(code, birth.lineno, f"{name}.retain_grad()"))


def asked_too_early(value: ast.expr) -> ast.Call | None:
    """In `torch.ones(3, requires_grad=True).double()` the call that asks for the gradient, of a tensor that nobody keeps."""
    inner = value.func.value if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) else None
    while isinstance(inner, ast.Call):
        if any(one.arg == "requires_grad" and isinstance(one.value, ast.Constant) and one.value.value is True for one in inner.keywords):
            return inner
        inner = inner.func.value if isinstance(inner.func, ast.Attribute) else None
    return None


def _of_loop(crash: Crash, name: ast.expr) -> bool:
    """Whether a name is what a loop goes through, `for p in parameters`: before the first backward() none has a gradient yet."""
    loops = [up for up in crash.code.ancestors(name) if isinstance(up, ast.For)]
    return isinstance(name, ast.Name) and any(crash.text(loop.target) == name.id for loop in loops)


def _told_by_loop(crash: Crash) -> str:
    """The name that `for name, p in net.named_parameters()` has for the parameter, once backward() has run; empty for another loop."""
    loop = next((up for up in crash.code.ancestors(crash.statement or ast.Pass()) if isinstance(up, ast.For)), None)
    pair = loop.target if loop is not None and called(loop.iter) == "named_parameters" else None
    first = pair.elts[0] if isinstance(pair, ast.Tuple) else None
    value = crash.frame.locals.get(first.id) if crash.frame and isinstance(first, ast.Name) else None
    ran = any(node.attr == "backward" and node.lineno < crash.span.line for node in crash.code.all(ast.Attribute))
    return value.text.strip("'\"") if value is not None and ran and value.kind == "str" else ""

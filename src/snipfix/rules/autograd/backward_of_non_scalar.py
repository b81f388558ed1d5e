"""backward() is called on a tensor of several numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_argument, add_keyword, replace_expression, wrap_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import keyword, passed

GRAD = "torch.autograd.grad"


class BackwardOfNonScalar(CrashRule):
    """backward() is called on a tensor of several numbers.

    ## What it does
    Explains `backward` without a gradient on a tensor that is not a single number.

    ## Why is this bad?
    The program stops: the gradient of a vector is a matrix, and PyTorch does not know which mix of its rows is meant.

    ## Example
    ```python
    y = x * x
    y.backward()
    ```

    ## Use instead
    ```python
    y = x * x
    y.sum().backward()
    ```

    ## Fix safety
    The sum gives each element's own derivative, which is what examples on vectors mean; for a loss per sample the mean is usual.

    ## References
    - torch.Tensor.backward
    """

    id = "SNF283"
    name = "backward-of-non-scalar"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"grad can be implicitly created only for scalar outputs",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nx = torch.ones(3, requires_grad=True)\n(x * x).sum().backward()\n"),
        Good("import torch\nimport torch.nn as nn\nx = torch.ones(3, requires_grad=True)\n(x * x).backward(torch.ones(3))\n"),
    )
    BAD = (
        Bad(
            "import torch\nx = torch.ones(3, requires_grad=True)\nscore = x * x\nslope = torch.autograd.grad(score, x)[0]\nprint(slope)\n",
            at=(4, 9),
            fixed="import torch\nx = torch.ones(3, requires_grad=True)\nscore = x * x\nslope = torch.autograd.grad(score, x, grad_outputs=torch.ones_like(score))[0]\nprint(slope)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.ones(3, requires_grad=True)\ny = x * x\ny.backward()\nprint(x.grad)\n",
            at=(5, 1),
            fixed="import torch\nimport torch.nn as nn\nx = torch.ones(3, requires_grad=True)\ny = x * x\ny.sum().backward()\nprint(x.grad)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        if crash.operation.name == GRAD:
            outputs = crash.argument(0, "outputs")
            whose = shape_text(outputs.items[0].shape if outputs and outputs.items else ())
            return f"grad() needs a single number or grad_outputs, this tensor {whose} has several"
        given = f" {shape_text(crash.shape(0))}" if crash.shape(0) else ""
        return f"backward() needs a single number, this tensor{given} has several"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call = crash.call
        if call is not None and crash.operation.name == GRAD:
            yield from _weighed(crash, call)
            return
        if call is None or not isinstance(call.func, ast.Attribute):
            return
        tensor = call.func.value
        name = crash.text(tensor)
        birth = crash.born(tensor) if isinstance(tensor, ast.Name) else None
        made = birth.value if birth is not None else tensor
        if isinstance(made, ast.Subscript) and _has_loss(crash, made.value):
            yield Offer("Take the loss of the output", replace_expression(crash.code, made, f"{crash.text(made.value)}.loss"))
        for node in crash.code.nodes:
            if isinstance(node, ast.keyword) and node.arg == "reduction" and ast.unparse(node.value) in ("'none'", "None"):
                yield Offer("Average the loss", wrap_expression(crash.code, tensor, "{}.mean()"))
                yield Offer("Let the loss average", replace_expression(crash.code, node.value, '"mean"'))
        is_loss = "loss" in name.lower() or "criterion" in (crash.text(birth.value) if birth is not None else "")
        forms = ("mean", "sum") if is_loss else ("sum", "mean")
        for form in forms:
            yield Offer(f"Take the {form} first", wrap_expression(crash.code, tensor, f"{{}}.{form}()"))
        if isinstance(tensor, ast.Name | ast.Attribute):
            yield Offer("Weigh every element with one", add_argument(crash.code, call, f"torch.ones_like({name})"))


def _weighed(crash: Crash, call: ast.Call) -> Iterator[Offer]:
    """`torch.autograd.grad` of several outputs at once, each by itself as where the samples do not meet: the gradient of their sum."""
    outputs = passed(crash, 0, "outputs")
    if outputs is not None and keyword(call, "grad_outputs") is None:
        yield Offer("Weigh every output with one", add_keyword(crash.code, call, "grad_outputs", f"torch.ones_like({crash.text(outputs)})"))


def _has_loss(crash: Crash, output: ast.expr) -> bool:
    """Whether this is what a model of `transformers` gave that was handed the labels: it computes its loss itself."""
    birth = crash.born(output) if isinstance(output, ast.Name) else None
    call = birth.value if birth is not None else None
    labelled = isinstance(call, ast.Call) and any(one.arg == "labels" for one in call.keywords)
    return labelled and crash.code.knows("transformers")

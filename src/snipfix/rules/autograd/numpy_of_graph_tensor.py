"""NumPy is given a tensor that belongs to a graph of gradients."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import wrapped


class NumpyOfGraphTensor(CrashRule):
    """NumPy is given a tensor that belongs to a graph of gradients.

    ## What it does
    Explains `.numpy()`, plotting and other NumPy functions on a tensor that requires a gradient.

    ## Why is this bad?
    The program stops: what NumPy did with the numbers would be missing from the gradient.

    ## Example
    ```python
    w = torch.ones(2, requires_grad=True)
    (w * 2).numpy()
    ```

    ## Use instead
    ```python
    w = torch.ones(2, requires_grad=True)
    (w * 2).detach().numpy()
    ```

    ## Fix safety
    The values stay the same; where they are shown or stored no gradient is needed.

    ## References
    - torch.Tensor.detach
    """

    id = "SNF280"
    name = "numpy-of-graph-tensor"
    category = Category.AUTOGRAD
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"Can't call numpy\(\) on (?:Tensor|Variable) that requires grad",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nw = torch.ones(2, requires_grad=True)\n(w * 2).detach().numpy()\n"),
        Good("import torch\nimport torch.nn as nn\ntorch.ones(2).numpy()\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\nprint((w * 2).numpy())\n",
            at=(4, 7),
            fixed="import torch\nimport torch.nn as nn\nw = torch.ones(3, requires_grad=True)\nprint((w * 2).detach().numpy())\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "NumPy cannot read a tensor that requires a gradient"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call = crash.call
        if call is not None and isinstance(call.func, ast.Attribute) and call.func.attr in ("numpy", "__array__"):
            yield from wrapped(crash, call.func.value, "{}.detach()", "Take the values out of the graph")
            return
        for arg in call.args if call is not None else ():
            yield from _kept_numbers(crash, arg)
            yield from wrapped(crash, arg, "{}.detach()", "Take the values out of the graph")


def _kept_numbers(crash: Crash, node: ast.expr) -> Iterator[Offer]:
    """A list that tensors of the graph were put into, `losses.append(loss)`, read as numbers later on: the numbers are kept instead."""
    seen = crash.frame.locals if crash.frame else {}
    for call in crash.code.calls("append") if isinstance(node, ast.Name) else ():
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        if isinstance(owner, ast.Name) and owner.id == node.id and len(call.args) == 1:  # type: ignore[attr-defined]
            kept = call.args[0]
            value = seen.get(kept.id) if isinstance(kept, ast.Name) else None
            single = value is not None and value.shape == ()
            yield from wrapped(crash, kept, "{}.item()" if single else "{}.detach()", "Keep the number" if single else "Keep the values")

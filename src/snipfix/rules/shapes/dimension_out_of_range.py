"""An operation names a dimension that the tensor does not have."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_argument, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import keyword, origin, passed
from snipfix.rules.observed import called
from snipfix.rules.widths import argument_of


class DimensionOutOfRange(CrashRule):
    """An operation names a dimension that the tensor does not have.

    ## What it does
    Explains `softmax`, `sum`, `cat`, `squeeze` and all others that take a `dim`, when it lies outside the tensor.

    ## Why is this bad?
    The program stops. Often the batch axis was lost before: `squeeze()` without a dimension drops every axis of size one.

    ## Example
    ```python
    torch.softmax(torch.zeros(5), dim=1)
    ```

    ## Use instead
    ```python
    torch.softmax(torch.zeros(5), dim=-1)
    ```

    ## Fix safety
    The last dimension is right for class scores; where an axis was lost, the squeeze is narrowed instead.

    ## References
    - torch.squeeze
    """

    id = "SNF209"
    name = "dimension-out-of-range"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("IndexError",)
    MESSAGES = (
        r"Dimension out of range \(expected to be in range of \[-?\d+, -?\d+\], but got (-?\d+)\)",
        r"Dimension specified as (-?\d+) but tensor has no dimensions",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\ntorch.softmax(torch.zeros(5), dim=0)\n"),
        Good("import torch\nimport torch.nn as nn\ntorch.softmax(torch.zeros(2, 5), dim=1)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nscores = torch.zeros(5)\np = torch.softmax(scores, dim=1)\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nscores = torch.zeros(5)\np = torch.softmax(scores, dim=-1)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\ny = nn.Linear(6, 3)(torch.zeros(1, 6)).squeeze()\np = torch.log_softmax(y, dim=1)\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\ny = nn.Linear(6, 3)(torch.zeros(1, 6)).squeeze(-1)\np = torch.log_softmax(y, dim=1)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        given = f" of shape {shape_text(crash.shape(0))}" if crash.tensors else ""
        return f"dimension {crash.found[0]} does not exist in the tensor{given}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        tensor, call = origin(crash, passed(crash, 0, "input")), crash.call
        birth = crash.born(tensor) if isinstance(tensor, ast.Name) else None
        for node in ast.walk(birth.value) if birth is not None else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "squeeze" and not node.args:
                yield Offer("Drop the last axis only", add_argument(crash.code, node, "-1"))
                yield Offer("Drop the second axis only", add_argument(crash.code, node, "1"))
        if birth is not None:
            yield from _squeezed_by_model(crash, birth.value)
        if call is None:
            return
        found = keyword(call, "dim")
        if found is not None:
            yield Offer("Use the last dimension", replace_expression(crash.code, found, "-1"))
        for arg in call.args:
            if ast.unparse(arg) == crash.found[0]:
                yield Offer("Use the last dimension", replace_expression(crash.code, arg, "-1"))
        maker = crash.constructor
        size = argument_of(maker, 0, "dim") if maker is not None else None
        if size is not None and ast.unparse(size) == crash.found[0]:
            yield Offer("Use the last dimension", replace_expression(crash.code, size, "-1"))


def _squeezed_by_model(crash: Crash, made: ast.expr) -> Iterator[Offer]:
    """`squeeze()` in the forward of a model, which takes the batch axis along where the batch has one sample: only the pooled axes go."""
    if not isinstance(made, ast.Call):
        return
    outcome = crash.context.outcome
    maps = {call.span: call.output.shape for call in (outcome.calls if outcome else ()) if call.output and call.output.shape}
    for node in crash.code.calls("squeeze"):
        home = crash.function_of(node)
        plain = isinstance(node.func, ast.Attribute) and not node.args and not node.keywords
        if not plain or not isinstance(home, ast.FunctionDef) or home.name not in ("forward", called(made)):
            continue
        inner = node.func.value  # type: ignore[attr-defined]
        if len(maps.get(crash.code.span(inner), ())) > 2:
            yield Offer("Drop the pooled axes only", replace_expression(crash.code, node, f"{crash.text(inner)}.flatten(1)"))
        yield Offer("Drop the last axis only", add_argument(crash.code, node, "-1"))

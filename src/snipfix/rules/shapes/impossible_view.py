"""A tensor is viewed in a shape that its number of elements does not fit."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import isqrt, prod

from snipfix.codemods import joined, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import passed
from snipfix.rules.widths import argument_of, width_offers


class ImpossibleView(CrashRule):
    """A tensor is viewed in a shape that its number of elements does not fit.

    ## What it does
    Explains `view` and `reshape` with sizes whose product is not the number of elements.

    ## Why is this bad?
    The program stops. Usually a size was computed for other data, or the batch size was written down instead of taken from the tensor.

    ## Example
    ```python
    x = torch.zeros(4, 3, 5)
    y = x.view(-1, 4 * 4)
    ```

    ## Use instead
    ```python
    x = torch.zeros(4, 3, 5)
    y = x.view(x.size(0), -1)
    ```

    ## Fix safety
    Flattening per sample keeps the samples apart; other shapes are guesses that have to run.

    ## References
    - torch.Tensor.view
    """

    id = "SNF203"
    name = "impossible-view"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"shape '\[([^\]]*)\]' is invalid for input of size (\d+)",
        r"unflatten: Provided sizes \[([^\]]*)\] don't multiply up to the size of dim -?\d+ \((\d+)\)",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nx = torch.zeros(4, 3, 5)\ny = x.view(-1, 5 * 3)\n"),
        Good("import torch\nimport torch.nn as nn\nx = torch.zeros(4, 3, 5)\ny = x.view(4, -1)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.zeros(4, 3, 5)\ny = x.view(-1, 4 * 4)\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nx = torch.zeros(4, 3, 5)\ny = x.view(x.size(0), -1)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        if "unflatten" in crash.failure.message:
            return True
        return crash.operation.name.endswith(("view", "reshape", "unflatten")) and bool(crash.shape(0))

    def says(self, crash: Crash) -> str:
        if "unflatten" in crash.failure.message:
            return f"{crash.found[1]} features cannot be unflattened into [{crash.found[0]}]"
        return f"a tensor {shape_text(crash.shape(0))} of {crash.found[1]} elements cannot take the shape [{crash.found[0]}]"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if "unflatten" in crash.failure.message:
            yield from _as_wide_as_unflattened(crash)
            return
        call, shape, tensor = crash.call, crash.shape(0), passed(crash, 0, "input")
        if call is None or tensor is None or not shape:
            return
        sizes = [arg for arg in call.args if arg is not tensor]
        if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple | ast.List):
            sizes = list(sizes[0].elts)
        if any(isinstance(size, ast.Starred) for size in sizes) or not sizes:
            return
        wanted = [int(size) for size in crash.found[0].split(",") if size.strip().lstrip("-").isdigit()]
        if len(shape) == 1 and prod(wanted) < shape[0] < prod(wanted) + max(wanted) and isinstance(tensor, ast.Name):
            whole = " * ".join(crash.text(size) for size in sizes)
            yield Offer("Leave out what does not fill a row", replace_expression(crash.code, tensor, f"{tensor.id}[:{whole}]"))
        if len(sizes) == 2 and len(shape) > 1:
            batch = f"{crash.text(tensor)}.size(0)" if isinstance(tensor, ast.Name) else "-1"
            rest = "-1" if batch != "-1" else str(prod(shape[1:]))
            first = crash.text(sizes[0]) if wanted[:1] == [shape[0]] else batch
            yield Offer(
                "Flatten every sample",
                joined(replace_expression(crash.code, sizes[0], first), replace_expression(crash.code, sizes[1], rest)),
            )
        yield from self._resized(crash, sizes, wanted, shape)

    def _resized(self, crash: Crash, sizes: list[ast.expr], wanted: list[int], shape: tuple[int, ...]) -> Iterator[Offer]:
        total = prod(shape)
        if len(wanted) != len(sizes):
            return
        side = isqrt(total // shape[0] // max(wanted[1], 1)) if len(wanted) == 4 else 0
        if len(sizes) == 4 and wanted[0] in (shape[0], -1) and wanted[1] * side * side == total // shape[0]:
            edits = joined(replace_expression(crash.code, sizes[2], str(side)), replace_expression(crash.code, sizes[3], str(side)))
            yield Offer(f"Make images of {side} by {side}", edits)
        if len(wanted) == 4 and wanted[0] in (shape[0], -1) and len(shape) == 3:  # heads and their width, which make up the last
            for at, other in ((3, wanted[2]), (2, wanted[3])):
                if wanted[at] > 1 < other and shape[-1] % other == 0 and shape[-1] // other != wanted[at]:
                    yield from width_offers(crash, sizes[at], shape[-1] // other, what="size")
        known = prod(size for size in wanted if size > 0)
        for at, size in enumerate(wanted):
            rest = known // size if size > 0 else 0
            if size > 1 and rest and total % rest == 0 and -1 not in wanted and (at > 0 or size != shape[0]):
                yield from width_offers(crash, sizes[at], total // rest, what="size")
                if at == 0:
                    yield Offer("Leave the first size to PyTorch", replace_expression(crash.code, sizes[0], "-1"))
            elif size > 1 and -1 in wanted:
                for fits in dict.fromkeys((shape[-1], prod(shape[1:]))):
                    if total % (known // size * fits) == 0:
                        yield from width_offers(crash, sizes[at], fits, what="size")


def _as_wide_as_unflattened(crash: Crash) -> Iterator[Offer]:
    """A linear layer that gives another number of features than `Unflatten` makes maps of."""
    sizes = [int(size) for size in crash.found[0].split(",") if size.strip().isdigit()]
    outcome = crash.context.outcome
    for call in reversed(outcome.calls if outcome else ()):
        if call.module.type == "Linear" and call.output and call.output.shape and str(call.output.shape[-1]) == crash.found[1]:
            built = crash.code.node_at(call.module.built, ast.Call) if call.module.built else None
            width = argument_of(built, 1, "out_features") if isinstance(built, ast.Call) else None
            yield from width_offers(crash, width, prod(sizes), spatial=sizes)
            return

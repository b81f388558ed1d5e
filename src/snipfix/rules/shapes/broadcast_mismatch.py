"""Two tensors are combined whose shapes do not broadcast."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import keyword, operands, wrapped
from snipfix.rules.observed import called


class BroadcastMismatch(CrashRule):
    """Two tensors are combined whose shapes do not broadcast.

    ## What it does
    Explains arithmetic and comparisons of tensors with sizes that differ in a dimension where neither is one.

    ## Why is this bad?
    The program stops. Usually an axis of size one is missing (weights times vectors), an operand is transposed, or a table is longer than the sequence.

    ## Example
    ```python
    weights = torch.ones(4, 7)
    states = torch.ones(4, 7, 5)
    (weights * states).sum(1)
    ```

    ## Use instead
    ```python
    weights = torch.ones(4, 7)
    states = torch.ones(4, 7, 5)
    (weights.unsqueeze(-1) * states).sum(1)
    ```

    ## Fix safety
    An axis is added only where the result then has the shape of the larger operand.

    ## References
    - PyTorch, Broadcasting semantics
    """

    id = "SNF205"
    name = "broadcast-mismatch"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"The size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)",
        r"output with shape \[.*\] doesn't match the broadcast shape",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\ny = torch.ones(4, 7, 1) * torch.ones(4, 7, 5)\n"),
        Good("import torch\nimport torch.nn as nn\ny = torch.ones(7, 5) * torch.ones(4, 7, 5)\n"),
    )
    BAD = (
        Bad(
            "import torch\nscores = torch.rand(3, 7, 5)\nlabels = torch.zeros(3, 7)\npred = scores.argmax(dim=1)\nprint((pred == labels).float().mean())\n",
            at=(5, 8),
            fixed="import torch\nscores = torch.rand(3, 7, 5)\nlabels = torch.zeros(3, 7)\npred = scores.argmax(dim=-1)\nprint((pred == labels).float().mean())\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nweights = torch.ones(4, 7)\nstates = torch.ones(4, 7, 5)\ncontext = (weights * states).sum(1)\n",
            at=(5, 12),
            fixed="import torch\nimport torch.nn as nn\nweights = torch.ones(4, 7)\nstates = torch.ones(4, 7, 5)\ncontext = (weights.unsqueeze(-1) * states).sum(1)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return len(crash.tensors) >= 2 and not any(word in crash.operation.name for word in ("loss", "entropy", "linear"))

    def says(self, crash: Crash) -> str:
        first, second = (shape_text(value.shape) for value in crash.tensors[:2])
        return f"shapes {first} and {second} do not broadcast"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        both = operands(crash)
        shapes = [tuple(value.shape or ()) for value in crash.tensors[:2]]
        if both is None:
            return
        for small, large in ((0, 1), (1, 0)):
            for at in range(len(shapes[small]), -1, -1):
                grown = (*shapes[small][:at], 1, *shapes[small][at:])
                if len(grown) <= len(shapes[large]) and _broadcast(grown, shapes[large]) == shapes[large]:
                    dim = -1 if at == len(shapes[small]) and at > 1 else at
                    yield from wrapped(crash, both[small], f"{{}}.unsqueeze({dim})", "Add the missing axis")
            for at in range(len(shapes[small]), 0, -1):
                grown = (*shapes[small][:at], 1, 1, *shapes[small][at:])
                if len(grown) <= len(shapes[large]) and _broadcast(grown, shapes[large]) == shapes[large]:
                    yield from wrapped(crash, both[small], f"{{}}.unsqueeze({at}).unsqueeze({at + 1})", "Add the missing axes")
        yield from self._classes_elsewhere(crash, both)
        yield from self._rearranged(crash, both, shapes)

    @staticmethod
    def _classes_elsewhere(crash: Crash, both: tuple[ast.expr, ast.expr]) -> Iterator[Offer]:
        """Predicted classes that were taken along another dim than the last, which holds the scores."""
        for one in both:
            birth = crash.born(one) if isinstance(one, ast.Name) else None
            made = birth.value if birth is not None else one
            if isinstance(made, ast.Call) and called(made) == "argmax":
                dim = keyword(made, "dim") or (made.args[-1] if made.args and isinstance(made.args[-1], ast.Constant) else None)
                if dim is not None and ast.unparse(dim) != "-1":
                    yield Offer("Take the class along the scores, the last dim", replace_expression(crash.code, dim, "-1"))

    def _rearranged(self, crash: Crash, both: tuple[ast.expr, ast.expr], shapes: list[tuple[int, ...]]) -> Iterator[Offer]:
        for one, other in ((1, 0), (0, 1)):
            shape, goal = shapes[one], shapes[other]
            for first, second in combinations(range(len(shape)), 2) if len(shape) == len(goal) < 4 else ():
                turned = list(shape)
                turned[first], turned[second] = turned[second], turned[first]
                if _broadcast(tuple(turned), goal) in (goal, tuple(turned)):
                    yield from wrapped(crash, both[one], f"{{}}.transpose({first}, {second})", "Exchange two axes")
            # What is compared with `==` belongs together entry by entry: nothing of it may be cut off.
            for axis in range(1, len(shape) + 1) if crash.operation.name.rpartition(".")[2] not in ("eq", "__eq__", "ne") else ():
                size = goal[-axis] if axis <= len(goal) else 0
                cut = (*shape[:-axis], size, *shape[len(shape) - axis + 1 :])
                if 0 < size < shape[-axis] and _broadcast(cut, goal) == goal and isinstance(both[other], ast.Name):
                    length = f"{crash.text(both[other])}.size({len(goal) - axis})"
                    before = ":, " * (len(shape) - axis)
                    yield from wrapped(crash, both[one], f"{{}}[{before}:{length}]", "Cut the table to the length of the sequence")
            for at, size in enumerate(shape):
                squeezed = (*shape[:at], *shape[at + 1 :])
                if size == 1 and _broadcast(squeezed, goal) == goal:
                    yield from wrapped(crash, both[one], f"{{}}.squeeze({at})", "Drop the axis of size one")


def _broadcast(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape that two shapes broadcast to; None when they do not."""
    length = max(len(one), len(two))
    pairs = list(zip((1,) * (length - len(one)) + one, (1,) * (length - len(two)) + two, strict=True))
    return tuple(max(pair) for pair in pairs) if all(a == b or 1 in (a, b) for a, b in pairs) else None

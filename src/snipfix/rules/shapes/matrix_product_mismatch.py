"""Two matrices or batches of them are multiplied whose sizes do not fit."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import joined, rename_attribute, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import operands, wrapped
from snipfix.rules.shapes.heads import heads_in_front, multiplies
from snipfix.rules.widths import width_offers


class MatrixProductMismatch(CrashRule):
    """Two matrices or batches of them are multiplied whose sizes do not fit.

    ## What it does
    Explains `matmul`, `@`, `mm`, `bmm`, `dot` and `mv` on operands with the wrong sizes or numbers of dimensions.

    ## Why is this bad?
    The program stops. Usually an operand is not transposed (queries times keys), or a function for one number of dimensions was taken for another.

    ## Example
    ```python
    q, k = torch.zeros(2, 3, 4), torch.zeros(2, 3, 4)
    torch.matmul(q, k)
    ```

    ## Use instead
    ```python
    q, k = torch.zeros(2, 3, 4), torch.zeros(2, 3, 4)
    torch.matmul(q, k.transpose(-2, -1))
    ```

    ## Fix safety
    When several transpositions fit, the one of the second operand goes first; the result may not be the one that was meant.

    ## References
    - torch.matmul
    """

    id = "SNF210"
    name = "matrix-product-mismatch"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"Expected size for first two dimensions of batch2 tensor",
        r"mat1 and mat2 shapes cannot be multiplied",
        r"1D tensors expected, but got",
        r"(?:self|mat2|input) must be a matrix",
        r"batch[12] must be a 3D tensor",
        r"size mismatch, (?:m1|got)",
        r"inconsistent tensor size, expected",
        r"vector \+ matrix @ vector expected",
        r"both arguments to matmul need to be at least 1D",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nq = torch.zeros(2, 3, 4)\ntorch.bmm(q, q.transpose(1, 2))\n"),
        Good("import torch\nimport torch.nn as nn\ntorch.mm(torch.zeros(2, 3), torch.zeros(3, 2))\n"),
    )
    BAD = (
        Bad(
            "import torch\nusers, items = torch.ones(3, 8), torch.ones(3, 8)  # 三行\ny = torch.dot(users, items)\n",
            at=(3, 5),
            fixed="import torch\nusers, items = torch.ones(3, 8), torch.ones(3, 8)  # 三行\ny = (users * items).sum(dim=1)\n",
        ),
        Bad(
            "import torch\nkeys, query = torch.zeros(2, 5, 4), torch.zeros(2, 4)\nscores = torch.bmm(keys, query).squeeze(2)\n",
            at=(3, 10),
            fixed="import torch\nkeys, query = torch.zeros(2, 5, 4), torch.zeros(2, 4)\nscores = torch.bmm(keys, query.unsqueeze(2)).squeeze(2)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nq, k = torch.zeros(2, 3, 4), torch.zeros(2, 3, 4)\nscores = torch.matmul(q, k)\n",
            at=(4, 10),
            fixed="import torch\nimport torch.nn as nn\nq, k = torch.zeros(2, 3, 4), torch.zeros(2, 3, 4)\nscores = torch.matmul(q, k.transpose(-2, -1))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\na, b = torch.zeros(5, 2, 3), torch.zeros(3, 2)\nc = torch.mm(a, b)\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\na, b = torch.zeros(5, 2, 3), torch.zeros(3, 2)\nc = torch.matmul(a, b)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        name = crash.operation.name.rpartition(".")[2].strip("_")
        return name in PRODUCTS and len(crash.tensors) > 1

    def says(self, crash: Crash) -> str:
        first, second = (shape_text(value.shape) for value in crash.tensors[:2])
        return f"{crash.operation.name.rpartition('.')[2].strip('_')} cannot multiply {first} and {second}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        both, (one, two) = operands(crash), [tuple(value.shape or ()) for value in crash.tensors[:2]]
        if both is None or not one or not two:
            return
        yield from heads_in_front(crash, both, (one, two))
        name = crash.operation.name.rpartition(".")[2].strip("_")
        call = crash.call
        if name in ("mm", "bmm", "dot", "mv") and multiplies(one, two) and call is not None and isinstance(call.func, ast.Attribute):
            yield Offer("Use matmul, which takes any number of dimensions", rename_attribute(crash.code, call.func, "matmul"))
        if name == "dot" and one == two and len(one) == 2:
            rows = f"({crash.text(both[0])} * {crash.text(both[1])}).sum(dim=1)"
            yield Offer("Sum the products of each row", replace_expression(crash.code, crash.span, rows))
        if name == "dot" and one == two:
            yield Offer(
                "Sum the products", replace_expression(crash.code, crash.span, f"({crash.text(both[0])} * {crash.text(both[1])}).sum()")
            )
        if len(one) == len(two) - 1 and one[-1] == two[-2]:
            yield from wrapped(crash, both[0], "{}.unsqueeze(1)", "Make the first operand a batch of rows")
        if len(one) == 3 and len(two) == 2 and (one[0], one[-1]) == two:
            if name == "mm" and call is not None:
                text = f"torch.bmm({crash.text(both[0])}, {crash.text(both[1])}.unsqueeze(2)).squeeze(2)"
                yield Offer("Multiply each matrix by its own vector", replace_expression(crash.code, call, text))
            yield from wrapped(crash, both[1], "{}.unsqueeze(2)", "Make the second operand a batch of columns")
        # Of a square matrix and another, only one order fits: weights over neighbours or steps stand in front of what they add up.
        square = [len(shape) > 1 and shape[-1] == shape[-2] for shape in (one, two)]
        if square == [False, True] and len(one) == len(two) and multiplies(two, one):
            edits = (
                replace_expression(crash.code, both[0], crash.text(both[1])),
                replace_expression(crash.code, both[1], crash.text(both[0])),
            )
            if all(isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript) for node in both):
                yield Offer("Exchange the operands", joined(*edits))
        turned = "{}.t()" if len(two) == 2 else "{}.transpose(-2, -1)"
        if len(two) > 1 and multiplies(one, (*two[:-2], two[-1], two[-2])):
            yield from wrapped(crash, both[1], turned, "Transpose the second operand")
        turned = "{}.t()" if len(one) == 2 else "{}.transpose(-2, -1)"
        if len(one) > 1 and multiplies((*one[:-2], one[-1], one[-2]), two):
            yield from wrapped(crash, both[0], turned, "Transpose the first operand")
        for number, node in ((0, both[0]), (1, both[1])):
            birth = crash.born(node) if isinstance(node, ast.Name) else None
            maker = birth.value if birth is not None else None
            sizes = maker.args if isinstance(maker, ast.Call) else []
            wanted = two[-2:-1] or two if number == 0 else one[-1:]
            place = -1 if number == 0 else -2
            if len(sizes) >= 2 and wanted and len(sizes) == len((one, two)[number]):
                yield from width_offers(crash, sizes[place], wanted[0], what="size")


PRODUCTS = {"matmul", "rmatmul", "mm", "bmm", "dot", "mv", "addmm", "baddbmm", "einsum", "linear"}

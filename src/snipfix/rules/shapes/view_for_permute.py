"""A view where axes should be exchanged."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, shape

__all__ = ["ViewForPermute"]

NET = (
    "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.conv = nn.Conv2d(3, 8, 3, padding=1)\n    def forward(self, images):\n        x = {}\n        return self.conv(x)\n"
    "print(Net()(torch.rand(4, 32, 30, 3)).shape)\n"
)
SEQUENCE = (
    "import torch, torch.nn as nn\nclass Tagger(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.rnn = nn.GRU(5, 6)\n    def forward(self, x):\n        {}\n        return self.rnn(x)[0]\nprint(Tagger()(torch.rand(4, 7, 5)).shape)\n"
)
PICTURES = "import torch, torch.nn as nn\nx = torch.rand(4, 32, 32, 3).{}\nprint(nn.Conv2d(3, 8, 3)(x).shape)\n"


class ViewForPermute(Rule):
    """A `view` or `reshape` gives a tensor its own sizes in another order, which mixes the numbers instead of exchanging the axes.

    ## What it does
    Reports, inside a model's forward, a view whose new shape has the old sizes in another order (sizes of one left out, three others at least);
    outside, one that gives pictures with three channels at the end the shape of pictures with three channels in front.

    ## Why is this bad?
    A view deals the numbers out anew in memory order. Pixels become channels, steps of one sequence become samples; every shape fits, and the
    model learns from shuffled data.

    ## Example
    ```python
    x = images.view(images.size(0), 3, images.size(1), images.size(2))  # (batch, height, width, 3)
    ```

    ## Use instead
    ```python
    x = images.permute(0, 3, 1, 2)
    ```

    ## Fix safety
    Unsafe: trained weights of the old model do not fit the new one. Axes of equal size keep their order.

    ## References
    - torch.Tensor.view, torch.permute.
    """

    id = "SNF220"
    name = "view-for-permute"
    category = Category.SHAPE
    GOOD = (
        Good(NET.format("images.permute(0, 3, 1, 2)")),
        Good(NET.format("images.permute(0, 3, 1, 2).reshape(images.size(0), 3, 32, 30)")),
        Good(SEQUENCE.format("x = x.transpose(0, 1)")),
        Good(SEQUENCE.format("x = x.reshape(x.size(0) // 2, x.size(1) * 2, 5).view(x.size(0), -1, 5)")),
        Good("import torch\nx = torch.arange(24).view(2, 3, 4)\nprint(x.view(4, 3, 2), x.permute(2, 1, 0))\n"),
        Good(SEQUENCE.format("x = x.unsqueeze(1).view(x.size(0), x.size(1), 1, x.size(2)).squeeze(2)")),
    )
    BAD = (
        Bad(PICTURES.format("view(-1, 3, 32, 32)"), at=(2, 5), fixed=PICTURES.format("permute(0, 3, 1, 2)")),
        Bad(
            NET.format("images.view(images.size(0), 3, images.size(1), images.size(2))"),
            at=(7, 13),
            fixed=NET.format("images.permute(0, 3, 1, 2)"),
        ),
        Bad(SEQUENCE.format("x = x.reshape(x.shape[1], x.shape[0], -1)  # (时间, 批, 特征)"), at=(7, 13), fixed=SEQUENCE.format("x = x.transpose(0, 1)  # (时间, 批, 特征)")),
        Bad(SEQUENCE.format("x = torch.reshape(x, (7, -1, 5))"), at=(7, 13), fixed=SEQUENCE.format("x = x.transpose(0, 1)")),
        Bad(
            "import torch\nimport torch.nn as nn\n\nclass Rows(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.rnn = nn.GRU(8, 4)\n\n    def forward(self, image):\n        return self.rnn(image.view(8, -1, 8))[0]\n\n"
            "print(Rows()(torch.rand(5, 1, 8, 8)).shape)\n",
            at=(10, 25),
            fixed="import torch\nimport torch.nn as nn\n\nclass Rows(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.rnn = nn.GRU(8, 4)\n\n    def forward(self, image):\n        return self.rnn(image.squeeze(1).transpose(0, 1))[0]\n\n"
            "print(Rows()(torch.rand(5, 1, 8, 8)).shape)\n",
        ),
    )  # fmt: skip

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "reordered-view"):
            before, after = shape(observation.facts, "before"), shape(observation.facts, "after")
            call = _view(context.code, span)
            if not before or not after or call is None or _computes(call):
                continue
            message = (
                f"this view deals {list(before)} out anew as {list(after)}: the sizes are the same, so axes were to be exchanged, "
                "but it mixes the numbers of all of them"
            )
            tried = observation.stage == "exercise"
            severity = Severity.WARNING if tried and _asked(call) < 2 else None
            stage = Stage.EXERCISE if tried else Stage.PROBE
            yield self.finding(message, span, stage=stage, severity=severity, evidence={"before": before, "after": after})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        call = _view(context.code, finding.span)
        before, after = shape(finding.evidence, "before") or (), shape(finding.evidence, "after") or ()
        if call is None or not isinstance(call.func, ast.Attribute) or not before:
            return
        functional = ast.unparse(call.func.value) == "torch"
        owner = call.args[0] if functional and call.args else call.func.value
        text = context.code.slice(owner)
        text = f"({text})" if isinstance(owner, ast.BinOp | ast.UnaryOp) and not text.startswith("(") else text
        ones = [axis for axis, size in enumerate(before) if size == 1] if len(before) > len(after) else []
        kept = tuple(size for size in before if size != 1) if ones else before
        if sorted(kept) != sorted(after):
            return
        squeezed = "".join(f".squeeze({axis})" for axis in reversed(ones))
        moved = f"{text}{squeezed}.{exchange(kept, after)}"
        yield self.fix("exchange the axes instead", *replace_expression(context.code, call, moved))
        yield self.fix(
            "exchange the axes instead, in memory too", *replace_expression(context.code, call, f"{moved}.contiguous()"), preference=1
        )


def exchange(before: tuple[int, ...], after: tuple[int, ...]) -> str:
    """`permute(0, 3, 1, 2)` or, where two axes change places, `transpose(0, 1)`; axes of equal size keep their order."""
    left = list(range(len(before)))
    order = []
    for size in after:
        order.append(next(one for one in left if before[one] == size))
        left.remove(order[-1])
    moved = [axis for axis, source in enumerate(order) if axis != source]
    return f"transpose({moved[0]}, {moved[1]})" if len(moved) == 2 else f"permute({', '.join(map(str, order))})"


def _view(code: Code, span: Span) -> ast.Call | None:
    """The call at a place, when it is a view inside a forward of the text."""
    call = code.node_at(span, ast.Call)
    if not isinstance(call, ast.Call) or code.span(call) != span or called(call) not in ("view", "reshape"):
        return None
    inside = [up for up in code.ancestors(call) if isinstance(up, ast.FunctionDef | ast.ClassDef)]
    method = inside[:2] and isinstance(inside[0], ast.FunctionDef) and isinstance(inside[-1], ast.ClassDef)
    return call if method or not inside else None


def _computes(call: ast.Call) -> bool:
    """Whether a size is worked out, `heads * width`: then the same sizes may have met by chance."""
    return any(isinstance(one, ast.BinOp) for argument in call.args for one in ast.walk(argument))


def _asked(call: ast.Call) -> int:
    """How many sizes are read from a tensor there, `x.size(0)` or `x.shape[1]`."""
    inner = [one for argument in call.args for one in ast.walk(argument)]
    return sum(called(one) == "size" or (isinstance(one, ast.Attribute) and one.attr == "shape") for one in inner)

"""The channels of a feature map, which hold several numbers for each place, flattened along with the places."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home

__all__ = ["ViewAcrossChannels"]

CODE = (
    "import torch, torch.nn as nn\n\nclass Head(nn.Module):\n    def __init__(self, anchors=3, num_classes=5):\n        super().__init__()\n"
    "        self.num_classes = num_classes\n        self.cls = nn.Conv2d(8, anchors * num_classes, 1)\n\n    def forward(self, x):\n"
    "        return self.cls(x){}.{}(x.size(0), -1, {})\n\nprint(Head()(torch.randn(2, 8, 4, 4)).shape)\n"
)


class ViewAcrossChannels(Rule):
    """A convolution gives several numbers for each place in its channels, and they are taken apart without moving the channels to the end.

    ## What it does
    Reports `self.conv(x).view(batch, -1, classes)` where the convolution has `anchors * classes` channels.

    ## Why is this bad?
    In (batch, channels, height, width) the neighbours of a number are other places, not other classes. The view fits, and each "row of classes"
    is a strip of the image: training goes on, with scrambled labels.

    ## Example
    ```python
    scores = self.cls(x).view(batch, -1, num_classes)
    ```

    ## Use instead
    ```python
    scores = self.cls(x).permute(0, 2, 3, 1).reshape(batch, -1, num_classes)
    ```

    ## Fix safety
    The shape stays, the numbers move to where they belong.

    ## References
    - torchvision.models.detection.retinanet: the heads permute before they reshape.
    """

    id = "SNF229"
    name = "view-across-channels"
    category = Category.SHAPE
    silent = True
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format(".permute(0, 2, 3, 1)", "reshape", "self.num_classes")),
        Good(CODE.format("", "view", "16")),
        Good(CODE.format("", "view", "self.num_classes").replace("anchors * num_classes, 1", "num_classes, 4").replace("4, 4)", "4, 4)")),
    )
    BAD = (
        Bad(
            CODE.format("", "view", "self.num_classes"),
            at=(10, 16),
            fixed=CODE.format(".permute(0, 2, 3, 1)", "reshape", "self.num_classes"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for call in code.calls("view", "reshape") if code.calls("Conv2d") else ():
            if (found := _taken_apart(code, call)) is not None:
                message = f"the {found} numbers of each place stand in the channels, and this view takes them from neighbouring places"
                yield self.finding(message, code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        call = code.node_at(finding.span, ast.Call)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            arguments = ", ".join(code.slice(one) for one in call.args)
            text = f"{code.slice(call.func.value)}.permute(0, 2, 3, 1).reshape({arguments})"
            yield self.fix("move the channels to the end first", *replace_expression(code, call, text))


def _taken_apart(code: Code, call: ast.Call) -> str | None:
    """How many numbers a view takes apart, as written, where a convolution of the same class has that many times something channels."""
    if len(call.args) != 3 or ast.unparse(call.args[1]) != "-1" or not isinstance(call.func, ast.Attribute):
        return None
    width = ast.unparse(call.args[2])
    made = _conv(code, call, call.func.value)
    channels = None if made is None else made.args[1] if len(made.args) > 1 else _out_channels(made)
    if not isinstance(channels, ast.BinOp) or not isinstance(channels.op, ast.Mult):
        return None
    factors = {ast.unparse(side) for side in (channels.left, channels.right)}
    return width if {width, width.removeprefix("self.")} & factors or f"self.{width}" in factors else None


def _conv(code: Code, call: ast.Call, value: ast.expr) -> ast.Call | None:
    """The constructor of the convolution whose output is viewed."""
    if isinstance(value, ast.Name):
        around = home(code, call)
        given = [one.value for one in code.all(ast.Assign, inside=around) if ast.unparse(one.targets[0]) == value.id]
        before = [one for one in given if one.lineno < call.lineno]
        value = before[-1] if before else value
    if not isinstance(value, ast.Call) or len(value.args) != 1:
        return None
    owner = code.around(call, ast.ClassDef)
    layers = code.all(ast.Assign, inside=owner) if owner is not None else []
    makers = [one.value for one in layers if ast.unparse(one.targets[0]) == ast.unparse(value.func)]
    maker = makers[0] if len(makers) == 1 else None
    return maker if isinstance(maker, ast.Call) and called(maker) == "Conv2d" else None


def _out_channels(call: ast.Call) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == "out_channels"), None)

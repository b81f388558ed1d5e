"""Variable, from before tensors could do it themselves; softmax without its dimension; pretrained."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.codemods import calls, expressions, insert_statement_before, joined, remove_statement, replace_expression
from snipfix.model import Applicability, Category, Edit, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule

VARIABLE = "torch.autograd.Variable"
IMPLICIT = {f"torch.nn.functional.{name}" for name in ("softmax", "log_softmax", "softmin")} | {
    f"torch.nn.{name}" for name in ("Softmax", "LogSoftmax", "Softmin")
}


class NeedlessVariable(Rule):
    """A tensor is wrapped in `Variable`, which has done nothing since torch 0.4.

    ## What it does
    Notes `Variable(x)`; with `volatile=True` it is a warning, because gradients are recorded although the text says they are not.

    ## Why is this bad?
    Tensors record gradients themselves. `Variable(x)` returns a tensor, `volatile` is ignored.

    ## Example
    ```python
    x = Variable(torch.ones(2), requires_grad=True)
    ```

    ## Use instead
    ```python
    x = torch.ones(2).requires_grad_()
    ```

    ## Fix safety
    `Variable(x)` becomes `x`, which is safe. For `volatile` the function it stands in, or what comes after it in its loop, is put under
    `torch.no_grad()` where nothing there calls `backward`: unsafe, as more may be meant to record. Else only the wrapping goes.

    ## References
    - PyTorch 0.4.0 migration guide, "Merging Tensor and Variable".
    """

    id = "SNF138"
    name = "needless-variable"
    category = Category.DEPRECATED
    severity = Severity.NOTE
    applicability = Applicability.SAFE
    GOOD = (
        Good("class Variable:\n    def __init__(self, x):\n        self.x = x\n\nVariable(1)"),
        Good("import torch\n\nx = torch.ones(2, requires_grad=True)"),
    )
    BAD = (
        Bad("import torch\nfrom torch.autograd import Variable\n\nx = Variable(torch.ones(2))  # 输入\n", at=(4, 5), fixed="import torch\nfrom torch.autograd import Variable\n\nx = torch.ones(2)  # 输入\n"),
        Bad("import torch\nfrom torch.autograd import Variable\n\nx = Variable(torch.ones(2), requires_grad=True)\n", at=(4, 5), fixed="import torch\nfrom torch.autograd import Variable\n\nx = torch.ones(2).requires_grad_()\n"),
        Bad("import torch\nfrom torch.autograd import Variable\n\nx = Variable(torch.ones(2), volatile=True)\n", at=(4, 5), fixed="import torch\nfrom torch.autograd import Variable\n\nx = torch.ones(2)\n"),
        Bad(
            "import torch\nfrom torch.autograd import Variable\n\ndef test(net, x):\n    y = Variable(x * 2, volatile=True)  # 不求梯度\n    return net(y)\n",
            at=(5, 9),
            fixed="import torch\nfrom torch.autograd import Variable\n\n@torch.no_grad()\ndef test(net, x):\n    y = x * 2  # 不求梯度\n    return net(y)\n",
        ),
        Bad(
            "import torch\nfrom torch.autograd import Variable\n\nnet, total = torch.nn.Linear(2, 1), 0\nfor x in torch.ones(3, 1, 2):\n    x = Variable(x, volatile=True)\n    y = net(x)  # 预测\n\n    total += y.sum()\nprint(total)\n",
            at=(6, 9),
            fixed="import torch\nfrom torch.autograd import Variable\n\nnet, total = torch.nn.Linear(2, 1), 0\nfor x in torch.ones(3, 1, 2):\n    with torch.no_grad():\n        y = net(x)  # 预测\n\n        total += y.sum()\nprint(total)\n",
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for call, name in context.scopes.calls:
            if name == VARIABLE and call.args:
                volatile = any(keyword.arg == "volatile" for keyword in call.keywords)
                message = (
                    "`volatile` has no effect since torch 0.4; use `torch.no_grad()`"
                    if volatile
                    else "`Variable` has done nothing since torch 0.4"
                )
                yield self.finding(message, context.code.span(call), severity=Severity.WARNING if volatile else None)

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for call, name in context.scopes.calls:
            if name != VARIABLE or context.code.span(call) != finding.span or len(call.args) != 1:
                continue
            given = {keyword.arg for keyword in call.keywords}
            if "volatile" in given:
                yield from self._volatile(context, call)
            elif not call.keywords:
                yield self.fix("Remove `Variable`", *expressions.unwrap_call(context.code, call), meaning=Meaning.KEEPS)
            elif len(call.keywords) == 1 and call.keywords[0].arg == "requires_grad" and isinstance(call.keywords[0].value, ast.Constant):
                flag = "" if call.keywords[0].value.value else "False"
                inner = context.code.slice(call.args[0])
                text = inner if isinstance(call.args[0], ast.Name | ast.Call | ast.Attribute | ast.Subscript) else f"({inner})"
                edit = Edit(*context.code.range(context.code.span(call)), f"{text}.requires_grad_({flag})")
                yield self.fix("Use `requires_grad_`", edit, meaning=Meaning.KEEPS)

    def _volatile(self, context: Context, call: ast.Call) -> Iterator[Fix]:
        """What volatile asked for, and the wrapping alone."""
        code = context.code
        statement, inner = code.parents.get(call), code.slice(call.args[0])
        renamed = isinstance(statement, ast.Assign) and [code.slice(one) for one in statement.targets] == [inner]
        bare = remove_statement(code, call.lineno) if renamed else replace_expression(code, call, inner)
        place = code.around(call, ast.FunctionDef, ast.For, ast.While)
        torch = context.scopes.alias("torch")
        if place is not None and torch and not code.calls("backward", inside=place):
            if isinstance(place, ast.FunctionDef):
                edits = joined(bare, insert_statement_before(code, place.lineno, f"@{torch}.no_grad()"))
            elif isinstance(place, ast.For | ast.While):
                edits = joined(bare, _indented(code, place, call, f"with {torch}.no_grad():"))
            yield self.fix("Compute without gradients", *edits, applicability=Applicability.UNSAFE)
        yield self.fix("Remove `Variable`", *bare, meaning=Meaning.KEEPS, preference=1)


def _indented(code: Code, loop: ast.For | ast.While, call: ast.Call, head: str) -> tuple[Edit, ...]:
    """What comes after a statement of a loop's body put under a `with` statement; () where nothing does."""
    rest = [one for one in loop.body if one.lineno > (call.end_lineno or call.lineno)]
    if not rest or any(
        isinstance(one, ast.Constant | ast.JoinedStr) and one.end_lineno != one.lineno for part in rest for one in ast.walk(part)
    ):
        return ()
    first, last = rest[0].lineno, rest[-1].end_lineno or rest[-1].lineno
    indent = " " * rest[0].col_offset
    start = code.offset(first, 1)
    lines = [(number, code.lines[number - 1]) for number in range(first, last + 1)]
    inner = [
        Edit(code.offset(number, 1), code.offset(number, 1), f"{indent}{head}\n    " if number == first else "    ")
        for number, line in lines
        if line.strip()
    ]
    return tuple(inner) if code.text[start : start + len(indent)] == indent else ()


class ImplicitSoftmaxDimension(Rule):
    """softmax, log_softmax or softmin is not told along which dimension to add up to one.

    ## What it does
    Reports `F.softmax(x)`, `nn.Softmax()` and their kin without `dim`.

    ## Why is this bad?
    torch guesses: 0 for one or three dimensions, else 1, and warns. For a batch of sequences the guess normalises over the batch.

    ## Example
    ```python
    F.softmax(logits)
    ```

    ## Use instead
    ```python
    F.softmax(logits, dim=-1)
    ```

    ## Fix safety
    Which dimension holds the classes cannot be known from the text; -1 is usual.

    ## References
    - torch.nn.functional._get_softmax_dim.
    """

    id = "SNF139"
    name = "implicit-softmax-dimension"
    category = Category.DEPRECATED
    severity = Severity.WARNING
    applicability = Applicability.UNSAFE
    GOOD = (
        Good("import torch\nimport torch.nn.functional as F\n\nF.softmax(torch.ones(2, 3), 1)"),
        Good("import torch\n\ntorch.nn.Softmax(dim=-1)(torch.ones(2))"),
    )
    BAD = (
        Bad("import torch\nimport torch.nn.functional as F\n\nprint(F.softmax(torch.ones(2, 3)))\n", at=(4, 7), fixed="import torch\nimport torch.nn.functional as F\n\nprint(F.softmax(torch.ones(2, 3), dim=-1))\n"),
        Bad("import torch.nn as nn\n\nlayers = nn.Sequential(nn.Linear(2, 3), nn.LogSoftmax())\n", at=(3, 41), fixed="import torch.nn as nn\n\nlayers = nn.Sequential(nn.Linear(2, 3), nn.LogSoftmax(dim=-1))\n"),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for call, name in context.scopes.calls:
            if _is_implicit(call, name):
                yield self.finding(f"`{context.code.slice(call.func)}` is not told its `dim`", context.code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for call, name in context.scopes.calls:
            if _is_implicit(call, name) and context.code.span(call) == finding.span:
                for number, dim in enumerate(("-1", "1")):
                    title = f"Add `dim={dim}`"
                    yield self.fix(title, *calls.add_keyword(context.code, call, "dim", dim), meaning=Meaning.CHANGES, preference=number)


def _is_implicit(call: ast.Call, name: str) -> bool:
    if name not in IMPLICIT:
        return False
    given = len(call.args) - name.startswith("torch.nn.functional.")
    starred = any(isinstance(one, ast.Starred) for one in call.args)
    return given < 1 and not starred and not any(keyword.arg in {"dim", None} for keyword in call.keywords)


class PretrainedFlag(Rule):
    """A torchvision model is asked for with `pretrained=`, which `weights=` replaced.

    ## What it does
    Reports `pretrained=` and `pretrained_backbone=` in calls of torchvision's models, and a bare `True` or `False`.

    ## Why is this bad?
    It warns since torchvision 0.13 and does not say which weights are meant.

    ## Example
    ```python
    model = models.resnet18(pretrained=True)
    ```

    ## Use instead
    ```python
    model = models.resnet18(weights="DEFAULT")
    ```

    ## Fix safety
    `DEFAULT` are the best weights today, which may be newer than those `pretrained=True` gave.

    ## References
    - torchvision documentation, "Models and pre-trained weights".
    """

    id = "SNF140"
    name = "pretrained-flag"
    category = Category.DEPRECATED
    severity = Severity.WARNING
    applicability = Applicability.UNSAFE
    GOOD = (
        Good("def resnet18(pretrained):\n    return pretrained\n\nresnet18(pretrained=True)"),
        Good("from torchvision import models\n\nmodels.resnet18(weights=None)", runs=False),
    )
    BAD = (
        Bad("from torchvision import models\n\nnet = models.resnet18(pretrained=True)\n", at=(3, 23), fixed='from torchvision import models\n\nnet = models.resnet18(weights="DEFAULT")\n', runs=False),
        Bad("import torchvision\n\nnet = torchvision.models.vgg16(pretrained=False)\n", at=(3, 32), fixed="import torchvision\n\nnet = torchvision.models.vgg16(weights=None)\n", runs=False),
        Bad("from torchvision import models\n\nnet = models.resnet18(True)\n", at=(3, 23), fixed='from torchvision import models\n\nnet = models.resnet18(weights="DEFAULT")\n', runs=False),
        Bad(
            "from torchvision.models import detection\n\nnet = detection.fasterrcnn_resnet50_fpn(weights=None, pretrained_backbone=False)\n",
            at=(3, 55),
            fixed="from torchvision.models import detection\n\nnet = detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)\n",
            runs=False,
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for call, name in context.scopes.calls:
            for node, old in _flags(call, name):
                yield self.finding(f"`{old}` was replaced by `{PRETRAINED[old]}` in torchvision 0.13", context.code.span(node))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for call, name in context.scopes.calls:
            for node, old in _flags(call, name):
                value = node.value if isinstance(node, ast.keyword) else node
                if context.code.span(node) == finding.span and isinstance(value, ast.Constant):
                    text = f'{PRETRAINED[old]}="DEFAULT"' if value.value else f"{PRETRAINED[old]}=None"
                    yield self.fix(f"Write `{text}`", Edit(*context.code.range(finding.span), text), meaning=Meaning.KEEPS)


PRETRAINED = {"pretrained": "weights", "pretrained_backbone": "weights_backbone"}


def _flags(call: ast.Call, name: str) -> Iterator[tuple[ast.expr | ast.keyword, str]]:
    """The old flags of a call of one of torchvision's models, the first of them by position too."""
    if not name.startswith("torchvision.models."):
        return
    if len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, bool):
        yield call.args[0], "pretrained"
    yield from ((keyword, keyword.arg) for keyword in call.keywords if keyword.arg in PRETRAINED)

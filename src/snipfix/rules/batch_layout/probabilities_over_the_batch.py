"""A softmax over the samples before the class of each sample is taken."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import receiver
from snipfix.rules.widths import argument_of
from snipfix.rules.written import built, value_of

__all__ = ["ProbabilitiesOverTheBatch"]

CHOOSING = frozenset({"argmax", "max", "topk"})
LAYERS = frozenset({"Softmax", "LogSoftmax"})
MODULES = frozenset({"torch", "F", "functional", "nn.functional", "torch.nn.functional"})
CODE = (
    "import torch\nimport torch.nn.functional as F\n\nlogits = torch.randn(6, 3)\nprobabilities = {}\nprint({})\n"
)  # fmt: skip


class ProbabilitiesOverTheBatch(Rule):
    """A softmax runs over dim 0, the samples, and the class of each sample is then taken along dim 1.

    ## What it does
    Reports `softmax(..., dim=0)` whose result goes into an `argmax`, `max` or `topk` along dim 1.

    ## Why is this bad?
    A sample's numbers are then no probabilities: they depend on the other samples of the batch, and a class that is unlikely everywhere wins
    in the sample where it is least unlikely.

    ## Example
    ```python
    predicted = torch.softmax(logits, dim=0).argmax(dim=1)
    ```

    ## Use instead
    ```python
    predicted = torch.softmax(logits, dim=1).argmax(dim=1)
    ```

    ## Fix safety
    Unsafe only in name: the classes are along dim 1, where they are taken.

    ## References
    - torch.nn.functional.softmax.
    """

    id = "SNF190"
    name = "probabilities-over-the-batch"
    category = Category.BATCH_LAYOUT
    applicability = Applicability.UNSAFE
    silent = True
    GOOD = (
        Good(CODE.format("torch.softmax(logits, dim=1)", "probabilities.argmax(dim=1)")),
        Good(CODE.format("torch.softmax(logits, dim=0)", "probabilities.argmax(dim=0)")),
        Good(CODE.format("F.softmax(logits[0], dim=0)", "probabilities.argmax(-1)")),
        Good(CODE.format("F.softmax(logits, dim=0)", "probabilities.sum(dim=1)")),
    )
    BAD = (
        Bad(
            CODE.format("0", "0")
            .replace("probabilities = 0", "softmax = torch.nn.Softmax(dim=0)")
            .replace("(0)", "(softmax(logits).argmax(1))"),
            at=(5, 11),
            fixed=CODE.format("0", "0")
            .replace("probabilities = 0", "softmax = torch.nn.Softmax(dim=1)")
            .replace("(0)", "(softmax(logits).argmax(1))"),
            runs=False,
        ),
        Bad(
            CODE.format("torch.softmax(logits, dim=0)  # 概率", "probabilities.argmax(dim=1)"),
            at=(5, 17),
            fixed=CODE.format("torch.softmax(logits, dim=1)  # 概率", "probabilities.argmax(dim=1)"),
            runs=False,
        ),
        Bad(
            CODE.format("F.softmax(logits, 0)", "torch.max(probabilities, 1)"),
            at=(5, 17),
            fixed=CODE.format("F.softmax(logits, 1)", "torch.max(probabilities, 1)"),
            runs=False,
        ),
        Bad(CODE.format("0", "logits.softmax(0).argmax(1)"), at=(6, 7), fixed=CODE.format("0", "logits.softmax(1).argmax(1)"), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for call in code.calls(*CHOOSING) if code.calls("softmax", *LAYERS) else ():
            given, dim = _given(call)
            softmax = None if given is None else _softmax(code, given)
            if softmax is not None and _is(dim, 1) and _is(_dim(softmax), 0):
                message = f"this softmax runs over the samples, dim 0, and `{called(call)}` takes the class of each sample along dim 1"
                yield self.finding(message, code.span(softmax))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        dim = _dim(call) if isinstance(call, ast.Call) else None
        if dim is not None:
            yield self.fix("take the softmax over the classes", *replace_expression(context.code, dim, "1"))


def _given(call: ast.Call) -> tuple[ast.expr | None, ast.expr | None]:
    """What the class is taken from, and along which dim."""
    method = isinstance(call.func, ast.Attribute) and receiver(call) not in MODULES
    given = call.func.value if method and isinstance(call.func, ast.Attribute) else call.args[0] if call.args else None
    rest = call.args[0 if method else 1 :]
    at = 1 if called(call) == "topk" else 0
    return given, keyword(call, "dim") or keyword(call, "axis") or (rest[at] if len(rest) > at else None)


def _softmax(code: Code, node: ast.expr) -> ast.Call | None:
    found = value_of(code, node) if isinstance(node, ast.Name) else (node, None)
    value = found[0] if found is not None and found[1] is None else None
    maker = built(code, written(value.func)) if isinstance(value, ast.Call) else None
    if maker is not None and called(maker) in LAYERS:
        return maker
    return value if isinstance(value, ast.Call) and called(value) in ("softmax", "log_softmax") else None


def _dim(call: ast.Call) -> ast.expr | None:
    place = 1 if called(call) not in LAYERS and (receiver(call) in MODULES or isinstance(call.func, ast.Name)) else 0
    return argument_of(call, place, "dim")


def _is(node: ast.expr | None, number: int) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value == number

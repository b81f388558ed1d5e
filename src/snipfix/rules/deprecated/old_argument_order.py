"""Arithmetic with its factors among the tensors, as in old signatures: `x.add_(2, y)`, `addmm(beta, x, alpha, a, b)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_argument
from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import warned

__all__ = ["OldArgumentOrder"]

PRODUCTS = ("addmm", "addmv", "addr", "addbmm", "baddbmm", "sspaddmm")
OLD: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("add", "sub"), (("input", "alpha", "other"),)),
    **dict.fromkeys(("addcmul", "addcdiv"), (("input", "value", "tensor1", "tensor2"),)),
    **dict.fromkeys(PRODUCTS, (("beta", "input", "mat1", "mat2"), ("beta", "input", "alpha", "mat1", "mat2"))),
}
"""The old signatures, positional throughout; of a method, `input` is the tensor itself."""
FACTORS = frozenset({"alpha", "beta", "value"})
WARNING = r"This overload of (\w+) is deprecated"


class OldArgumentOrder(Rule):
    """A factor stands among the tensors of an `add`, `addcmul` or `addmm`, where it stood before it became a keyword.

    ## What it does
    Reports calls of the old signatures of `add`, `sub`, `addcmul`, `addcdiv`, `addmm`, `addmv`, `addr`, `addbmm` and `baddbmm` with their
    in-place kin.

    ## Why is this bad?
    torch warns, and the signatures will go. A reader takes `x.add_(2, y)` for the sum of three.

    ## Example
    ```python
    momentum.mul_(0.9).add_(0.1, gradient)
    ```

    ## Use instead
    ```python
    momentum.mul_(0.9).add_(gradient, alpha=0.1)
    ```

    ## Fix safety
    Safe: the same numbers go to the same places.

    ## References
    - Release notes of PyTorch 1.5, "deprecated signatures".
    """

    id = "SNF143"
    name = "old-argument-order"
    category = Category.DEPRECATED
    severity = Severity.WARNING
    applicability = Applicability.SAFE
    GOOD = (
        Good("import torch\nx = torch.ones(2)\nx.add_(torch.ones(2), alpha=2)\nprint(torch.add(x, x, alpha=2), x.add(x))\n"),
        Good("class Meter:\n    def add(self, count, value):\n        return count * value\n\nprint(Meter().add(2, 3.0), {1}.add(2))\n"),
        Good("import torch\na = torch.eye(2)\nprint(torch.addmm(a, a, a, beta=0.5), torch.addcmul(a, a, a, value=2), a.addmm(a, a))\n"),
    )
    BAD = (
        Bad(
            "import torch\ngrad, buf = torch.ones(2), torch.ones(2)\nbuf.mul_(0.9).add_(1 - 0.9, grad)  # 动量\n",
            at=(3, 1),
            fixed="import torch\ngrad, buf = torch.ones(2), torch.ones(2)\nbuf.mul_(0.9).add_(grad, alpha=1 - 0.9)  # 动量\n",
        ),
        Bad(
            "import torch\na = torch.eye(2)\nc = torch.addmm(0.5, a, 2, a, a @ a, out=torch.empty(2, 2))\n",
            at=(3, 5),
            fixed="import torch\na = torch.eye(2)\nc = torch.addmm(a, a, a @ a, beta=0.5, alpha=2, out=torch.empty(2, 2))\n",
        ),
        Bad(
            "import torch\np, m, v = torch.ones(3)\np.addcdiv_(-0.1, m, v.sqrt())\n",
            at=(3, 1),
            fixed="import torch\np, m, v = torch.ones(3)\np.addcdiv_(m, v.sqrt(), value=-0.1)\n",
        ),
        Bad(
            "import torch\nx = torch.ones(2)\nprint(x.add(2, x))\n",
            at=(3, 7),
            fixed="import torch\nx = torch.ones(2)\nprint(x.add(x, alpha=2))\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        old = {id(call) for call in context.code.calls(*OLD, *(f"{name}_" for name in OLD))}
        for call, name in context.scopes.calls if old else ():
            if id(call) in old and name.startswith(("torch.", ".")) and name not in (".add", ".sub") and _order(call, name) is not None:
                yield self._report(context, call, Stage.STATIC)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        """What `add` is called on, a tensor or something of the author's, only torch's warning tells."""
        for _, span in warned(outcome, context.code, WARNING):
            call = context.code.node_at(span, ast.Call)
            if isinstance(call, ast.Call) and _order(call, _name(context, call)) is not None:
                yield self._report(context, call, Stage.RUN)

    def _report(self, context: Context, call: ast.Call, stage: Stage) -> Finding:
        name = _name(context, call).rpartition(".")[2]
        return self.finding(f"`{name}` takes its factors as keywords today, behind the tensors", context.code.span(call), stage=stage)

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        old = _order(call, _name(context, call)) if isinstance(call, ast.Call) else None
        if old is None or not isinstance(call, ast.Call):
            return
        texts = [context.code.slice(one) for one in call.args]
        given = list(zip(old, texts, strict=True))
        new = [text for name, text in given if name not in FACTORS] + [f"{name}={text}" for name, text in given if name in FACTORS]
        edits = [
            edit for number, text in enumerate(new) if text != texts[number] for edit in replace_argument(context.code, call, number, text)
        ]
        yield self.fix("Put the factors behind the tensors", *edits, meaning=Meaning.KEEPS)


def _name(context: Context, call: ast.Call) -> str:
    return next((name for one, name in context.scopes.calls if one is call), "")


def _order(call: ast.Call, name: str) -> tuple[str, ...] | None:
    """The old signature that a call has by its number of positional arguments; None when it has a signature of today."""
    last = name.rpartition(".")[2].removesuffix("_")
    if last not in OLD or any(isinstance(one, ast.Starred) for one in call.args) or any(one.arg != "out" for one in call.keywords):
        return None
    for old in OLD[last]:
        names = old if name == f"torch.{last}" else tuple(one for one in old if one != "input")
        if len(names) == len(call.args) and name in (f"torch.{last}", f".{last}", f".{last}_"):
            return names
    return None

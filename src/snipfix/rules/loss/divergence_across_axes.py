"""KLDivLoss between distributions that run along different axes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import CodemodError, replace_argument
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.fed import Fed, fed
from snipfix.rules.observed import called, items, mapping, number, place, text
from snipfix.rules.written import value_of

SOFTMAX = frozenset({"softmax", "log_softmax"})
HEAD = "import torch, torch.nn.functional as F\nx, t = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3)\n"
LOSS = "loss = F.kl_div(F.log_softmax(x, dim={}), F.softmax(t, dim={}), reduction='batchmean')\nloss.backward()\n"


class DivergenceAcrossAxes(Rule):
    """The two distributions of a KL divergence run along different axes.

    ## What it does
    Reports a KL divergence whose input is a log-softmax along one axis and whose target sums to one along another.

    ## Why is this bad?
    The divergence compares how two distributions over the same classes differ. If one of them is a distribution over the samples of the batch,
    the result is a number without meaning; it may be negative, and it never reaches zero. No error shows it.

    ## Example
    ```python
    loss = F.kl_div(F.log_softmax(student, dim=0), F.softmax(teacher, dim=1), reduction="batchmean")
    ```

    ## Use instead
    ```python
    loss = F.kl_div(F.log_softmax(student, dim=1), F.softmax(teacher, dim=1), reduction="batchmean")
    ```

    ## Fix safety
    Unsafe only in name: axis 0 is the batch.

    ## References
    - torch.nn.KLDivLoss; torch.nn.functional.softmax: `dim` is "a dimension along which softmax will be computed".
    """

    id = "SNF160"
    name = "divergence-across-axes"
    category = Category.LOSS
    GOOD = (
        Good(HEAD + LOSS.format(1, -1)),
        Good(HEAD + LOSS.format(0, 0)),
        Good(HEAD + "F.kl_div(F.log_softmax(x, dim=1), torch.full((5, 3), 0.2), reduction='batchmean').backward()\n"),
    )
    BAD = (
        Bad(HEAD + LOSS.format(0, 1), at=(3, 8), fixed=HEAD + LOSS.format(1, 1)),
        Bad(HEAD + LOSS.format(1, 0), at=(3, 8), fixed=HEAD + LOSS.format(1, 1)),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for one in fed(context.code, outcome, "kl_div"):
            ours, theirs = _axis(one), _target_axis(one)
            if ours is not None and theirs is not None and ours != theirs:
                message = f"the input of this KL divergence is a distribution along axis {ours} of {list(one.shape)}, its target one along axis {theirs}"
                yield self.finding(message, one.span, stage=one.stage, evidence={**one.evidence(), "axes": [ours, theirs]})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code, axes = context.code, items(finding.evidence, "axes")
        if axes.count(0) != 1:
            return
        at = place(code, finding.evidence, "head_at")
        input_softmax = code.node_at(at, ast.Call) if at is not None else None
        wrong = _target_softmax(context, finding) if axes[1] == 0 else input_softmax
        if not isinstance(wrong, ast.Call) or called(wrong) not in SOFTMAX:
            return
        for which in ("dim", "axis", 1, 0):
            try:
                edits = replace_argument(code, wrong, which, str(max(axes)))
            except CodemodError:
                continue
            yield self.fix("take both distributions along the classes", *edits)
            return


def _target_softmax(context: Context, finding: Finding) -> ast.expr | None:
    """What makes the target: the second argument of the loss, followed through a name."""
    loss = context.code.node_at(finding.span, ast.Call)
    target = loss.args[1] if isinstance(loss, ast.Call) and len(loss.args) > 1 else None
    made = value_of(context.code, target) if isinstance(target, ast.Name) else None
    return made[0] if made is not None else target


def _axis(one: Fed) -> int | None:
    """The axis along which the input is a log-softmax."""
    dim, dims = number(one.facts, "head", "dim"), len(one.shape)
    return int(dim) % dims if text(one.facts, "head", "op") == "LogSoftmax" and dim is not None and dims > 1 else None


def _target_axis(one: Fed) -> int | None:
    """The only axis along which the target's fractions sum to one; None where they are all alike or whole."""
    target = mapping(one.facts, "target")
    sums, even = items(target, "sums"), number(target, "low") == number(target, "high")
    return sums[0] if len(sums) == 1 and len(one.target_shape) == len(one.shape) and not even and target.get("whole") is not True else None

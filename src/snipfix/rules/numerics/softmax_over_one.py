"""A softmax along a dim of size one."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import each, flag, mapping, shape, text


class SoftmaxOverOne(Rule):
    """A softmax runs along a dim of size one: the result is 1 whatever goes in.

    ## What it does
    Reports a softmax or log-softmax of a tensor that has one entry along the chosen dim, inside a model.

    ## Why is this bad?
    The output is constant and no gradient comes back: what stands before it never learns.

    ## Example
    ```python
    nn.Sequential(nn.Linear(8, 1), nn.Softmax(dim=1))
    ```

    ## Use instead
    ```python
    nn.Sequential(nn.Linear(8, 1), nn.Sigmoid())
    ```

    ## Fix safety
    No fix: a sigmoid, two outputs or another dim may have been meant.

    ## References
    - torch.nn.Softmax.
    """

    id = "SNF416"
    name = "softmax-over-one"
    category = Category.LOSS
    GOOD = (
        Good("import torch, torch.nn as nn\nnn.Sequential(nn.Linear(8, 2), nn.Softmax(dim=1))(torch.randn(3, 8))\n"),
        Good("import torch\nprint(torch.softmax(torch.randn(1, 4), dim=1))\n"),
    )
    BAD = (Bad("import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(8, 1), nn.Softmax(dim=1))\nm(torch.randn(3, 8))\n", at=(3, 1)),)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "softmax"):
            size, dim = shape(observation.facts, "shape") or (), observation.facts.get("dim")
            if not isinstance(dim, int) or isinstance(dim, bool) or not -len(size) <= dim < len(size) or size[dim] != 1:
                continue
            if not text(observation.facts, "module", "type") or max(size) == 1:
                continue
            trained = flag(observation.facts, "grad") and len(size) == 2
            message = f"this softmax runs along dim {dim} of {list(size)}, which has one entry: the result is 1 everywhere"
            evidence = {"shape": size, "dim": dim, "module": mapping(observation.facts, "module").get("path")}
            severity = None if trained else Severity.WARNING
            yield self.finding(message, span, stage=Stage.PROBE, evidence=evidence, severity=severity)

"""A softmax along a dim of size one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import each, flag, mapping, shape, text

DECODING = """import torch, torch.nn as nn
class Step(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.kv = nn.Linear(8, 8), nn.Linear(8, 16)
    def forward(self, x, past=None):
        k, v = self.kv(x).chunk(2, dim=-1)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=1), torch.cat([past[1], v], dim=1)
        return torch.softmax(self.q(x) @ k.transpose(1, 2) / 8**0.5, dim=-1) @ v, (k, v)
step, x, past = Step(), torch.randn(2, 1, 8), None
with torch.no_grad():
    for _ in range(4):
        x, past = step(x, past)
"""


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
        Good(DECODING),
        Good("import torch, torch.nn as nn\nnn.Sequential(nn.Linear(8, 2), nn.Softmax(dim=1))(torch.randn(3, 8))\n"),
        Good("import torch\nprint(torch.softmax(torch.randn(1, 4), dim=1))\n"),
    )
    BAD = (Bad("import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(8, 1), nn.Softmax(dim=1))\nm(torch.randn(3, 8))\n", at=(3, 1)),)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        # An attention that grows by a step at a time begins with a single key.
        growing = {one.span for one in outcome.seen("softmax") if _entries(one.facts) > 1}
        for observation, span in each(outcome, context.code, "softmax"):
            size, dim = shape(observation.facts, "shape") or (), observation.facts.get("dim")
            if span in growing or _entries(observation.facts) != 1:
                continue
            if not text(observation.facts, "module", "type") or max(size) == 1:
                continue
            trained = flag(observation.facts, "grad") and len(size) == 2
            message = f"this softmax runs along dim {dim} of {list(size)}, which has one entry: the result is 1 everywhere"
            evidence = {"shape": size, "dim": dim, "module": mapping(observation.facts, "module").get("path")}
            severity = None if trained else Severity.WARNING
            yield self.finding(message, span, stage=Stage.PROBE, evidence=evidence, severity=severity)


def _entries(facts: Mapping[str, object]) -> int:
    """How many entries a softmax runs over; 0 where that was not seen."""
    size, dim = shape(facts, "shape") or (), facts.get("dim")
    known = isinstance(dim, int) and not isinstance(dim, bool) and -len(size) <= dim < len(size)
    return size[dim] if known and isinstance(dim, int) else 0

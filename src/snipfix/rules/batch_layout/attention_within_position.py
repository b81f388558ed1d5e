"""Attention whose heads were not moved in front: it compares the heads of one position, never two positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import flag, mapping, place, shape, text

CODE = """\
import torch, torch.nn as nn
class SelfAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.q, self.k, self.v = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
    def forward(self, x):
        split = (x.size(0), x.size(1), self.heads, self.size)
        q, k, v = (f(x).view(split){0} for f in (self.q, self.k, self.v))
        weights = torch.softmax(q @ k.transpose(-2, -1) / self.size ** 0.5, dim=-1)
        return (weights @ v){0}.reshape(x.shape)
SelfAttention(8, 2)(torch.randn(3, 5, 8))
"""


class AttentionWithinPosition(Rule):
    """A self-attention compares the heads of one position with each other, and never one position with another.

    ## What it does
    Changes one position of the only input and calls the model again. Reports an attention whose weights have one small matrix for every
    sample and position, when no other position of the output moves.

    ## Why is this bad?
    Split into heads, (batch, position, head, width) multiplied as it stands gives head × head products. Nothing passes from position to
    position: the layer costs as much as attention and does what a linear layer does. No error shows it.

    ## Example
    ```python
    q = self.q(x).view(batch, length, heads, width)
    k = self.k(x).view(batch, length, heads, width)
    weights = torch.softmax(q @ k.transpose(-2, -1), dim=-1)
    ```

    ## Use instead
    ```python
    q = self.q(x).view(batch, length, heads, width).transpose(1, 2)
    k = self.k(x).view(batch, length, heads, width).transpose(1, 2)
    weights = torch.softmax(q @ k.transpose(-2, -1), dim=-1)
    ```

    ## Fix safety
    No fix: the heads must be moved in front where they are split and back where they are joined.

    ## References
    - Vaswani et al. 2017, Attention Is All You Need, section 3.2.2; torch.nn.functional.scaled_dot_product_attention: "(N, ..., Hq, L, E)".
    """

    id = "SNF475"
    name = "attention-within-position"
    category = Category.BATCH_LAYOUT
    GOOD = (
        Good(CODE.format(".transpose(1, 2)")),
        Good(
            "import torch, torch.nn as nn\nclass Channels(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.f = nn.Linear(4, 4)\n"
            "    def forward(self, x):  # attention among the channels of each image, 4D\n        q = self.f(x)\n"
            "        return torch.softmax(q @ q.transpose(-2, -1), dim=-1) @ q\nChannels()(torch.randn(2, 3, 5, 4))\n"
        ),
    )
    BAD = (Bad(CODE.format(""), at=(10, 19)),)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        told: set[Span] = set()
        lonely = [one.facts for one in outcome.seen("batch") if _looks_at_itself_only(one.facts)]
        for observation in outcome.seen("attention"):
            facts = observation.facts
            span, size = place(context.code, facts, "softmax", "span"), shape(facts, "shape") or ()
            inputs = [shape(one, "input") or () for one in lonely if _inside(text(facts, "module", "path"), text(one, "module", "path"))]
            fitting = next((one for one in inputs if size[:2] == one[:2] and len(size) == 4), None)
            if span is None or fitting is None or span in told:
                continue
            told.add(span)
            message = (
                f"the weights {list(size)} compare the {size[-1]} heads of each of {size[1]} positions: no position attends to another"
            )
            yield self.finding(message, span, stage=Stage.PROBE, evidence={"shape": size, "input": fitting})


def _looks_at_itself_only(facts: Mapping[str, Any]) -> bool:
    """Whether a model of one sequence keeps samples and positions apart: what is changed at one moves only that one."""
    size = shape(facts, "input") or ()
    sequence = len(size) == 3 or (len(size) == 2 and flag(facts, "integers"))
    dims = [mapping(facts, "dims", dim) for dim in ("0", "1")]
    apart = all(flag(one, "kept") and flag(one, "alive") and not flag(one, "mixes") for one in dims)
    return sequence and apart and len(mapping(facts, "arguments")) == 1


def _inside(path: str, root: str) -> bool:
    return bool(root) and (path == root or path.startswith(f"{root}."))

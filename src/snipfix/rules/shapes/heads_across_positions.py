"""Attention heads cut out of, or put together from, the wrong numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, shape, text, words

__all__ = ["HeadsAcrossPositions"]

HEADS = frozenset("h head heads nhead nheads n".split())
OTHERS = frozenset("group groups channel channels chunk chunks window windows block blocks".split())
"""Words of sizes that are no number of steps."""
NET = (
    "import torch, torch.nn as nn\nclass Attention(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.heads, self.part = 4, 2\n        self.q = nn.Linear(8, 8)\n    def forward(self, x):\n        b, t, d = x.shape\n"
    "        q = self.q(x).{}\n        out = torch.softmax(q @ q.transpose(-2, -1), dim=-1) @ q\n        return out.{}\n"
    "print(Attention()(torch.randn(3, 5, 8)).shape)\n"
)
SPLIT, JOINED = "view(b, t, self.heads, self.part).transpose(1, 2)", "transpose(1, 2).reshape(b, t, d)"


class HeadsAcrossPositions(Rule):
    """Attention heads are cut out of a sequence, or put together again, by a view alone: each head gets numbers of other positions.

    ## What it does
    Reports, inside a model's forward, a view of (batch, steps, width) as (batch, heads, steps, part), and one of (batch, heads, steps, part) as
    (batch, steps, width).

    ## Why is this bad?
    A view deals the numbers out in memory order, where those of one position stand together. Head 0 gets the first positions whole, head 1
    the next; the result for one position is put together from several. Every shape fits, and attention works on shuffled data.

    ## Example
    ```python
    q = self.q(x).view(b, heads, t, part)
    ```

    ## Use instead
    ```python
    q = self.q(x).view(b, t, heads, part).transpose(1, 2)
    ```

    ## Fix safety
    Unsafe: trained weights of the old model do not fit the new one.

    ## References
    - Vaswani et al., "Attention Is All You Need", 2017, section 3.2.2: each head has a projection of every position.
    """

    id = "SNF356"
    name = "heads-across-positions"
    category = Category.SHAPE
    GOOD = (
        Good(NET.format(SPLIT, JOINED)),
        Good(NET.format("unflatten(-1, (self.heads, self.part)).permute(0, 2, 1, 3)", JOINED)),
        Good(  # a group normalisation: the size in the middle is no number of steps
            "import torch, torch.nn as nn\nclass Norm(nn.Module):\n    def __init__(self, groups=2):\n        super().__init__()\n        self.groups = groups\n"
            "    def forward(self, x):\n        g = x.view(x.size(0), self.groups, -1)\n        g = (g - g.mean(-1, keepdim=True)) / g.std(-1, keepdim=True)\n"
            "        return g.view(x.shape)\nprint(Norm()(torch.randn(3, 6, 2, 4)).shape)\n"
        ),
        Good(
            "import torch, torch.nn as nn\nclass Up(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(6, 32)\n"
            "    def forward(self, z):\n        return self.fc(z).view(z.size(0), 8, 4, 4)\nprint(Up()(torch.randn(3, 4, 6)).shape)\n"
        ),
    )
    BAD = (
        Bad(
            NET.format("view(b, self.heads, t, self.part)  # 多头", JOINED),
            at=(9, 13),
            fixed=NET.format("view(b, t, self.heads, self.part).transpose(1, 2)  # 多头", JOINED),
        ),
        Bad(
            NET.replace("        out = ", "        p = ")
            .replace(" @ q\n", "\n")
            .replace("out.", "(p @ q).")
            .format(SPLIT, "reshape(b, t, d)"),
            at=(11, 16),
            fixed=NET.replace("        out = ", "        p = ").replace(" @ q\n", "\n").replace("out.", "(p @ q).").format(SPLIT, JOINED),
            runs=False,
        ),
        Bad(NET.format(SPLIT, "reshape(b, t, d)"), at=(11, 16), fixed=NET.format(SPLIT, "transpose(1, 2).reshape(b, t, d)")),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "scattered-heads"):
            call, form = _view(context.code, span), text(observation.facts, "form")
            before, after = shape(observation.facts, "before"), shape(observation.facts, "after")
            if call is None or not before or not after or not _names_axes(call, form):
                continue
            if form == "split":
                message = f"this view deals {list(before)} out as {list(after)}: each of the {after[1]} heads gets some positions whole, and nothing of the others"
            else:
                message = f"this view deals {list(before)} out as {list(after)}: what stands at one position comes from several positions of one head"
            stage = Stage.EXERCISE if observation.stage == "exercise" else Stage.PROBE
            yield self.finding(message, span, stage=stage, evidence={"before": before, "after": after})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code, call = context.code, _view(context.code, finding.span)
        if call is None or not isinstance(call.func, ast.Attribute):
            return
        owner, sizes = code.slice(call.func.value), [code.slice(one) for one in _sizes(call)]
        owner = f"({owner})" if isinstance(call.func.value, ast.BinOp) else owner
        if len(sizes) == 4:
            sizes[1:3] = sizes[2], sizes[1]
            made = f"{owner}.{called(call)}({', '.join(sizes)}).transpose(1, 2)"
            yield self.fix("split each position into its heads, then exchange the axes", *replace_expression(code, call, made))
        else:
            made = f"{owner}.transpose(1, 2).reshape({', '.join(sizes)})"
            yield self.fix("bring the heads of a position together, then join them", *replace_expression(code, call, made))


def _view(code: Code, span: Span) -> ast.Call | None:
    call = code.node_at(span, ast.Call)
    exact = isinstance(call, ast.Call) and code.span(call) == span and called(call) in ("view", "reshape")
    return call if exact and isinstance(call, ast.Call) else None


def _sizes(call: ast.Call) -> list[ast.expr]:
    whole = call.args[0] if len(call.args) == 1 else None
    return whole.elts if isinstance(whole, ast.Tuple | ast.List) else call.args


def _names_axes(call: ast.Call, form: str) -> bool:
    """Whether the text asks for the steps by name where they are to stand, or for the heads: bare numbers may meet by chance."""
    sizes = _sizes(call)
    if len(sizes) != (4 if form == "split" else 3):
        return False
    steps = sizes[2 if form == "split" else 1]
    if OTHERS & set(words(ast.unparse(steps).rpartition(".")[2])):
        return False
    if not isinstance(steps, ast.Constant | ast.UnaryOp | ast.BinOp):
        return True
    return form == "split" and bool(HEADS & set(words(ast.unparse(sizes[1]).rpartition(".")[2])))

"""The state of the bottom layer of a stack taken for the answer of the whole."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.api_misuse.recurrent import Unpacked, unpacked
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["LowerLayerState"]

CODE = (
    "import torch, torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self, layers=2):\n        super().__init__()\n"
    "        self.rnn, self.fc = None, nn.Linear(4, 2)\n        self.rnn = nn.GRU(3, 4, num_layers=layers, batch_first=True)\n\n"
    "    def forward(self, x):\n        {}, hidden = self.rnn(x)\n        return self.fc({})\n\nprint(Net()(torch.ones(2, 5, 3)).shape)\n"
)


class LowerLayerState(Rule):
    """Of a recurrent stack's final states, the first is used: that of the bottom layer.

    ## What it does
    Reports `hidden[0]` where it is all that is used of a recurrent layer with `num_layers` of two or more.

    ## Why is this bad?
    The states are stacked from the bottom up: `hidden[0]` belongs to the layer next to the input. The layers above it are computed, never
    used and never trained.

    ## Example
    ```python
    _, hidden = self.gru(x)  # num_layers=2
    return self.fc(hidden[0])
    ```

    ## Use instead
    ```python
    _, hidden = self.gru(x)  # num_layers=2
    return self.fc(hidden[-1])
    ```

    ## Fix safety
    The model changes to what it was built as. Of a bidirectional layer, both last states are wanted, and no fix is offered.

    ## References
    - torch.nn.GRU: `h_n` has "the final hidden state for each element in the batch", of shape (layers, batch, width).
    """

    id = "SNF339"
    name = "lower-layer-state"
    category = Category.API_MISUSE
    silent = True
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("_", "hidden[-1]")),
        Good(CODE.format("_", "hidden[0]").replace("layers=2", "layers=1")),
        Good(CODE.format("out", "hidden[0] + out[:, -1]")),
        Good(CODE.format("_", "hidden[0] + hidden[1]")),
        Good(CODE.format("_", "hidden[0][0]").replace("GRU", "LSTM")),
    )
    BAD = (
        Bad(CODE.format("_", "hidden[0]  # 最后的状态\n    "), at=(11, 24), fixed=CODE.format("_", "hidden[-1]  # 最后的状态\n    "), runs=False),
        Bad(
            CODE.format("out", "h[0, :, :]").replace("GRU", "LSTM").replace("hidden", "(h, c)"),
            at=(11, 24),
            fixed=CODE.format("out", "h[-1, :, :]").replace("GRU", "LSTM").replace("hidden", "(h, c)"),
            runs=False,
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for one in unpacked(context):
            if one.layer.depth is not None and one.layer.depth >= 2 and (taken := _first_state(context, one)) is not None:
                message = (
                    f"`{ast.unparse(taken)}` is the state of the bottom one of {one.layer.depth} layers: those above it are never used"
                )
                yield self.finding(message, context.code.span(taken), evidence={"layers": one.layer.depth})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Subscript)
        taken = [found for one in unpacked(context) if not one.layer.bidirectional and (found := _first_state(context, one)) is not None]
        if isinstance(node, ast.Subscript) and node in taken:
            index = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
            yield self.fix("take the state of the top layer", *replace_expression(context.code, index, "-1"))


def _first_state(context: Context, one: Unpacked) -> ast.Subscript | None:
    """`hidden[0]`, when it is all that is ever read of the results."""
    code, state = context.code, one.state
    if one.layer.kind == "LSTM":
        state = state.elts[0] if isinstance(state, ast.Tuple) and state.elts else one.output
        if state is one.output:
            return None
    if not isinstance(state, ast.Name) or not isinstance(one.output, ast.Name):
        return None
    reads = one.reads(code, state.id)
    if len(reads) != 1 or (one.output.id != state.id and one.reads(code, one.output.id)):
        return None
    taken = code.parents.get(reads[0])
    if not isinstance(taken, ast.Subscript) or taken.value is not reads[0]:
        return None
    index = taken.slice.elts[0] if isinstance(taken.slice, ast.Tuple) and taken.slice.elts else taken.slice
    return taken if isinstance(index, ast.Constant) and index.value == 0 else None

"""The last of an LSTM's two states taken for the state of its last layer."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.api_misuse.recurrent import Unpacked, unpacked
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.values import literal

__all__ = ["CellForHidden"]

CODE = (
    "import torch, torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.rnn = nn.LSTM(3, 4, num_layers=2, batch_first=True)\n        self.fc = nn.Linear(4, 2)\n\n"
    "    def forward(self, x):\n        out, state = self.rnn(x)\n        return self.fc({})\n\nprint(Net()(torch.ones(2, 5, 3)).shape)\n"
)
CELL = frozenset("c cn cell cells cx memory".split())
LOOKED_AT = frozenset({"print", "len", "type", "isinstance"})
MEASURES = frozenset({"shape", "size", "dim", "ndim", "device", "dtype"})


class CellForHidden(Rule):
    """`state[-1]` of an LSTM's pair of states: that is the cell state of all layers, not the hidden state of the last one.

    ## What it does
    Reports an index of -1 into the second result of an LSTM when it is all that is read of it, and goes on into the model.

    ## Why is this bad?
    A GRU gives one tensor there, whose last entry is the state of the top layer. An LSTM gives the pair (hidden, cell): its last entry is the
    cell state, which is not squashed, of shape (layers, batch, width). A linear layer takes it without a word.

    ## Example
    ```python
    _, state = self.lstm(x)
    return self.fc(state[-1])
    ```

    ## Use instead
    ```python
    _, (hidden, _) = self.lstm(x)
    return self.fc(hidden[-1])
    ```

    ## Fix safety
    The numbers change, and with them the shape: the dim of the layers goes. Of a bidirectional layer both directions are wanted, and no fix
    is offered.

    ## References
    - torch.nn.LSTM: "Outputs: output, (h_n, c_n)".
    """

    id = "SNF343"
    name = "cell-for-hidden"
    category = Category.API_MISUSE
    silent = True
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("state[-1]").replace("LSTM", "GRU")),
        Good(CODE.format("state[0][-1]")),
        Good(CODE.format("state[0][-1] + state[-1][-1]")),  # knows that it is a pair
        Good(CODE.format("cell[-1]").replace("return", "cell = state[-1]\n        return")),
        Good(CODE.format("state[-1]").replace("return", "state = state[0]\n        return")),
    )
    BAD = (
        Bad(
            CODE.format("state[-1]").replace(")\n\nprint", ")  # 最后一层\n\nprint"),
            at=(11, 24),
            fixed=CODE.format("state[0][-1]").replace(")\n\nprint", ")  # 最后一层\n\nprint"),
            runs=False,
        ),
        Bad(
            CODE.format("last.squeeze(0)").replace("return", "last = state[-1]\n        return"),
            at=(11, 16),
            fixed=CODE.format("last.squeeze(0)").replace("return", "last = state[0][-1]\n        return"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for one in unpacked(context):
            if (taken := _last_of_pair(context.code, one)) is not None:
                message = (
                    f"`{ast.unparse(taken)}` is the cell state of the LSTM, all layers of it: its states are a pair, the hidden one first"
                )
                yield self.finding(message, context.code.span(taken))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        for one in unpacked(context):
            taken = _last_of_pair(code, one) if not one.layer.bidirectional else None
            if taken is not None and code.span(taken) == finding.span:
                pair = code.slice(taken.value)
                yield self.fix("take the hidden state of the top layer", *replace_expression(code, taken, f"{pair}[0][-1]"))
                if one.layer.depth == 1:  # what follows may reckon with the dim of the layers
                    yield self.fix("take the hidden state", *replace_expression(code, taken, f"{pair}[0]"), preference=1)


def _last_of_pair(code: Code, one: Unpacked) -> ast.Subscript | None:
    """`state[-1]`, when the pair is read nowhere else, was not given anew, and what is taken is computed with."""
    if one.layer.kind != "LSTM" or not isinstance(one.state, ast.Name):
        return None
    reads = one.reads(code, one.state.id)
    taken = code.parents.get(reads[0]) if len(reads) == 1 else None
    if not isinstance(taken, ast.Subscript) or taken.value is not reads[0] or literal(taken.slice) != -1:
        return None
    names = [node for node in code.all(ast.Name, inside=one.function) if node.id == one.state.id and isinstance(node.ctx, ast.Store)]
    kinds = [value for value in code.assigned.get(one.layer.name, ()) if called(value) != "LSTM"]
    return taken if len(names) == 1 and not kinds and _goes_on(code, taken) else None


def _goes_on(code: Code, taken: ast.Subscript) -> bool:
    """Whether what is taken is used as one tensor, and not as the cell state that it is."""
    up = code.parents.get(taken)
    if isinstance(up, ast.Assign):
        return isinstance(up.targets[0], ast.Name) and not CELL & set(words(up.targets[0].id))
    if isinstance(up, ast.Attribute):
        return up.attr not in MEASURES
    if isinstance(up, ast.Call):
        return taken in up.args and called(up) not in LOOKED_AT
    return isinstance(up, ast.BinOp | ast.Return)

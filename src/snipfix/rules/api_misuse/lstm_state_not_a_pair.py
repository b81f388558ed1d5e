"""An LSTM is given one tensor for its state, which is a pair."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.codemods import insert_statement_after, joined, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import origin, passed, wrapped

LSTM = ("LSTM.forward", "LSTMCell.forward")


class LstmStateNotAPair(CrashRule):
    """An LSTM is given one tensor for its state, which is a pair.

    ## What it does
    Explains LSTM calls whose state is a single tensor instead of the pair (hidden state, cell state), and GRU or RNN calls given a pair.

    ## Why is this bad?
    The program stops with a message about an index. Code for an RNN or GRU does not carry over: an LSTM has a second state.

    ## Example
    ```python
    lstm = nn.LSTM(3, 4)
    lstm(x, torch.zeros(1, 2, 4))
    ```

    ## Use instead
    ```python
    lstm = nn.LSTM(3, 4)
    lstm(x, (torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)))
    ```

    ## Fix safety
    The cell state is made as the hidden state is; a detached state becomes a pair of detached tensors.

    ## References
    - torch.nn.LSTM: (h_0, c_0)
    """

    id = "SNF300"
    name = "lstm-state-not-a-pair"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ()
    MESSAGES = (
        r"index 1 is out of bounds for dimension 0 with size 1",
        r"not enough values to unpack",
        r"too many values to unpack",
        r"hx and cx should also be",
        r"'tuple' object has no attribute '(?:dim|size)'",
        r"Expected hidden\[0\] size",
        r"must be Tensor, not tuple",
        r"argument 'hx' \(position 2\) must be tuple of Tensors, not Tensor",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.LSTM(3, 4)(torch.zeros(5, 2, 3), (torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.GRU(3, 4)(torch.zeros(5, 2, 3), torch.zeros(1, 2, 4))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nlstm = nn.LSTM(3, 4)\nh0 = torch.zeros(1, 2, 4)\nc0 = torch.zeros(1, 2, 4)\nout, _ = lstm(torch.zeros(5, 2, 3), h0)  # 初始状态\n",
            at=(6, 10),
            fixed="import torch\nimport torch.nn as nn\nlstm = nn.LSTM(3, 4)\nh0 = torch.zeros(1, 2, 4)\nc0 = torch.zeros(1, 2, 4)\nout, _ = lstm(torch.zeros(5, 2, 3), (h0, c0))  # 初始状态\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nlstm = nn.LSTM(3, 4)\nhidden = torch.zeros(1, 2, 4)\nfor step in range(2):\n    hidden = hidden.detach()\n    out, hidden = lstm(torch.zeros(5, 2, 3), hidden)\n",
            at=(7, 19),
            fixed="import torch\nimport torch.nn as nn\nlstm = nn.LSTM(3, 4)\nhidden = (torch.zeros(1, 2, 4), torch.zeros(1, 2, 4))\nfor step in range(2):\n    hidden = tuple(state.detach() for state in hidden)\n    out, hidden = lstm(torch.zeros(5, 2, 3), hidden)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\ngru = nn.GRU(3, 4)\nout, h = gru(torch.zeros(5, 2, 3), (torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)))\n",
            at=(4, 10),
            fixed="import torch\nimport torch.nn as nn\ngru = nn.GRU(3, 4)\nout, h = gru(torch.zeros(5, 2, 3), torch.zeros(1, 2, 4))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\ncell = nn.LSTMCell(3, 4)\nh = torch.zeros(2, 4)\nfor x in torch.zeros(5, 2, 3):\n    h = cell(x, h)\nprint(h.shape)\n",
            at=(6, 9),
            fixed="import torch\nimport torch.nn as nn\ncell = nn.LSTMCell(3, 4)\nh = torch.zeros(2, 4)\nc = torch.zeros_like(h)\nfor x in torch.zeros(5, 2, 3):\n    h, c = cell(x, (h, c))\nprint(h.shape)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        state = crash.argument(1, "hx")
        name = crash.operation.name
        if name.endswith(LSTM):
            return state is not None and (state.kind == "tensor" or (state.kind == "sequence" and state.length != 2))
        return name.endswith(("GRU.forward", "RNN.forward")) and state is not None and state.kind == "sequence"

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module else "the layer"
        if crash.operation.name.endswith(LSTM):
            return f"{layer} is an LSTM: its state is a pair (h, c), it is given one tensor"
        return f"{layer} has a single tensor as its state, it is given a pair"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code, node = crash.code, passed(crash, 1, "hx")
        if crash.operation.name.endswith("LSTMCell.forward"):
            yield from self._stepped(crash, node)
            return
        outer = origin(crash, node)
        births = crash.births(outer) if isinstance(outer, ast.Name) else []
        if not crash.operation.name.endswith("LSTM.forward"):
            for birth in births:
                if isinstance(birth.value, ast.Tuple) and birth.value.elts:
                    yield Offer("Give the hidden state alone", replace_expression(code, birth.value, code.slice(birth.value.elts[0])))
            if isinstance(outer, ast.Tuple) and outer.elts:
                yield Offer("Give the hidden state alone", replace_expression(code, outer, code.slice(outer.elts[0])))
            yield from wrapped(crash, node, "{}[0]", "Give the hidden state alone")
            return
        if isinstance(node, ast.Name) and (cell := self._cell(crash, node.id)):
            yield Offer("Give the state as a pair", replace_expression(code, node, f"({node.id}, {cell})"))
        made = [birth for birth in births if not self._detaches(birth)]
        if isinstance(outer, ast.Name) and made:
            value = made[-1].value
            edits = [replace_expression(code, value, f"({code.slice(value)}, {code.slice(value)})")]
            detached = f"tuple(state.detach() for state in {outer.id})"
            edits += [replace_expression(code, birth.value, detached) for birth in births if self._detaches(birth)]
            yield Offer("Give the state as a pair", joined(*edits))
        if isinstance(outer, ast.Call):
            yield Offer("Give the state as a pair", replace_expression(code, outer, f"({code.slice(outer)}, {code.slice(outer)})"))
        if node is not None:
            text = code.slice(node)
            yield Offer("Start with an empty cell state", replace_expression(code, node, f"({text}, torch.zeros_like({text}))"))

    @staticmethod
    def _stepped(crash: Crash, node: ast.expr | None) -> Iterator[Offer]:
        """`h = cell(x, h)` in a loop: the cell state goes along, and starts empty where `h` does."""
        code, statement = crash.code, crash.statement
        births = crash.births(node) if isinstance(node, ast.Name) else []
        if not isinstance(node, ast.Name) or not isinstance(statement, ast.Assign) or not births:
            return
        target, cell = statement.targets[0], next(name for name in ("c", f"{node.id}_cell") if not code.mentions(name))
        start = insert_statement_after(code, births[0].lineno, f"{cell} = torch.zeros_like({node.id})")
        given = replace_expression(code, node, f"({node.id}, {cell})")
        if isinstance(target, ast.Name) and target.id == node.id:
            yield Offer("Give the state as a pair", joined(start, given, replace_expression(code, target, f"{node.id}, {cell}")))

    @staticmethod
    def _cell(crash: Crash, hidden: str) -> str:
        """The name of the cell state that the author made beside the hidden one: `c0` beside `h0`, `cell` beside `hidden`."""
        known = crash.frame.locals if crash.frame else {}
        for word, other in (("hidden", "cell"), ("h", "c")):
            cell = re.sub(rf"(?<![a-z]){word}(?![a-z])", other, hidden)
            if cell != hidden and cell in known and hidden in known and known[cell].shape == known[hidden].shape is not None:
                return cell
        return ""

    @staticmethod
    def _detaches(birth: ast.Assign) -> bool:
        return ast.unparse(birth.value) == f"{ast.unparse(birth.targets[0])}.detach()"

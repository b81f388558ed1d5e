"""The last output of a bidirectional layer, whose backward half has read one step only."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.api_misuse.recurrent import Unpacked, unpacked
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["HalfReadDirection"]

CODE = (
    "import torch, torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.rnn = nn.LSTM(3, 4, batch_first=True, bidirectional=True)\n        self.fc = nn.Linear(8, 2)\n\n"
    "    def forward(self, x):\n        out, {} = self.rnn(x)\n        return self.fc({})\n\nprint(Net()(torch.ones(2, 5, 3)).shape)\n"
)
BOTH = "torch.cat((hidden[-2], hidden[-1]), dim=1)"


class HalfReadDirection(Rule):
    """The last step of a bidirectional layer's output stands for the sequence: its backward half has read only the last token.

    ## What it does
    Reports `out[:, -1]` (or `out[-1]` without `batch_first`) of a recurrent layer with `bidirectional=True`.

    ## Why is this bad?
    The backward direction begins at the end: at the last step it has seen one token. What it knows of the whole sequence stands at the first
    step, and in the final states.

    ## Example
    ```python
    out, _ = self.lstm(x)
    return self.fc(out[:, -1])
    ```

    ## Use instead
    ```python
    out, (hidden, _) = self.lstm(x)
    return self.fc(torch.cat((hidden[-2], hidden[-1]), dim=1))
    ```

    ## Fix safety
    The shapes stay, the numbers change.

    ## References
    - torch.nn.LSTM: `output` and `h_n` of bidirectional layers.
    """

    id = "SNF338"
    name = "half-read-direction"
    category = Category.API_MISUSE
    silent = True
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("(hidden, _)", BOTH)),
        Good(CODE.format("_", "torch.cat((out[:, -1, :4], out[:, 0, 4:]), dim=1)")),
        Good(CODE.format("_", "out[:, -1]").replace(", bidirectional=True", "").replace("(8,", "(4,")),
        Good(CODE.format("_", "out.mean(dim=1)")),
    )
    BAD = (
        Bad(CODE.format("_", "out[:, -1, :]"), at=(11, 24), fixed=CODE.format("(hidden, _)", BOTH), runs=False),
        Bad(
            CODE.format("h", "out[-1]").replace("batch_first=True, ", "").replace("LSTM", "GRU"),
            at=(11, 24),
            fixed=CODE.format("h", BOTH.replace("hidden", "h")).replace("batch_first=True, ", "").replace("LSTM", "GRU"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for one in unpacked(context):
            for taken in _last_steps(context, one) if one.layer.bidirectional else ():
                message = f"at `{ast.unparse(taken)}` the backward direction of the {one.layer.kind} has read only the last step"
                yield self.finding(message, context.code.span(taken))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        for one in unpacked(context):
            for taken in _last_steps(context, one):
                if code.span(taken) != finding.span or not context.scopes.visible(context.scopes.module) & {"torch"}:
                    continue
                state, renamed = _state(one)
                if not state or (renamed is not None and state in {name.id for name in code.all(ast.Name, inside=one.function)}):
                    continue
                given = replace_expression(code, *renamed) if renamed is not None else ()
                joined = replace_expression(code, taken, f"torch.cat(({state}[-2], {state}[-1]), dim=1)")
                yield self.fix("join the final states of both directions", *given, *joined)


def _state(one: Unpacked) -> tuple[str, tuple[ast.expr, str] | None]:
    """The name of the hidden state, and what must be written for it to have one."""
    state = one.state
    if one.layer.kind == "LSTM" and isinstance(state, ast.Tuple) and len(state.elts) == 2:
        first = state.elts[0]
        if isinstance(first, ast.Name) and first.id != "_":
            return first.id, None
        return "hidden", (first, "hidden")
    if isinstance(state, ast.Name) and state.id == "_":
        return "hidden", (state, "(hidden, _)" if one.layer.kind == "LSTM" else "hidden")
    if isinstance(state, ast.Name):
        return (f"{state.id}[0]" if one.layer.kind == "LSTM" else state.id), None
    return "", None


def _last_steps(context: Context, one: Unpacked) -> list[ast.Subscript]:
    """`out[:, -1]` and its like, unless the first step is read as well or the name was given to something else meanwhile."""
    if not isinstance(one.output, ast.Name):
        return []
    code, name = context.code, one.output.id
    stores = [node for node in code.all(ast.Name, inside=one.function) if node.id == name and isinstance(node.ctx, ast.Store)]
    taken = [up for node in one.reads(code, name) if isinstance(up := code.parents[node], ast.Subscript) and up.value is node]
    if any(_step(up, one.layer.batch_first) in ("0", "") for up in taken):
        return []
    later = min((node.lineno for node in stores if node.lineno > one.statement.lineno), default=10**9)
    return [up for up in taken if _step(up, one.layer.batch_first) == "-1" and up.lineno <= later]


def _step(taken: ast.Subscript, batch_first: bool) -> str:
    """The step that an index takes, as written; empty where only some of the features are taken."""
    parts = taken.slice.elts if isinstance(taken.slice, ast.Tuple) else [taken.slice]
    written = [ast.unparse(part) for part in parts]
    if batch_first:
        return "other" if len(written) < 2 or written[0] != ":" else written[1] if written[2:] in ([], [":"]) else ""
    return written[0] if all(part in (":", "...") for part in written[1:]) else ""

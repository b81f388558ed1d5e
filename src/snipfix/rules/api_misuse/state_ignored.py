"""A recurrent layer that is not given the state that its module was handed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import replace_expression
from snipfix.model import Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words

STATES = frozenset({"hidden", "cell", "state", "states", "hx", "cx", "h0", "c0"})
RECURRENT = frozenset({"RNN", "GRU", "LSTM"})

CODE = """\
import torch, torch.nn as nn
class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.rnn = nn.Embedding(9, 4), nn.GRU(4, 5)
        self.rnn = nn.GRU(4, 5)
    def forward(self, word, hidden):
        out, hidden = self.rnn(self.embed(word){0})
        return out, hidden
Decoder()(torch.ones(1, 2, dtype=torch.long), torch.ones(1, 2, 5))
"""


class StateIgnored(Rule):
    """A forward takes a recurrent state and never reads it: the recurrent layer starts from zeros at every call.

    ## What it does
    Reports the call of a recurrent layer without a state in a function that has a parameter named like one (`hidden`, `cell`, `state`) and
    does not read it.

    ## Why is this bad?
    What an encoder or the step before found out is thrown away: a decoder called word by word has no memory at all. No error shows it.

    ## Example
    ```python
    def forward(self, word, hidden):
        out, hidden = self.gru(self.embed(word))
    ```

    ## Use instead
    ```python
    def forward(self, word, hidden):
        out, hidden = self.gru(self.embed(word), hidden)
    ```

    ## Fix safety
    Unsafe: the state that callers hand over must have the layer's shape.

    ## References
    - torch.nn.LSTM: "Defaults to zeros if (h_0, c_0) is not provided."
    """

    id = "SNF324"
    name = "state-ignored"
    category = Category.API_MISUSE
    silent = True
    GOOD = (
        Good(CODE.format(", hidden")),
        Good(CODE.format("").replace("return out, hidden", "return out + 0, hidden").replace("(self, word, hidden)", "(self, word, *_)")),
        Good(CODE.format("").replace("out, hidden = self.rnn(", "word = word * (hidden.sum() > 0)\n        out, hidden = self.rnn(")),
    )
    BAD = (
        Bad(CODE.format(""), at=(8, 23), fixed=CODE.format(", hidden"), runs=False),  # it runs, without a memory
        Bad(
            CODE.format("").replace("nn.GRU", "nn.LSTM").replace("word, hidden)", "word, hidden, cell)").replace("out, hidden =", "out, (hidden, cell) =")
            .replace("torch.ones(1, 2, 5))", "torch.ones(1, 2, 5), torch.ones(1, 2, 5))"),
            at=(8, 31),
            fixed=CODE.format(", (hidden, cell)").replace("nn.GRU", "nn.LSTM").replace("word, hidden)", "word, hidden, cell)", 1)
            .replace("out, hidden =", "out, (hidden, cell) =").replace("torch.ones(1, 2, 5))", "torch.ones(1, 2, 5), torch.ones(1, 2, 5))"),
            runs=False,
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for owner in context.code.all(ast.ClassDef) if context.code.calls(*RECURRENT) else ():
            for function in (node for node in owner.body if isinstance(node, ast.FunctionDef)):
                ignored = [name for name in state_names(function) if not _reads(context.code, function, name)]
                layers = recurrent_layers(context.code, owner) if ignored else {}
                for call in _without_state(function, layers) if layers else ():
                    names = " and ".join(f"`{name}`" for name in ignored)
                    message = f"{names} is handed to `{function.name}` and never read: the {layers[written(call.func)]} starts from zeros"
                    yield self.finding(message, context.code.span(call), evidence={"ignored": ignored})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code: Code = context.code
        call = code.node_at(finding.span, ast.Call)
        function = code.around(call, ast.FunctionDef) if call is not None else None
        owner = code.around(call, ast.ClassDef) if call is not None else None
        if not isinstance(call, ast.Call) or function is None or owner is None or not call.args:
            return
        kind, names = recurrent_layers(code, owner).get(written(call.func), ""), state_names(function)
        if (kind != "LSTM" and len(names) == 1) or (kind == "LSTM" and len(names) in (1, 2)):
            state = names[0] if len(names) == 1 else f"({', '.join(names)})"
            yield self.fix("hand the state to the layer", *replace_expression(code, call.args[0], f"{code.slice(call.args[0])}, {state}"))


def recurrent_layers(code: Code, owner: ast.ClassDef) -> dict[str, str]:
    """The recurrent layers that a class builds: `self.lstm` → `LSTM`."""
    return {
        written(target): called(node.value)
        for node in code.all(ast.Assign, inside=owner)
        if called(node.value) in RECURRENT
        for target in node.targets
    }


def state_names(function: ast.FunctionDef) -> list[str]:
    """The parameters that are named like a recurrent state."""
    return [arg.arg for arg in function.args.args if (words(arg.arg) and words(arg.arg)[0] in STATES) or arg.arg in STATES]


def _without_state(function: ast.FunctionDef, layers: dict[str, str]) -> list[ast.Call]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and written(node.func) in layers]
    return [call for call in calls if len(call.args) == 1 and not call.keywords] if len(calls) == 1 else []


def _reads(code: Code, function: ast.FunctionDef, name: str) -> bool:
    """Whether a parameter is read before it is bound again, or anywhere when it is not."""
    named = [node for node in code.all(ast.Name, inside=function) if node.id == name]
    loads = [node.lineno for node in named if isinstance(node.ctx, ast.Load)]
    stores = [node.lineno for node in named if isinstance(node.ctx, ast.Store)]
    return any(not stores or line <= min(stores) for line in loads)

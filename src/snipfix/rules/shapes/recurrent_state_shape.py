"""A recurrent layer is given a state of the wrong shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, insert_statement_after, joined, replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.api_misuse.recurrent import unpacked
from snipfix.rules.base import Bad, Good
from snipfix.rules.batch_layout.layout import steps_first_said
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword, origin, passed, value_offers
from snipfix.rules.synthesis import expressions
from snipfix.rules.values import Values
from snipfix.rules.widths import argument_of

METHOD = (
    "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, layers):\n        super().__init__()\n"
    "        self.layers = layers\n        self.rnn = nn.GRU(4, 5, layers)\n\n    def start(self, batch):\n"
    "        return torch.zeros({}, batch, 5)\n\n    def forward(self, x):\n        return self.rnn(x, self.start(x.size(1)))\n\n"
    "out, h = Net(2)(torch.ones(7, 3, 4))\n"
)


class RecurrentStateShape(CrashRule):
    """A recurrent layer is given a state of the wrong shape.

    ## What it does
    Explains RNN, GRU and LSTM calls whose state is not (layers times directions, batch, hidden size).

    ## Why is this bad?
    The program stops. Usually `batch_first` is forgotten, or the state was made for another number of layers or another batch; or the states of both
    directions of an encoder go into a decoder that has one.

    ## Example
    ```python
    rnn = nn.GRU(4, 5, num_layers=2, batch_first=True)
    rnn(torch.zeros(3, 7, 4), torch.zeros(1, 3, 5))
    ```

    ## Use instead
    ```python
    rnn = nn.GRU(4, 5, num_layers=2, batch_first=True)
    rnn(torch.zeros(3, 7, 4), torch.zeros(2, 3, 5))
    ```

    ## Fix safety
    Sizes are taken from names in scope where they fit. The states of both directions are added; a learned layer over both is another way.

    ## References
    - torch.nn.GRU: h_0 has shape (D * num_layers, N, H_out).
    """

    id = "SNF207"
    name = "recurrent-state-shape"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"Expected hidden(?:\[\d\])? size \(([^)]*)\), got [\[(]([^\])]*)[\])]",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nrnn = nn.GRU(4, 5, num_layers=2)\nrnn(torch.zeros(7, 3, 4), torch.zeros(2, 3, 5))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.GRU(4, 5)(torch.zeros(7, 3, 4))\n"),
    )
    BAD = (
        Bad(
            METHOD.format(1),
            at=(13, 16),
            fixed=METHOD.format("self.layers"),
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nnum_layers = 2\nrnn = nn.GRU(4, 5, num_layers=num_layers, batch_first=True)\nout, h = rnn(torch.zeros(3, 7, 4), torch.zeros(1, 3, 5))\n",
            at=(5, 10),
            fixed="import torch\nimport torch.nn as nn\nnum_layers = 2\nrnn = nn.GRU(4, 5, num_layers=num_layers, batch_first=True)\nout, h = rnn(torch.zeros(3, 7, 4), torch.zeros(num_layers, 3, 5))\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module else "the recurrent layer"
        return f"{layer} needs a state of shape ({crash.found[0]}), it is given ({crash.found[1]})"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        wanted, given = (tuple(int(size) for size in text.split(",") if size.strip()) for text in crash.found[:2])
        shape, built = crash.shape(0), crash.constructor
        silent = built is not None and crash.setting("batch_first") == "False" and not steps_first_said(crash.code, crash.class_of(built))
        if built is not None and silent and len(shape) == 3 and given[1:2] == shape[:1]:
            yield Offer("Say that the batch comes first", add_keyword(crash.code, built, "batch_first", "True"))
        state = passed(crash, 1, "hx")
        made = list(self._makers(crash, state))
        for changed in ([call for call, _ in made],) if made else ():
            options = [list(self._resized(crash, call, wanted, given)) for call in changed]
            for choice in zip(*options, strict=False):
                yield Offer("Make the state of the right shape", joined(*choice))
        if built is not None and len(given) == len(wanted) == 3 and given[1:] == wanted[1:] and given[0] > wanted[0]:
            yield from _as_many_layers(crash, built, given[0])
        yield from _cut_to_batch(crash, state, wanted, given)
        if len(given) == len(wanted) == 3 and given == (2 * wanted[0], *wanted[1:]):
            yield from _directions_added(crash, state)
        if len(given) == len(wanted) == 3 and (given[1], given[0], given[2]) == wanted:
            yield from value_offers(crash, state, "{}.transpose(0, 1)", "Put the layers first", here=True)

    @staticmethod
    def _makers(crash: Crash, state: ast.expr | None) -> Iterator[tuple[ast.Call, list[ast.expr]]]:
        """The calls of zeros, randn and the like that made the state."""
        outer = origin(crash, state)
        parts = list(outer.elts) if isinstance(outer, ast.Tuple) else [outer]
        for part in parts:
            part = origin(crash, part) if part is not None else None
            birth = crash.born(part) if isinstance(part, ast.Name) else None
            value = birth.value if birth is not None else part
            for node in _calls_behind(crash, value):
                if isinstance(node.func, ast.Attribute) and node.func.attr in ("zeros", "randn", "ones", "rand"):
                    yield node, node.args

    @staticmethod
    def _resized(crash: Crash, call: ast.Call, wanted: tuple[int, ...], given: tuple[int, ...]) -> Iterator[tuple[Edit, ...]]:
        sizes = list(call.args[0].elts) if len(call.args) == 1 and isinstance(call.args[0], ast.Tuple | ast.List) else call.args
        if len(sizes) != len(wanted) or len(given) != len(wanted):
            return
        if sorted(given) == sorted(wanted) and len(set(given)) == len(given):
            # The same sizes in another order: the author's own words for them.
            texts = dict(zip(given, (crash.text(size) for size in sizes), strict=True))
            changed = [(size, texts[new]) for size, old, new in zip(sizes, given, wanted, strict=True) if old != new]
            yield joined(*(replace_expression(crash.code, size, text) for size, text in changed))
        values = Values(crash.code, crash.frames, crash.exercise)
        function = crash.function_of(call)
        per_size = []
        for size, old, new in zip(sizes, given, wanted, strict=True):
            if old != new:
                found = expressions(new, size, values.of(function), near={**values.kept(function), **values.own(function)}, limit=2)
                per_size.append([replace_expression(crash.code, size, one.text) for one in found])
        for choice in zip(*per_size, strict=False):
            yield joined(*choice)


def _calls_behind(crash: Crash, value: ast.expr | None, depth: int = 2) -> Iterator[ast.Call]:
    """The calls in an expression, and those in what the text's own functions among them return: `self.init_hidden(n)`."""
    for node in ast.walk(value) if value is not None else ():
        if not isinstance(node, ast.Call):
            continue
        yield node
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
        made = next((one for one in crash.code.all(ast.FunctionDef) if one.name == name), None)
        for given in crash.code.all(ast.Return, made) if made is not None and depth else ():
            names = [one for one in ast.walk(given) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)]
            births = [birth.value for one in names if (birth := crash.born(one)) is not None]
            for inner in (given.value, *births):
                yield from _calls_behind(crash, inner, depth - 1)


BOTH_ADDED = "{0}[0::2] + {0}[1::2]"
"""The states of a layer's two directions stand side by side: those that go forward at the even places."""


def _directions_added(crash: Crash, state: ast.expr | None) -> Iterator[Offer]:
    """The states of both directions of an encoder, added right where it gives them, for a decoder that has one direction."""
    title = "Add the states of both directions"
    for one in unpacked(crash.context):
        names = [part.id for part in getattr(one.state, "elts", [one.state]) if isinstance(part, ast.Name) and part.id != "_"]
        if not one.layer.bidirectional or not names:
            continue
        added = ", ".join(BOTH_ADDED.format(name) for name in names)
        if one.layer.kind == "LSTM" and isinstance(one.state, ast.Name):
            added = f"tuple({BOTH_ADDED.format('part')} for part in {names[0]})"
        yield Offer(title, insert_statement_after(crash.code, one.statement.lineno, f"{', '.join(names)} = {added}"))
    if not isinstance(state, ast.Tuple):
        yield from value_offers(crash, state, "{}.unflatten(0, (-1, 2)).sum(1)", title)


def _cut_to_batch(crash: Crash, state: ast.expr | None, wanted: tuple[int, ...], given: tuple[int, ...]) -> Iterator[Offer]:
    """A state that the model keeps for batches of one size, met by a smaller one, mostly the last: its first rows."""
    node, call = passed(crash, 0, "input"), crash.call
    smaller = len(given) == len(wanted) == 3 and given[0] == wanted[0] and given[2] == wanted[2] and given[1] > wanted[1]
    if not smaller or call is None or not isinstance(node, ast.Name) or state is None:
        return
    parts = list(state.elts) if isinstance(state, ast.Tuple) else [state]
    axis = 0 if crash.setting("batch_first") == "True" else 1
    if all(isinstance(one, ast.Attribute) for one in parts):
        cut = f"{{}}[:, :{node.id}.size({axis})].contiguous()"
        edits = joined(*(wrap_expression(crash.code, one, cut) for one in parts))
        yield Offer("Take as many states as the batch has samples", edits)


def _as_many_layers(crash: Crash, built: ast.Call, layers: int) -> Iterator[Offer]:
    """A decoder of one layer that is handed the states of an encoder of several, which goes in one direction."""
    others = [call for name in ("RNN", "LSTM", "GRU") for call in crash.code.calls(name) if call is not built]
    both_ways = any(keyword(call, "bidirectional") is not None for call in (built, *others))
    if (
        not both_ways
        and argument_of(built, 2, "num_layers") is None
        and any(argument_of(call, 2, "num_layers") is not None for call in others)
    ):
        yield Offer(f"Build it of {layers} layers", add_keyword(crash.code, built, "num_layers", str(layers)))

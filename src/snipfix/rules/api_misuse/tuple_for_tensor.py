"""The tuple that a layer returns is used as if it were a tensor."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_argument, replace_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import origin, passed, value_offers, wrapped
from snipfix.rules.names.unpacked import unbound, unpacked
from snipfix.rules.observed import called, words

PLACES = frozenset("pred preds predicted prediction predictions idx index indices ids order ranking classes guess guesses".split())
"""What a name says that is to have the places of `max`, `sort` and their kin, not the values."""
SECOND = ("pool", "cls", "hidden", "state", "h_n", "hn")
"""Names for the second part: BERT's pooler output, the last state of a recurrent layer."""


VALUES_AND_PLACES = frozenset({"max", "min", "median", "mode", "sort", "topk", "kthvalue", "cummax", "cummin"})
"""What gives values and their places as a pair, where it is told the dimension."""
RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
STEPS = (
    "import torch\nimport torch.nn as nn\ncell = nn.GRU(3, 4)\nstate, outs = torch.zeros(1, 2, 4), []\nfor x in torch.ones(5, 1, 2, 3):\n"
    "    {} = cell(x, state)\n    outs.append(out)\nprint(torch.cat(outs).shape)\n"
)


class TupleForTensor(CrashRule):
    """The tuple that a layer returns is used as if it were a tensor.

    ## What it does
    Explains layers and tensor methods given the whole return value of an LSTM, a GRU, an attention layer or a function that returns several things.

    ## Why is this bad?
    The program stops. Recurrent and attention layers return their output together with states or weights.

    ## Example
    ```python
    out = self.lstm(x)
    self.fc(out)
    ```

    ## Use instead
    ```python
    out, _ = self.lstm(x)
    self.fc(out)
    ```

    ## Fix safety
    The first element is the output for all torch layers, unless the name asks for the second; for other functions it is a guess that has to run.

    ## References
    - torch.nn.LSTM: Outputs
    """

    id = "SNF301"
    name = "tuple-for-tensor"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("TypeError", "AttributeError")
    MESSAGES = (
        r"\(position (\d+)\) must be Tensor, not tuple",
        r"must be Tensor, not tuple",
        r"'tuple' object has no attribute '(\w+)'",
        r"expected Tensor as element \d+ in argument \d+, but got tuple",
        r"tuple indices must be integers or slices, not tuple",
        r"unsupported operand type\(s\) for [^:]+: 'Tensor' and '(tuple)'",
        r"unsupported operand type\(s\) for [^:]+: '(tuple)' and 'Tensor'",
        r"'[<>]=?' not supported between instances of '(tuple)' and '(?:int|float|Tensor)'",
        r"can't multiply sequence by non-int of type '(?:Tensor|float)'",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nout, _ = nn.LSTM(4, 5)(torch.zeros(3, 2, 4))\ny = nn.Linear(5, 2)(out)\n"),
        Good("import torch\nimport torch.nn as nn\npair = (torch.zeros(1), torch.zeros(1))\nfirst = pair[0].detach()\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\n\nmodel = nn.Sequential(nn.LSTM(4, 5), nn.Linear(5, 2))  # 序列\nmodel(torch.zeros(3, 2, 4))\n",
            at=(5, 1),
            fixed="import torch\nimport torch.nn as nn\n\nclass Output(nn.Module):\n    def forward(self, pair):\n        return pair[0]\n\n\n"
            "model = nn.Sequential(nn.LSTM(4, 5), Output(), nn.Linear(5, 2))  # 序列\nmodel(torch.zeros(3, 2, 4))\n",
        ),
        Bad(
            "import torch\nq = torch.rand(4, 2)\nreward = torch.ones(4)\ntarget = reward + 0.9 * q.max(1) * torch.ones(4)\n",
            at=(4, 19),
            fixed="import torch\nq = torch.rand(4, 2)\nreward = torch.ones(4)\ntarget = reward + 0.9 * q.max(1).values * torch.ones(4)\n",
        ),
        Bad(
            "import torch\nscores = torch.rand(4, 3)\npreds = scores.sort(dim=1, descending=True)\nprint(preds[:, 0])\n",
            at=(4, 7),
            fixed="import torch\nscores = torch.rand(4, 3)\n_, preds = scores.sort(dim=1, descending=True)\nprint(preds[:, 0])\n",
        ),
        Bad(
            STEPS.format("out"),
            at=(8, 7),
            fixed=STEPS.format("out, state"),
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.lstm = nn.LSTM(4, 5)\n        self.fc = nn.Linear(5, 2)\n\n    def forward(self, x):\n        out = self.lstm(x)\n        return self.fc(out)\n\nNet()(torch.zeros(3, 2, 4))\n",
            at=(11, 16),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.lstm = nn.LSTM(4, 5)\n        self.fc = nn.Linear(5, 2)\n\n    def forward(self, x):\n        out, _ = self.lstm(x)\n        return self.fc(out)\n\nNet()(torch.zeros(3, 2, 4))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.zeros(2, 3, 4)\nattended = nn.MultiheadAttention(4, 2)(x, x, x)\ny = x + attended\n",
            at=(5, 5),
            fixed="import torch\nimport torch.nn as nn\nx = torch.zeros(2, 3, 4)\nattended, _ = nn.MultiheadAttention(4, 2)(x, x, x)\ny = x + attended\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nstate = (torch.zeros(1), torch.zeros(1))\nstate = state.detach()\n",
            at=(4, 9),
            fixed="import torch\nimport torch.nn as nn\nstate = (torch.zeros(1), torch.zeros(1))\nstate = tuple(part.detach() for part in state)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "a tuple is used where a tensor is needed"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code, node = crash.code, passed(crash, 0, "input")
        yield from _of_values_and_places(crash)
        yield from _behind_recurrent(crash)
        if isinstance(crash.node, ast.Attribute):
            node = crash.node.value
        if isinstance(crash.node, ast.Subscript):
            node = crash.node.value
        if isinstance(crash.node, ast.BinOp) and crash.found[:1] == ("tuple",):
            node = crash.node.left if crash.failure.message.endswith("'Tensor'") else crash.node.right
        if isinstance(crash.node, ast.Compare):
            node = crash.node.left
        if "position" in crash.failure.message and (crash.found or ("",))[0].isdigit():
            node = passed(crash, int(crash.found[0]) - 1, "input" if crash.found[0] == "1" else "target")
            value = crash.frame.locals.get(crash.text(node)) if crash.frame and node is not None else None
            if value is not None and value.items and all(item.kind in ("int", "float") for item in value.items):
                yield from value_offers(crash, node, "torch.tensor({})", "Make the numbers a tensor")
                return
        node = _gathered(crash, node)
        saved = _saved(crash)
        if saved is not None:
            yield Offer("Unpack the saved tensor", replace_expression(code, saved, f"{crash.text(saved)},"))
        birth = crash.born(node) if isinstance(node, ast.Name) else None
        if isinstance(crash.node, ast.Attribute) and isinstance(node, ast.Name):
            yield from self._of_parts(crash, node)
        if birth is not None and isinstance(birth.targets[0], ast.Name) and isinstance(birth.value, ast.Call):
            name = birth.targets[0].id
            free, home = unbound(code, birth), crash.function_of(birth)
            for read in (one for one in code.all(ast.Name, home) if one.id in free and one.lineno > birth.lineno):
                for _, edits in unpacked(code, read):
                    yield Offer("Unpack the output", edits)
            for number in [1, 0] if called(birth.value) in VALUES_AND_PLACES and PLACES & set(words(name)) else self._meant(crash, name):
                parts = max(self._parts(crash, name), 2)
                rest = _handed_on(birth.value) if parts == 2 and number == 0 else ""
                names = ", ".join(["_"] * number + [name] + [rest or "_"] * max(self._parts(crash, name) - number - 1, 0))
                yield Offer("Unpack the output", replace_expression(code, birth.targets[0], names))
        outer = origin(crash, node)
        if outer is not node and isinstance(outer, ast.Name):
            made = crash.born(outer)
            if made is not None and isinstance(made.value, ast.Call):
                yield Offer("Unpack the output", replace_expression(code, made.targets[0], f"{outer.id}, _"))
        yield from wrapped(crash, node, "{}[0]", "Take the output alone")

    @staticmethod
    def _parts(crash: Crash, name: str) -> int:
        """How many parts the tuple has that a name holds; two where that was not seen."""
        value = crash.frame.locals.get(name) if crash.frame else None
        return (value.length if value and value.kind == "sequence" else None) or 2

    def _meant(self, crash: Crash, name: str) -> list[int]:
        """Which parts of the tuple the author may mean, the likeliest first: what the name says, else the first, which is the output."""
        second = self._parts(crash, name) > 1 and any(word in name.lower() for word in SECOND)
        return [1, 0] if second else [0, 1] if self._parts(crash, name) > 1 else [0]

    @staticmethod
    def _of_parts(crash: Crash, node: ast.Name) -> Iterator[Offer]:
        """`state.detach()` on a pair of states: each part by itself."""
        parent = crash.code.parents.get(crash.node) if crash.node is not None else None
        value = crash.frame.locals.get(node.id) if crash.frame else None
        tensors = value is not None and bool(value.items) and all(item.kind == "tensor" for item in value.items)
        if (
            isinstance(parent, ast.Call)
            and isinstance(crash.node, ast.Attribute)
            and tensors
            and crash.node.attr in ("detach", "to", "cuda", "clone", "float")
        ):
            arguments = ", ".join(crash.text(arg) for arg in parent.args)
            yield Offer(
                "Treat each part by itself",
                replace_expression(crash.code, parent, f"tuple(part.{crash.node.attr}({arguments}) for part in {node.id})"),
            )


def _of_values_and_places(crash: Crash) -> Iterator[Offer]:
    """`q.max(1)` in the midst of an expression: of the values and their places that it gives the values, in arithmetic always meant."""
    for call in crash.code.all(ast.Call, crash.node) if isinstance(crash.node, ast.BinOp) else ():
        along = bool(call.args) or any(one.arg == "dim" for one in call.keywords)
        if called(call) in VALUES_AND_PLACES and isinstance(call.func, ast.Attribute) and along:
            yield from wrapped(crash, call, "{}.values", "Take the values alone")


def _behind_recurrent(crash: Crash) -> Iterator[Offer]:
    """A recurrent layer in the midst of `nn.Sequential`: between it and the next a layer that hands on the output alone."""
    code, layer = crash.code, crash.constructor
    whole = code.parents.get(layer) if layer is not None else None
    if not isinstance(whole, ast.Call) or called(whole) != "Sequential" or layer not in whole.args:
        return
    at = whole.args.index(layer)
    if at == 0 or called(whole.args[at - 1]) not in RECURRENT or not isinstance(whole.func, ast.Attribute):
        return
    name = "OutputAlone" if any(one.name == "Output" for one in code.all(ast.ClassDef)) else "Output"
    top = next(one for one in code.tree.body if one.lineno <= whole.lineno <= (one.end_lineno or one.lineno))
    text = f"class {name}({code.slice(whole.func.value)}.Module):\n    def forward(self, pair):\n        return pair[0]\n\n"
    start = code.offset(top.lineno, 1)
    yield Offer("Hand on the output alone", (Edit(start, start, f"{text}\n"), *add_argument(code, whole, f"{name}()", at)))


def _gathered(crash: Crash, node: ast.expr | None) -> ast.expr | None:
    """What is appended to a list that is joined, in place of the list."""
    for call in crash.code.calls("append") if isinstance(node, ast.Name) else ():
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == node.id and call.args:  # type: ignore[union-attr]
            return call.args[0] if isinstance(call.args[0], ast.Name) else node
    return node


def _handed_on(call: ast.expr) -> str:
    """The state that a call is given by name: its new value comes back with the output."""
    names = [one.id for one in call.args if isinstance(one, ast.Name)] if isinstance(call, ast.Call) else []
    return next((name for name in names[1:] if any(word in name.lower() for word in ("hidden", "state", "hx"))), "")


def _saved(crash: Crash) -> ast.Name | None:
    """The name in the failing statement that is set to all of `ctx.saved_tensors`, where one tensor alone was saved."""
    names = {one.id for one in ast.walk(crash.statement) if isinstance(one, ast.Name)} if crash.statement is not None else set()
    owner = crash.class_of(crash.statement) if crash.statement is not None else None
    kept = crash.code.calls("save_for_backward", inside=owner) if owner is not None else []
    for made in crash.code.all(ast.Assign, owner) if [len(call.args) for call in kept] == [1] and owner is not None else ():
        target = made.targets[0]
        if (
            isinstance(made.value, ast.Attribute)
            and made.value.attr == "saved_tensors"
            and isinstance(target, ast.Name)
            and target.id in names
        ):
            return target
    return None

"""The width of an attention layer is not a multiple of its number of heads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.codemods import add_keyword, replace_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import origin
from snipfix.rules.observed import called, words
from snipfix.rules.widths import argument_of

DEFAULT = (
    "import torch\nimport torch.nn as nn\nclass Tagger(nn.Module):\n    def __init__(self, width=64, heads={}):\n        super().__init__()\n"
    "        self.layer = nn.TransformerEncoderLayer(width, heads, 128)\ntagger = Tagger()\n"
)


class HeadsDoNotDivideWidth(CrashRule):
    """The width of an attention layer is not a multiple of its number of heads.

    ## What it does
    Explains attention layers whose `embed_dim` or `d_model` cannot be shared out evenly among the heads, and the author's own checks of that.

    ## Why is this bad?
    The layer cannot be built: each head works on width / heads features.

    ## Example
    ```python
    nn.MultiheadAttention(10, 4)
    ```

    ## Use instead
    ```python
    nn.MultiheadAttention(10, 5)
    ```

    ## Fix safety
    The number of heads changes no other shape: the nearest one that divides the width is taken. Another width is another way.

    ## References
    - torch.nn.MultiheadAttention: embed_dim
    """

    id = "SNF218"
    name = "heads-do-not-divide-width"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("AssertionError", "ValueError")
    MESSAGES = (
        r"embed_dim`? must be divisible by num_heads",
        r"(?:hidden size|d_model|embed_dim).*(?:multiple of|divisible by).*heads",
        r"(?i)divis|divid|multipl|\bdiv\b|head|^$",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.MultiheadAttention(10, 5)\n"),
        Good("import torch\nimport torch.nn as nn\nnn.MultiheadAttention(embed_dim=8, num_heads=2)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nattention = nn.MultiheadAttention(10, 4)\n",
            at=(3, 13),
            fixed="import torch\nimport torch.nn as nn\nattention = nn.MultiheadAttention(10, 5)\n",
        ),
        Bad(
            DEFAULT.format(5),
            at=(6, 22),
            fixed=DEFAULT.format(4),
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nwidth, hidden, heads, layers = 8, 32, 2, 1\nnet = nn.Transformer(width, hidden, heads, layers)\n",
            at=(4, 7),
            fixed="import torch\nimport torch.nn as nn\nwidth, hidden, heads, layers = 8, 32, 2, 1\nnet = nn.Transformer(width, nhead=heads, num_encoder_layers=layers, num_decoder_layers=layers, dim_feedforward=hidden)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        checked = _checked(crash)
        sizes = [value.text for name, value in crash.operation.kwargs.items() if name in (*WIDTH, *HEADS)]
        sizes = [str(number) for number, _ in checked] if checked is not None else sizes
        return "the width is not a multiple of the number of heads" + (f": {' and '.join(sizes)}" if sizes else "")

    def explains(self, crash: Crash) -> bool:
        return any(re.search(said, crash.failure.message) for said in self.MESSAGES[:2]) or _checked(crash) is not None

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call = crash.call
        if call is not None and isinstance(call.func, ast.Attribute):
            yield from _by_name(crash, call, call.func.attr)
        width, heads = (self._size(crash, *names) for names in (WIDTH, HEADS))
        given = argument_of(call, 1, *HEADS) if call is not None else None
        checked = _checked(crash)
        if checked is not None:
            (width, _), (heads, given) = checked
        if not width or not heads:
            yield from _configured(crash)
            return
        written = self._written(crash, given)
        if written is not None:
            for count in _near(width, heads):
                yield Offer(f"Take {count} heads", replace_expression(crash.code, written, str(count)))

    @staticmethod
    def _size(crash: Crash, *names: str) -> int:
        """A size that the layer was given; zero when that was not seen."""
        found = next((value.text for name in names if (value := crash.operation.kwargs.get(name)) is not None), "")
        return int(found) if found.isdigit() else 0

    @staticmethod
    def _written(crash: Crash, given: ast.expr | None) -> ast.Constant | None:
        """The number where the author wrote it: in a call, in an assignment, or as the default of the parameter that the call passes on."""
        given = origin(crash, given)
        births = [one for one in crash.binders(given) if isinstance(one, ast.Assign)] if isinstance(given, ast.Name) else []
        if births:
            given = _assigned(births[-1], given)
        function = crash.function_of(given) if isinstance(given, ast.Name) else None
        if isinstance(given, ast.Name) and isinstance(function, ast.FunctionDef):
            defaults = function.args.defaults
            named = zip(function.args.args[len(function.args.args) - len(defaults) :], defaults, strict=True)
            given = next((default for arg, default in named if arg.arg == given.id), None)
        return given if isinstance(given, ast.Constant) and isinstance(given.value, int) else None


def _near(width: int, heads: int) -> list[int]:
    """The two numbers of heads that divide a width and are nearest to the one that does not; a single head is none, nor are heads of a single number.

    A number above the width is no number of heads: another argument has come into its place.
    """
    counts = sorted(range(2, min(2 * heads + 1, width)), key=lambda count: (abs(count - heads), -count)) if heads <= width else []
    return [count for count in counts if width % count == 0][:2]


def _configured(crash: Crash) -> Iterator[Offer]:
    """The number of heads in the configuration of a model, where the message tells width and heads."""
    numbers = [int(text) for text in re.findall(r"\d+", crash.failure.message)]
    for call in crash.code.all(ast.Call) if len(numbers) == 2 else ():
        set_here = {one.arg: one.value for one in call.keywords if called(call).endswith("Config")}
        name = next((heads for width, heads in CONFIGURED.items() if width in set_here), "")
        written = set_here.get(name)
        for count in _near(*numbers) if name and (written is None or isinstance(written, ast.Constant)) else ():
            yield Offer(f"Take {count} heads", add_keyword(crash.code, call, name, str(count)))


CONFIGURED = {"hidden_size": "num_attention_heads", "n_embd": "n_head", "dim": "n_heads", "d_model": "num_heads"}
"""What configurations of transformers call the width, and the number of heads."""
WIDTH, HEADS = ("embed_dim", "d_model", "hidden_size"), ("num_heads", "nhead", "num_attention_heads")


def _assigned(birth: ast.Assign, name: ast.expr | None) -> ast.expr | None:
    """What an assignment gives a name: its value, or the part of it that stands at the name's place."""
    for target in birth.targets:
        if isinstance(target, ast.Tuple) and isinstance(birth.value, ast.Tuple) and len(target.elts) == len(birth.value.elts):
            for one, value in zip(target.elts, birth.value.elts, strict=True):
                if isinstance(one, ast.Name) and isinstance(name, ast.Name) and one.id == name.id:
                    return value
    return birth.value


def _named(crash: Crash, node: ast.expr) -> ast.Name | None:
    """A name, or the one that an attribute of `self` was set to: `heads` for `self.heads` after `self.heads = heads`."""
    if isinstance(node, ast.Name):
        return node
    home = crash.function_of(node)
    kept = [one.value for one in crash.code.all(ast.Assign, home) if ast.unparse(one.targets[0]) == ast.unparse(node)]
    return kept[0] if len(kept) == 1 and isinstance(kept[0], ast.Name) else None


Sized = tuple[int, ast.expr]


def _checked(crash: Crash) -> tuple[Sized, Sized] | None:
    """The width and the number of heads, each with its name, of the author's own check that one divides the other; None for another check."""
    statement = crash.statement
    if isinstance(statement, ast.Raise):
        above = crash.code.parents.get(statement)
        test = above.test if isinstance(above, ast.If) else None
    else:
        test = statement.test if isinstance(statement, ast.Assert) else None
    known = crash.frame.locals if crash.frame else {}
    asked = [_named(crash, one) for one in ast.walk(test) if isinstance(one, ast.Name | ast.Attribute)] if test is not None else []
    named = {one.id: one for one in asked if one is not None}
    sizes = {text: int(known[text].text) for text in named if text in known and known[text].kind == "int"}
    heads = [text for text in sizes if "head" in words(text) or "heads" in words(text)]
    widths = [text for text in sizes if text not in heads and not set(words(text)) & {"head", "heads"}]
    if len(heads) != 1 or len(widths) != 1 or sizes[heads[0]] < 1 or sizes[widths[0]] % sizes[heads[0]] == 0:
        return None
    return (sizes[widths[0]], named[widths[0]]), (sizes[heads[0]], named[heads[0]])


ORDER = {
    "Transformer": ("d_model", "nhead", "num_encoder_layers", "num_decoder_layers", "dim_feedforward", "dropout"),
    "TransformerEncoderLayer": ("d_model", "nhead", "dim_feedforward", "dropout"),
    "TransformerDecoderLayer": ("d_model", "nhead", "dim_feedforward", "dropout"),
    "MultiheadAttention": ("embed_dim", "num_heads", "dropout"),
}
MEANT = (
    ("heads", ("nhead", "num_heads")),
    ("head", ("nhead", "num_heads")),
    ("layers", ("num_encoder_layers", "num_decoder_layers")),
    ("drop", ("dropout",)),
    ("ff", ("dim_feedforward",)),
    ("hid", ("dim_feedforward",)),
)
"""Parameters that a word in an argument's name stands for."""


def _by_name(crash: Crash, call: ast.Call, kind: str) -> Iterator[Offer]:
    """Positional arguments in the wrong places, given by the parameters that their names speak of."""
    order = ORDER.get(kind, ())
    if not all(isinstance(arg, ast.Name) for arg in call.args) or len(call.args) < 2:
        return
    found: dict[str, str] = {order[0]: ast.unparse(call.args[0])} if order else {}
    for arg in call.args[1:]:
        text = ast.unparse(arg)
        meant = next((names for word, names in MEANT if word in text.lower()), ())
        for name in meant:
            if name in order and name not in found:
                found[name] = text
    if {ast.unparse(arg) for arg in call.args} != set(found.values()):
        return
    texts = [found[order[0]], *(f"{name}={found[name]}" for name in order[1:] if name in found)]
    start, end = crash.code.range(crash.code.span(call.args[0]))[0], crash.code.range(crash.code.span(call.args[-1]))[1]
    yield Offer("Give each argument to the parameter that it is named after", (Edit(start, end, ", ".join(texts)),))

"""A class number, token number or index lies outside what it indexes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, replace_expression
from snipfix.model import Applicability, Category, Meaning
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import passed, value_offers
from snipfix.rules.observed import called
from snipfix.rules.widths import argument_of, parameter_index, width_offers


class IndexOutOfRange(CrashRule):
    """A class number, token number or index lies outside what it indexes.

    ## What it does
    Explains embeddings given ids that are not below `num_embeddings`, losses given class numbers that are not below the number of scores, and plain indexing.

    ## Why is this bad?
    The program stops on the CPU; on a GPU the same defect shows as a device-side assert far from its place. Classes and words are counted from 0.

    ## Example
    ```python
    emb = nn.Embedding(2, 4)
    emb(torch.tensor([0, 1, 2]))
    ```

    ## Use instead
    ```python
    emb = nn.Embedding(3, 4)
    emb(torch.tensor([0, 1, 2]))
    ```

    ## Fix safety
    Labels that start at 1 are shifted; otherwise the layer is made large enough for the largest number that was seen, which may still be too small for other data.

    ## References
    - torch.nn.Embedding: num_embeddings
    """

    id = "SNF217"
    name = "index-out-of-range"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("IndexError", "RuntimeError")
    MESSAGES = (
        r"Target (-?\d+) is out of bounds",
        r"index out of range in self",
        r"index (\d+) is out of bounds for dimension \d+ with size \d+",
        r"Class values must be smaller than num_classes",
        r"The expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\)",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.Embedding(3, 4)(torch.tensor([0, 1, 2]))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.functional.cross_entropy(torch.zeros(3, 3), torch.tensor([0, 1, 2]))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nfrom torch.nn.utils.rnn import pad_sequence\ntags = pad_sequence([torch.tensor([0, 2]), torch.tensor([1])], padding_value=-1)\nloss = nn.CrossEntropyLoss()(torch.zeros(4, 3), tags.view(-1))\n",
            at=(5, 8),
            fixed="import torch\nimport torch.nn as nn\nfrom torch.nn.utils.rnn import pad_sequence\ntags = pad_sequence([torch.tensor([0, 2]), torch.tensor([1])], padding_value=-1)\nloss = nn.CrossEntropyLoss(ignore_index=-1)(torch.zeros(4, 3), tags.view(-1))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nemb = nn.Embedding(2, 4)\ny = emb(torch.tensor([0, 1, 2]))\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nemb = nn.Embedding(3, 4)\ny = emb(torch.tensor([0, 1, 2]))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nlabels = torch.tensor([1, 2, 3])\nloss = nn.CrossEntropyLoss()(torch.zeros(3, 3), labels)\n",
            at=(4, 8),
            fixed="import torch\nimport torch.nn as nn\nlabels = torch.tensor([1, 2, 3]) - 1\nloss = nn.CrossEntropyLoss()(torch.zeros(3, 3), labels)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        if len(crash.found) == 2:  # ids of types or positions, cut from a buffer of a transformer
            return crash.module is not None and crash.module.qualified.startswith("transformers.") and _longer(crash)
        return crash.operation.name.rpartition(".")[2] in ("embedding", "cross_entropy", "nll_loss")

    def says(self, crash: Crash) -> str:
        if len(crash.found) == 2:
            return f"the input has {crash.found[0]} positions, and this transformer was built for {crash.found[1]}"
        if crash.operation.name.endswith("embedding"):
            return f"an embedding of {crash.shape(1)[0]} entries is asked for entry {self._highest(crash, 0)}"
        low, missing = self._low(crash), self._highest(crash, 1)
        return f"class number {missing if low is None else low} does not exist among {self._classes(crash)} scores"

    @staticmethod
    def _highest(crash: Crash, position: int) -> int:
        value = crash.argument(position)
        return int(value.high) if value is not None and value.high is not None else 0

    @staticmethod
    def _low(crash: Crash) -> int | None:
        """A class number below 0; None where there is none."""
        value = crash.argument(1)
        return int(value.low) if value is not None and value.low is not None and value.low < 0 else None

    @staticmethod
    def _classes(crash: Crash) -> int:
        shape = crash.shape(0)
        return shape[1] if len(shape) > 1 else shape[0] if shape else 0

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if len(crash.found) == 2:
            yield from _room_for_positions(crash)
            return
        if crash.operation.name.endswith("embedding"):
            yield from self._larger_table(crash)
            return
        target, value, classes = passed(crash, 1, "target"), crash.argument(1), self._classes(crash)
        if value is not None and value.low is not None and value.low >= 1 and self._highest(crash, 1) == classes:
            yield from value_offers(crash, target, "{} - 1", "Count the classes from 0")
        low = self._low(crash)
        if low is not None and self._highest(crash, 1) < classes and "pad" in crash.code.text and str(low) in crash.code.text:
            maker = crash.constructor or crash.call
            yield Offer("Leave the padding out of the loss", add_keyword(crash.code, maker, "ignore_index", str(low)) if maker else ())
        outcome = crash.context.outcome
        for call in reversed(outcome.calls if outcome else ()):
            shape = call.output.shape if call.output else None
            if call.module.type == "Linear" and shape and shape[-1] == classes and call.module.built:
                built = crash.code.node_at(call.module.built, ast.Call)
                if isinstance(built, ast.Call):
                    wanted = announced(crash, self._highest(crash, 1))
                    yield from width_offers(crash, argument_of(built, 1, "out_features"), wanted, what="number of classes")
                return

    def _larger_table(self, crash: Crash) -> Iterator[Offer]:
        highest = self._highest(crash, 0)
        size = argument_of(crash.constructor, 0, "num_embeddings") if crash.constructor is not None else None
        if size is None:
            return
        for counted in (size, *_handed_down(crash, size)):
            yield from _up_to_the_highest(crash, counted)
        if crash.setting("num_embeddings") == str(highest):
            for given in (size, *_handed_down(crash, size)):
                birth = crash.born(given) if isinstance(given, ast.Name) else None
                counted = birth.value if birth is not None else given
                if isinstance(counted, ast.Call) and ast.unparse(counted.func) == "len":
                    text = f"{crash.text(counted)} + 1"
                    yield Offer(f"Set the number of entries to {text}", replace_expression(crash.code, counted, text))
        for frame in reversed(crash.frames):
            for name, value in frame.locals.items():
                if value.length == highest + 1 and frame.function == "<module>" and crash.function_of(size) is crash.code.tree:
                    yield Offer(f"Make room for all of {name}", replace_expression(crash.code, size, f"len({name})"))
        for offer in width_offers(crash, size, highest + 1, what="number of entries"):
            if "//" not in offer.title and "*" not in offer.title:  # the highest id is no product of widths but by chance
                yield offer


def _longer(crash: Crash) -> bool:
    return int(crash.found[0]) > int(crash.found[1])


def _room_for_positions(crash: Crash) -> Iterator[Offer]:
    """A configuration of the text that has a number of positions gets more of them; else the input is cut."""
    for word in crash.code.all(ast.keyword):
        if word.arg == "max_position_embeddings":
            yield from width_offers(crash, word.value, int(crash.found[0]), what="number of positions")
    given = passed(crash, 0, "input_ids")
    if isinstance(given, ast.Name):
        cut = f"{given.id}[:, :{crash.found[1]}]"
        yield Offer("Cut the input to the positions there are", replace_expression(crash.code, given, cut), Meaning.CHANGES)


def _handed_down(crash: Crash, size: ast.expr) -> Iterator[ast.expr]:
    """What the calls that build its model give for a parameter of the constructor."""
    owner, function = crash.class_of(size), crash.function_of(size)
    position = parameter_index(function, size.id) if isinstance(function, ast.FunctionDef) and isinstance(size, ast.Name) else None
    for call in crash.code.calls(owner.name) if owner is not None and position is not None else ():
        given = argument_of(call, position or 0, ast.unparse(size))
        if given is not None:
            yield given


def announced(crash: Crash, highest: int) -> int:
    """How many classes there are: as many as the text draws them from (`randint(0, 10, ...)`), else up to the highest that was seen."""
    drawn = [
        node.args[1].value
        for node in crash.code.all(ast.Call) if ast.unparse(node.func).endswith("randint") and len(node.args) > 2
        and isinstance(node.args[1], ast.Constant) and isinstance(node.args[1].value, int)
    ]  # fmt: skip
    return min((high for high in drawn if high > highest), default=highest + 1)


def _up_to_the_highest(crash: Crash, size: ast.expr) -> Iterator[Offer]:
    """The number of different ids, `len(ids.unique())`, where ids have gaps or begin at 1: a table goes up to the highest."""
    birth = crash.born(size) if isinstance(size, ast.Name) else None
    made = birth.value if birth is not None else size
    counted = next((one for one in ast.walk(made) if isinstance(one, ast.Call) and called(one) in ("unique", "nunique", "set")), None)
    if counted is None or not isinstance(made, ast.Call):
        return
    of_tensor = isinstance(counted.func, ast.Attribute) and crash.text(counted.func.value) not in ("torch", "np", "numpy")
    ids = counted.func.value if of_tensor else counted.args[0] if counted.args else None  # type: ignore[attr-defined]
    if ids is not None:
        text = f"int({crash.text(ids)}.max()) + 1" if called(counted) != "set" else f"max({crash.text(ids)}) + 1"
        yield Offer(f"Set the number of entries to {text}", replace_expression(crash.code, made, text))

"""Sequences of different lengths are put into one tensor."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.codemods import add_import, joined, rename_attribute, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.observed import called
from snipfix.rules.shapes.collation import collations
from snipfix.rules.shapes.pictures import SIDES, resized, squared

SAMPLES = (
    "import torch\nfrom torch.utils.data import DataLoader\n{pad}\nclass Samples(list):\n    def __getitem__(self, n):\n        return {sample}\n"
    "{collate}for x, y in DataLoader(Samples(range(2)), batch_size=2{given}):\n    print(x + 1)\n"
)
PICTURES = (
    "from PIL import Image\nfrom torch.utils.data import DataLoader\nfrom torchvision import transforms\n"
    "tf = transforms.Compose([{}transforms.ToTensor()])  # 变换\n"
    "class Pictures(list):\n    __getitem__ = lambda self, n: tf(Image.new('L', (n + 30, 28)))\n"
    "for x in DataLoader(Pictures(range(2)), batch_size=2):\n    print(x + 1)\n"
)


class RaggedBatch(CrashRule):
    """Sequences of different lengths are put into one tensor.

    ## What it does
    Explains `stack`, the collation of a DataLoader and `torch.tensor` on rows of different lengths.

    ## Why is this bad?
    A tensor has one size per axis. Sequences have to be padded to a common length, and the padding told apart later.

    ## Example
    ```python
    rows = [torch.ones(2), torch.ones(3)]
    torch.stack(rows)
    ```

    ## Use instead
    ```python
    rows = [torch.ones(2), torch.ones(3)]
    nn.utils.rnn.pad_sequence(rows, batch_first=True)
    ```

    ## Fix safety
    Padding with zeros changes what later averages see; the author has to mask it where that matters. Targets are padded with what the loss leaves
    out. Pictures are resized before they become tensors, to the customary size nearest to theirs.

    ## References
    - torch.nn.utils.rnn.pad_sequence
    """

    id = "SNF214"
    name = "ragged-batch"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError", "ValueError")
    MESSAGES = (
        r"stack expects each tensor to be equal size",
        r"each element in list of batch should be of equal size",
        r"expected sequence of length \d+ at dim \d+ \(got \d+\)",
        r"Trying to resize storage that is not resizable",
        r"(setting an array element with a sequence)\..* inhomogeneous shape",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\ntorch.stack([torch.ones(2), torch.ones(2)])\n"),
        Good("import torch\nimport torch.nn as nn\nnn.utils.rnn.pad_sequence([torch.ones(2), torch.ones(3)], batch_first=True)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nrows = [torch.ones(2), torch.ones(3)]\nbatch = torch.stack(rows)\n",
            at=(4, 9),
            fixed="import torch\nimport torch.nn as nn\nfrom torch.nn.utils.rnn import pad_sequence\nrows = [torch.ones(2), torch.ones(3)]\nbatch = pad_sequence(rows, batch_first=True)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.tensor([[1, 2], [3]])\n",
            at=(3, 5),
            fixed="import torch\nimport torch.nn as nn\nfrom torch.nn.utils.rnn import pad_sequence\nx = pad_sequence([torch.tensor(row) for row in [[1, 2], [3]]], batch_first=True)\n",
        ),
        Bad(
            SAMPLES.format(sample="torch.ones(n + 2), n", pad="", collate="", given=""),
            at=(7, 1),
            fixed=SAMPLES.format(
                sample="torch.ones(n + 2), n",
                pad="from torch.nn.utils.rnn import pad_sequence\n",
                collate="\ndef collate(batch):\n    inputs, targets = zip(*batch)\n    return pad_sequence(inputs, batch_first=True), torch.tensor(targets)\n\n",
                given=", collate_fn=collate",
            ),
        ),
        Bad(PICTURES.format(""), at=(7, 1), fixed=PICTURES.format("transforms.Resize((32, 32)), ")),
    )

    def explains(self, crash: Crash) -> bool:
        return not crash.found or _tensor_around(crash) is not None

    def says(self, crash: Crash) -> str:
        return f"rows of different lengths do not make one tensor: {crash.failure.message.splitlines()[0]}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        pad = add_import(crash.code, "torch.nn.utils.rnn", "pad_sequence")
        call = crash.call
        name = ast.unparse(call.func).rpartition(".")[2] if call is not None else ""
        around = _tensor_around(crash)
        if call is not None and around is not None and len(call.args) == 1 and not call.keywords:
            text = f"pad_sequence([torch.tensor(row) for row in {crash.text(call.args[0])}], batch_first=True)"
            yield Offer("Pad the rows", joined(replace_expression(crash.code, around, text), pad))
            return
        if call is not None and name == "stack" and call.args and _of_batches(crash, call.args[0]):
            yield Offer("Join the batches one behind the other", rename_attribute(crash.code, call.func, "cat"))
            return
        if call is not None and name == "stack" and call.args:
            text = f"pad_sequence({crash.text(call.args[0])}, batch_first=True)"
            yield Offer("Pad the sequences", joined(replace_expression(crash.code, call, text), pad))
        elif call is not None and name in ("tensor", "FloatTensor", "LongTensor", "Tensor") and call.args:
            made = crash.text(call.func)
            text = f"pad_sequence([{made}(row) for row in {crash.text(call.args[0])}], batch_first=True)"
            yield Offer("Pad the rows", joined(replace_expression(crash.code, call, text), pad))
        if _of_pictures(crash):
            yield from _same_size(crash)
        for edits in collations(crash.code, lists="each element in list" in crash.failure.message):
            yield Offer("Pad the samples of a batch", edits)


def _of_pictures(crash: Crash) -> bool:
    """Whether the samples are maps with channels, `[3, 59, 45]`, which pad_sequence does not take."""
    return all(len(sides) == 3 for sides in _shapes(crash)) and bool(_shapes(crash))


def _shapes(crash: Crash) -> list[list[int]]:
    """The shapes that the message names."""
    return [[int(one) for one in re.findall(r"\d+", found)] for found in re.findall(r"\[([\d, ]+)\]", crash.failure.message)]


def _same_size(crash: Crash) -> Iterator[Offer]:
    """Pictures of one size: by the `Resize` that only knew one side, or by one of a customary size, the nearest to what is there first."""
    if edits := squared(crash.code):
        yield Offer("Resize both sides of the pictures", edits)
    longest = max(max(sides[1:]) for sides in _shapes(crash))
    for side in sorted(SIDES[1:], key=lambda one: abs(one - longest)):
        yield Offer("Resize the pictures to one size", resized(crash.code, side))


def _tensor_around(crash: Crash) -> ast.Call | None:
    """The call that makes a tensor of the array that NumPy could not make: `torch.from_numpy(np.array(rows))`."""
    call = crash.call
    around = crash.code.parents.get(call) if call is not None and called(call) in ("array", "asarray") else None
    makes = isinstance(around, ast.Call) and called(around) in ("from_numpy", "tensor", "as_tensor") and len(around.args) == 1
    return around if isinstance(around, ast.Call) and makes and not around.keywords else None


def _of_batches(crash: Crash, node: ast.expr) -> bool:
    """Whether a list was filled batch by batch, `outs.append(model(x))` in a loop over a loader: the last one is smaller, no sequence shorter."""
    for call in crash.code.calls("append") if isinstance(node, ast.Name) else ():
        loop = next((up for up in crash.code.ancestors(call) if isinstance(up, ast.For)), None)
        if loop is not None and isinstance(call.func, ast.Attribute) and crash.text(call.func.value) == crash.text(node):
            source = crash.text(loop.iter)
            return "loader" in source.lower() or any(called(one) in ("split", "chunk") for one in crash.code.all(ast.Call, loop.iter))
    return False

"""A layer that multiplies is given integers: token ids, or an image of bytes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import insert_statement_before, joined, replace_expression, wrap_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import operand, passed, value_offers
from snipfix.rules.widths import argument_of


class IntegersIntoLayer(CrashRule):
    """A layer that multiplies is given integers: token ids, or an image of bytes.

    ## What it does
    Explains linear, convolutional and recurrent layers on integer input. Ids of shape (batch, length) into a recurrent layer lack an embedding.

    ## Why is this bad?
    The program stops. An id is a number without size or order: it has to be looked up in a table of vectors before a layer can compute with it. Bytes have to be scaled.

    ## Example
    ```python
    rnn = nn.LSTM(100, 8, batch_first=True)
    rnn(torch.randint(0, 100, (2, 5)))
    ```

    ## Use instead
    ```python
    embedding = nn.Embedding(100, 8)
    rnn = nn.LSTM(8, 8, batch_first=True)
    rnn(embedding(torch.randint(0, 100, (2, 5))))
    ```

    ## Fix safety
    The embedding is as wide as the layer behind it, which keeps every name and width in the model. Converting integers to floating-point numbers keeps their values.

    ## References
    - torch.nn.Embedding
    """

    id = "SNF245"
    name = "integers-into-layer"
    category = Category.DTYPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError", "ValueError")
    MESSAGES = (
        r"must have the same dtype, but got (?:Long|Int|Byte|Short|Char|Bool|unsigned char)",
        r"expected scalar type (?:Float|Long|Byte) but found (?:Long|Float|Byte|Int)",
        r"Input type \((?:unsigned char|long|int|long int|bool|torch\.LongTensor|torch\.ByteTensor)[^)]*\) and",
        r"(?:RNN )?input dtype \(torch\.(?:int64|int32|uint8)\) does not match weight dtype",
        r"input must have \d+ dimensions, got \d+",
        r"get_mkldnn_dtype: unsupported data type",
        r"expected m1 and m2 to have the same dtype, but got: (?:long|int)",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.Linear(3, 2)(torch.tensor([[1.0, 2.0, 3.0]]))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.LSTM(8, 4)(nn.Embedding(9, 8)(torch.zeros(5, 2).long()))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclass Tagger(nn.Module):\n    def __init__(self, vocab_size, hidden_dim):\n        super().__init__()\n        self.lstm = nn.LSTM(vocab_size, hidden_dim, batch_first=True)\n\n    def forward(self, input_ids):\n        return self.lstm(input_ids)\n\nTagger(20, 6)(torch.zeros(2, 5, dtype=torch.long))\n",
            at=(9, 16),
            fixed="import torch\nimport torch.nn as nn\nclass Tagger(nn.Module):\n    def __init__(self, vocab_size, hidden_dim):\n        super().__init__()\n        self.embedding = nn.Embedding(vocab_size, hidden_dim)\n        self.lstm = nn.LSTM(hidden_dim, hidden_dim, batch_first=True)\n\n    def forward(self, input_ids):\n        return self.lstm(self.embedding(input_ids))\n\nTagger(20, 6)(torch.zeros(2, 5, dtype=torch.long))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nh = torch.zeros(1, 2, 4).long()\nc = torch.zeros(1, 2, 4)\nout, _ = nn.LSTM(3, 4)(torch.ones(5, 2, 3), (h, c))\n",
            at=(5, 10),
            fixed="import torch\nimport torch.nn as nn\nh = torch.zeros(1, 2, 4).float()\nc = torch.zeros(1, 2, 4)\nout, _ = nn.LSTM(3, 4)(torch.ones(5, 2, 3), (h, c))\n",
        ),
        Bad(
            "import torch\na = torch.arange(6).reshape(2, 3)\ny = a @ torch.ones(3, 2)\n",
            at=(3, 5),
            fixed="import torch\na = torch.arange(6).reshape(2, 3).float()\ny = a @ torch.ones(3, 2)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nimage = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)\ny = nn.Conv2d(3, 4, 3)(image)\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nimage = torch.zeros(1, 3, 8, 8, dtype=torch.uint8).float() / 255\ny = nn.Conv2d(3, 4, 3)(image)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return bool(crash.tensors) and (crash.tensors[0].dtype in INTEGERS or any(_integer_states(crash)))

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module else crash.operation.name
        given = crash.tensors[0]
        if given.dtype not in INTEGERS:
            return f"{layer} computes with floating-point numbers and is given a state of integers"
        if _takes_ids(crash):
            return f"{layer} is given token ids {shape_text(given.shape)} that no embedding has turned into vectors"
        return f"{layer} computes with floating-point numbers and is given {given.dtype}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if crash.tensors[0].dtype not in INTEGERS:
            yield from _float_states(crash)
            return
        node = passed(crash, 0, "input") or operand(crash, 0)
        if _takes_ids(crash):
            yield from embedded(crash, node)
        byte = crash.tensors[0].dtype == "uint8"
        if byte:
            yield from value_offers(crash, node, "{}.float() / 255", "Scale the bytes to numbers from 0 to 1")
        yield from value_offers(crash, node, "{}.float()", "Make the integers floating-point numbers")


INTEGERS = ("int64", "int32", "int16", "uint8", "int8", "bool")
RECURRENT = ("RNN", "GRU", "LSTM")


def _integer_states(crash: Crash) -> list[bool]:
    """For each part of a recurrent layer's state whether it holds integers."""
    state = crash.argument(1, "hx")
    if crash.module is None or crash.module.type not in RECURRENT or state is None:
        return []
    return [one.dtype in INTEGERS for one in (state.items or (state,))]


def _float_states(crash: Crash) -> Iterator[Offer]:
    """Each part of the state that holds integers, made floating-point numbers where it was born."""
    node = passed(crash, 1, "hx")
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    wrong = [part for part, integers in zip(parts, _integer_states(crash), strict=False) if integers]
    offers = [next(value_offers(crash, part, "{}.float()", ""), None) for part in wrong]
    edits = [offer.edits for offer in offers if offer is not None]
    if edits:
        yield Offer("Make the integers floating-point numbers", joined(*edits))


def _takes_ids(crash: Crash) -> bool:
    shape, module = crash.shape(0), crash.module
    return module is not None and module.type in RECURRENT and len(shape) == 2


def embedded(crash: Crash, node: ast.expr | None) -> Iterator[Offer]:
    """Give the class an embedding: its table has the width that was the recurrent layer's, its vectors have the layer's hidden size."""
    built = crash.constructor
    method = crash.function_of(built) if built is not None else None
    if built is None or node is None or not isinstance(method, ast.FunctionDef) or method.name != "__init__":
        return
    entries, width = argument_of(built, 0, "input_size"), argument_of(built, 1, "hidden_size")
    if entries is None or width is None:
        return
    maker = crash.text(built.func).rpartition(".")[0]
    table = f"{maker}.Embedding" if maker else "nn.Embedding"
    statement = crash.statement_of(built.lineno)
    if statement is None:
        return
    line = f"self.embedding = {table}({crash.text(entries)}, {crash.text(width)})"
    edits = [insert_statement_before(crash.code, statement.lineno, line), replace_expression(crash.code, entries, crash.text(width))]
    birth = crash.born(node) if isinstance(node, ast.Name) else None
    if birth is not None and isinstance(birth.value, ast.Name):
        # `embedded = input_ids` is where the author meant to look the ids up.
        used = wrap_expression(crash.code, birth.value, "self.embedding({})")
    else:
        used = wrap_expression(crash.code, node, "self.embedding({})")
    yield Offer("Look the ids up in an embedding", joined(*edits, used))

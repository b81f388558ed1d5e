"""A recurrent layer is fed vectors of another width than it was built for."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import passed, rejoined, value_offers
from snipfix.rules.widths import argument_of, width_offers


class RecurrentInputWidth(CrashRule):
    """A recurrent layer is fed vectors of another width than it was built for.

    ## What it does
    Explains RNN, GRU and LSTM calls whose input has not `input_size` features.

    ## Why is this bad?
    The program stops. Usually the width of the state was given for the width of the embedding, or single numbers per step lack their feature axis.

    ## Example
    ```python
    rnn = nn.LSTM(6, 6)
    rnn(torch.zeros(3, 2, 4))
    ```

    ## Use instead
    ```python
    rnn = nn.LSTM(4, 6)
    rnn(torch.zeros(3, 2, 4))
    ```

    ## Fix safety
    The new width is the one that was observed, written with the names in scope.

    ## References
    - torch.nn.LSTM: input_size
    """

    id = "SNF208"
    name = "recurrent-input-width"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"input\.size\(-1\) must be equal to input_size\. Expected (\d+), got (\d+)",
        r"mat1 and mat2 shapes cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.LSTM(4, 6)(torch.zeros(3, 2, 4))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.LSTM(1, 6)(torch.zeros(3, 2, 1))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, embed_dim, hidden_dim):\n        super().__init__()\n        self.embedding = nn.Embedding(9, embed_dim)\n        self.rnn = nn.LSTM(hidden_dim, hidden_dim)\n\n    def forward(self, ids):\n        return self.rnn(self.embedding(ids))\n\nNet(4, 6)(torch.zeros(3, 2, dtype=torch.long))\n",
            at=(10, 16),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, embed_dim, hidden_dim):\n        super().__init__()\n        self.embedding = nn.Embedding(9, embed_dim)\n        self.rnn = nn.LSTM(embed_dim, hidden_dim)\n\n    def forward(self, ids):\n        return self.rnn(self.embedding(ids))\n\nNet(4, 6)(torch.zeros(3, 2, dtype=torch.long))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nclass Decoder(nn.Module):\n    def __init__(self, emb, hidden):\n        super().__init__()\n        self.gru = nn.GRU(emb, hidden)\n\n    def forward(self, word, seen):\n        return self.gru(torch.cat([word, seen], dim=-1))\n\nDecoder(4, 8)(torch.zeros(1, 2, 4), torch.zeros(1, 2, 8))\n",
            at=(9, 16),
            fixed="import torch\nimport torch.nn as nn\nclass Decoder(nn.Module):\n    def __init__(self, emb, hidden):\n        super().__init__()\n        self.gru = nn.GRU(emb + hidden, hidden)\n\n    def forward(self, word, seen):\n        return self.gru(torch.cat([word, seen], dim=-1))\n\nDecoder(4, 8)(torch.zeros(1, 2, 4), torch.zeros(1, 2, 8))\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return "input_size" in crash.failure.message or (crash.module is not None and crash.module.type in ("RNN", "LSTM", "GRU"))

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module else "the recurrent layer"
        return f"{layer} takes vectors of {crash.found[0]}, its input {shape_text(crash.shape(0))} has {crash.found[1]}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        shape, wanted = crash.shape(0), int(crash.found[0])
        node = passed(crash, 0, "input")
        if wanted == 1 and len(shape) == 2:
            yield from value_offers(crash, node, "{}.unsqueeze(-1)", "Give every step a feature axis")
        if crash.constructor is not None:
            yield from width_offers(crash, argument_of(crash.constructor, 0, "input_size"), int(crash.found[1]), what="input width")
        if wanted in shape[:-1] and len(shape) == 3:
            yield from value_offers(
                crash, node, f"{{}}.transpose({shape.index(wanted)}, 2)", "Move the features to the last axis", here=True
            )
        yield from rejoined(crash)

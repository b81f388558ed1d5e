"""A transformer is given sequences of the wrong width, or with batch and length in the wrong order."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, joined, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword
from snipfix.rules.widths import argument_of, width_offers


class TransformerInputMismatch(CrashRule):
    """A transformer is given sequences of the wrong width, or with batch and length in the wrong order.

    ## What it does
    Explains transformer and attention layers that refuse the width of their input, or source and target of different batch sizes.

    ## Why is this bad?
    The program stops. `d_model` is the width of the embedding, and without `batch_first=True` the first axis is the length.

    ## Example
    ```python
    net = nn.Transformer(8, 2, 1, 1, 16)
    net(torch.zeros(2, 5, 8), torch.zeros(2, 4, 8))
    ```

    ## Use instead
    ```python
    net = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    net(torch.zeros(2, 5, 8), torch.zeros(2, 4, 8))
    ```

    ## Fix safety
    `batch_first` is offered when source and target agree in their first axis; the width is the one that was observed.

    ## References
    - torch.nn.Transformer
    """

    id = "SNF219"
    name = "transformer-input-mismatch"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError", "AssertionError")
    MESSAGES = (
        r"the batch number of src and tgt must be equal",
        r"the feature number of src and tgt must be equal to d_model",
        r"was expecting embedding dimension of \d+, but got \d+",
    )
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nnn.Transformer(8, 2, 1, 1, 16, batch_first=True)(torch.zeros(2, 5, 8), torch.zeros(2, 4, 8))\n"
        ),
        Good(
            "import torch\nimport torch.nn as nn\nnn.MultiheadAttention(8, 2)(torch.zeros(2, 5, 8), torch.zeros(2, 5, 8), torch.zeros(2, 5, 8))\n"
        ),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Transformer(8, 2, 1, 1, 16)\ny = net(torch.zeros(2, 5, 8), torch.zeros(2, 4, 8))\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)\ny = net(torch.zeros(2, 5, 8), torch.zeros(2, 4, 8))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nwidth = 6\nattention = nn.MultiheadAttention(8, 2)\nx = torch.zeros(5, 2, width)\ny, w = attention(x, x, x)\n",
            at=(6, 8),
            fixed="import torch\nimport torch.nn as nn\nwidth = 6\nattention = nn.MultiheadAttention(width, 2)\nx = torch.zeros(5, 2, width)\ny, w = attention(x, x, x)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        layer = crash.module.path if crash.module else "the transformer"
        return f"{layer} refuses its input: {crash.failure.message.splitlines()[0]}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        shapes = [value.shape for value in crash.tensors if value.shape]
        makers = [node for node in crash.code.all(ast.Call) if ast.unparse(node.func).rpartition(".")[2] in MAKERS]
        if len(shapes) > 1 and shapes[0][0] == shapes[1][0] and "batch" in crash.failure.message:
            for call in makers:
                if keyword(call, "batch_first") is None:
                    yield Offer("Say that the batch comes first", add_keyword(crash.code, call, "batch_first", "True"))
        if shapes and "batch" not in crash.failure.message:
            yield from _embedded_as_wide(crash, shapes[0][-1], makers)
        for call in makers:
            given = argument_of(call, 0, "d_model", "embed_dim")
            if given is not None and shapes and "batch" not in crash.failure.message:
                yield from width_offers(crash, given, shapes[0][-1])


def _embedded_as_wide(crash: Crash, width: int, makers: list[ast.Call]) -> Iterator[Offer]:
    """Embeddings of another written width than the model's, where a layer behind the model takes the model's: the embeddings are wrong."""
    code = crash.code
    wanted = argument_of(makers[0], 0, "d_model", "embed_dim") if len(makers) == 1 else None
    others = [one for call in code.calls("Linear", "LayerNorm") if (one := argument_of(call, 0, "in_features", "normalized_shape"))]
    if wanted is None or code.slice(wanted) not in {code.slice(one) for one in others}:
        return
    built = {
        call.module.built for call in (crash.context.outcome.calls if crash.context.outcome else ()) if call.module.type == "Embedding"
    }
    sizes = [argument_of(node, 1, "embedding_dim") for span in built if span and isinstance(node := code.node_at(span, ast.Call), ast.Call)]
    wrong = [one for one in sizes if one is not None and ast.unparse(one) == str(width)]
    if wrong:
        edits = joined(*(replace_expression(code, one, code.slice(wanted)) for one in wrong))
        yield Offer("Embed in vectors as wide as the model", edits)


MAKERS = ("Transformer", "TransformerEncoderLayer", "TransformerDecoderLayer", "MultiheadAttention")

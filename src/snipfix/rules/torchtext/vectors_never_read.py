"""Word vectors that torchtext loads and no layer ever gets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Category, Finding, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.torchtext.wiring import fields

CODE = (
    "import torch.nn as nn\nfrom torchtext.data import Field, TabularDataset\nTEXT = Field()\ntrain = TabularDataset('a.tsv', 'tsv', [('text', TEXT)])\n"
    "TEXT.build_vocab(train, vectors='glove.6B.100d')\nembedding = nn.Embedding(len(TEXT.vocab), 100)\n"
)


class VectorsNeverRead(Rule):
    """A vocabulary is built with word vectors, and no embedding gets them.

    ## What it does
    Reports `build_vocab(..., vectors=...)` in a text with an `nn.Embedding` that never reads `.vectors`.

    ## Why is this bad?
    Hundreds of megabytes are loaded for nothing: the embedding starts from random numbers, and the reader believes that it does not.

    ## Example
    ```python
    TEXT.build_vocab(train, vectors="glove.6B.100d")
    embedding = nn.Embedding(len(TEXT.vocab), 100)
    ```

    ## Use instead
    ```python
    TEXT.build_vocab(train, vectors="glove.6B.100d")
    embedding = nn.Embedding.from_pretrained(TEXT.vocab.vectors, freeze=False)
    ```

    ## Fix safety
    No fix of its own: torchtext cannot be imported beside a current torch, and its pipeline is rewritten as a whole.

    ## References
    - torch.nn.Embedding.from_pretrained.
    """

    id = "SNF185"
    name = "vectors-never-read"
    category = Category.API_MISUSE
    severity = Severity.WARNING
    GOOD = (
        Good(CODE + "embedding.weight.data.copy_(TEXT.vocab.vectors)\n", runs=False),
        Good(CODE.replace(", vectors='glove.6B.100d'", ""), runs=False),
        Good(CODE.replace("embedding = nn.Embedding(len(TEXT.vocab), 100)\n", "save(TEXT)\n"), runs=False),
    )
    BAD = (Bad(CODE, at=(5, 1), runs=False),)

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("Embedding") or any(one.attr == "vectors" for one in code.all(ast.Attribute)):
            return
        made = fields(context)
        for call in code.calls("build_vocab"):
            owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
            given = next((word.value for word in call.keywords if word.arg == "vectors"), None)
            if owner in made and given is not None and not (isinstance(given, ast.Constant) and given.value is None):
                yield self.finding(
                    "these word vectors are loaded and never read: the embedding starts from random numbers", code.span(call)
                )

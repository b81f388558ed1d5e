"""Words of one torchtext field counted with the vocabulary of another."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Category, Finding
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.torchtext.wiring import batch_value, columns, fields, is_sequential

CODE = (
    "import torch.nn as nn\nfrom torchtext.data import BucketIterator, Field\nfrom torchtext.datasets import Multi30k\nSRC = Field()\nTRG = Field()\n"
    "train, valid, test = Multi30k.splits(exts=('.de', '.en'), fields=(SRC, TRG))\nSRC.build_vocab(train)\nTRG.build_vocab(train)\n"
    "model = Translator(len(SRC.vocab), {})\nfor batch in BucketIterator(train, batch_size=8):\n    model(batch.src, batch.trg)\n"
)


class UncountedVocabulary(Rule):
    """The words of one field are numbered by a vocabulary whose size no layer knows.

    ## What it does
    Reports a text whose model is fed the values of two fields, each with a vocabulary of its own, and that reads the size of one of these
    vocabularies only.

    ## Why is this bad?
    The embedding and the scores of the second language have as many rows as the first language has words. Where it has more, the run stops
    with an index out of range; where it has fewer, the model predicts words that do not exist.

    ## Example
    ```python
    vocab_size = len(SRC.vocab)
    model = Translator(vocab_size)
    ```

    ## Use instead
    ```python
    model = Translator(len(SRC.vocab), len(TRG.vocab))
    ```

    ## Fix safety
    No fix: the model needs a second size.

    ## References
    - torchtext 0.6, `Field.build_vocab`: "Construct the Vocab object for this field from one or more datasets."
    """

    id = "SNF184"
    name = "uncounted-vocabulary"
    category = Category.API_MISUSE
    GOOD = (
        Good(CODE.format("len(TRG.vocab)"), runs=False),
        Good(CODE.format("9").replace("TRG.build_vocab(train)", "TRG.vocab = SRC.vocab"), runs=False),
        Good(CODE.format("9").replace("fields=(SRC, TRG)", "fields=(SRC, SRC)").replace("TRG.build", "SRC.build"), runs=False),
    )
    BAD = (Bad(CODE.format("8"), at=(9, 20), runs=False),)

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        made = {name: call for name, call in fields(context).items() if is_sequential(context, call)}
        if not made:
            return
        counted = [
            one for one in code.all(ast.Attribute) if one.attr == "vocab" and isinstance(one.value, ast.Name) and one.value.id in made
        ]
        known = {one.value.id for one in counted if isinstance(one.value, ast.Name)}
        own = {
            call.func.value.id
            for call in code.calls("build_vocab")
            if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
        }
        filled, told = columns(context) if known else {}, set[str]()
        for call in code.all(ast.Call) if filled else ():
            fed = {filled.get(batch_value(context, one), "") for one in call.args}
            for field in sorted(fed & own & set(made) - known - told):
                other = next((one for one in counted if isinstance(one.value, ast.Name) and one.value.id in fed), None)
                if other is not None:
                    told.add(field)
                    up = code.parents.get(other)
                    message = f"the words of `{field}` have a vocabulary of their own, whose size is never read: the model knows that of `{ast.unparse(other.value)}` only"
                    yield self.finding(message, code.span(up if isinstance(up, ast.Call) else other))

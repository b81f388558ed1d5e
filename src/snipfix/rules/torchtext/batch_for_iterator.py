"""torchtext's Batch where an iterator is meant."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Category, Finding
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.torchtext.wiring import torchtext_calls


class BatchForIterator(Rule):
    """`Batch` holds one batch; the text takes it for what makes batches.

    ## What it does
    Reports a torchtext `Batch` that is given a batch size.

    ## Why is this bad?
    `Batch` takes the examples of one batch and knows no size: it stops with an unexpected argument. `Iterator` and `BucketIterator` cut a
    data set into batches.

    ## Example
    ```python
    for batch in Batch(train_data, batch_size=64):
        ...
    ```

    ## Use instead
    ```python
    for batch in BucketIterator(train_data, batch_size=64):
        ...
    ```

    ## Fix safety
    No fix of its own: torchtext cannot be imported beside a current torch, and its pipeline is rewritten as a whole.

    ## References
    - torchtext 0.6, data/batch.py: `Batch(data=None, dataset=None, device=None)`.
    """

    id = "SNF182"
    name = "batch-for-iterator"
    category = Category.API_MISUSE
    GOOD = (
        Good("from torchtext.data import Batch\ndef collate(rows, data):\n    return Batch(rows, data)\n", runs=False),
        Good("from torchtext.data import BucketIterator\ndef batches(data):\n    return BucketIterator(data, batch_size=64)\n", runs=False),
    )
    BAD = (
        Bad("from torchtext.data import Batch\ndef train(data):\n    for batch in Batch(data, batch_size=64):\n        print(batch.text)\n", at=(3, 18), runs=False),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for call in torchtext_calls(context, "Batch"):
            sized = any(word.arg == "batch_size" for word in call.keywords)
            if sized and not any(isinstance(one, ast.Starred) for one in call.args):
                message = "`Batch` holds the examples of one batch and takes no batch size: an `Iterator` cuts a data set into batches"
                yield self.finding(message, context.code.span(call))

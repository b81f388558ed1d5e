"""torchtext's BucketIterator without a key to sort by."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Category, Finding
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.torchtext.wiring import torchtext_calls

CODE = (
    "from torchtext.data import BucketIterator, Field, TabularDataset\nTEXT = Field()\n"
    "train = TabularDataset('a.tsv', 'tsv', [('text', TEXT)])\nTEXT.build_vocab(train)\nbatches = BucketIterator(train, {})\n"
)


class ExamplesWithoutOrder(Rule):
    """`BucketIterator` sorts its examples by length, and nobody tells it how long one is.

    ## What it does
    Reports a `BucketIterator` over a table, or a plain `Dataset`, without a `sort_key`, in a text that sets none anywhere.

    ## Why is this bad?
    The examples of a table know no order: the first batch stops with `'<' not supported between instances of 'Example' and 'Example'`. Data
    sets such as `IMDB` and `Multi30k` bring a key of their own, tables do not.

    ## Example
    ```python
    batches = BucketIterator(train, batch_size=64)
    ```

    ## Use instead
    ```python
    batches = BucketIterator(train, batch_size=64, sort_key=lambda row: len(row.text))
    ```

    ## Fix safety
    No fix of its own: torchtext cannot be imported beside a current torch, and its pipeline is rewritten as a whole.

    ## References
    - torchtext 0.6, data/iterator.py: `pool` sorts by `sort_key`, which is the data set's own where none is given.
    """

    id = "SNF181"
    name = "examples-without-order"
    category = Category.API_MISUSE
    GOOD = (
        Good(CODE.format("8, sort_key=lambda row: len(row.text)"), runs=False),
        Good(CODE.format("8").replace("BucketIterator", "Iterator"), runs=False),
        Good(
            "from torchtext.data import BucketIterator, Field\nfrom torchtext.datasets import IMDB\nTEXT, LABEL = Field(), Field(sequential=False)\n"
            "train, test = IMDB.splits(TEXT, LABEL)\nbatches = BucketIterator(train, 8)\n",
            runs=False,
        ),
    )
    BAD = (Bad(CODE.format("8"), at=(5, 11), runs=False),)

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        tables = set(_tables(context))
        if not tables:
            return
        if any(one.attr == "sort_key" for one in code.all(ast.Attribute)) or "sort_key" in {one.arg for one in code.all(ast.keyword)}:
            return
        for call in torchtext_calls(context, "BucketIterator", "BucketIterator.splits"):
            given = call.args[0] if call.args else None
            names = {one.id for one in ast.walk(given) if isinstance(one, ast.Name)} if given is not None else set()
            if names and names <= tables and all(word.arg for word in call.keywords):
                message = "`BucketIterator` sorts by length, but neither it nor the table that it reads has a `sort_key`"
                yield self.finding(message, code.span(call))


def _tables(context: Context) -> Iterator[str]:
    """The names of data sets that are tables."""
    for call in torchtext_calls(context, "TabularDataset", "TabularDataset.splits", "Dataset"):
        one = context.code.parents[call]
        if isinstance(one, ast.Assign):
            yield from (part.id for target in one.targets for part in ast.walk(target) if isinstance(part, ast.Name))

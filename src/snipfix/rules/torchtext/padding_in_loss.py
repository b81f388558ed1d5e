"""A loss over the padded words of a torchtext batch that counts the padding."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Category, Finding, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.torchtext.wiring import batch_value, columns, fields, is_sequential
from snipfix.rules.written import built, losses

CODE = (
    "import torch.nn as nn\nfrom torchtext.data import BucketIterator, Field\nfrom torchtext.datasets import Multi30k\nSRC = Field()\nTRG = Field()\n"
    "train, valid, test = Multi30k.splits(exts=('.de', '.en'), fields=(SRC, TRG))\ncriterion = nn.CrossEntropyLoss({})\n"
    "for batch in BucketIterator(train, batch_size=8):\n    loss = criterion(model(batch.src, batch.trg[:-1]).flatten(0, 1), batch.trg[1:].view(-1))\n"
)


class PaddingInLoss(Rule):
    """The words to predict are padded, and the loss counts the padding.

    ## What it does
    Reports a cross-entropy whose target is a padded text of a torchtext batch and that is told no `ignore_index`, nor to leave the mean to
    the author.

    ## Why is this bad?
    Most of what short sentences teach is to predict padding after padding. The loss looks small and says little about words.

    ## Example
    ```python
    criterion = nn.CrossEntropyLoss()
    ```

    ## Use instead
    ```python
    criterion = nn.CrossEntropyLoss(ignore_index=TRG.vocab.stoi[TRG.pad_token])
    ```

    ## Fix safety
    No fix of its own: torchtext cannot be imported beside a current torch, and its pipeline is rewritten as a whole.

    ## References
    - torch.nn.CrossEntropyLoss: `ignore_index`.
    """

    id = "SNF186"
    name = "padding-in-loss"
    category = Category.LOSS
    severity = Severity.WARNING
    GOOD = (
        Good(CODE.format("ignore_index=1"), runs=False),
        Good(CODE.format("reduction='none'"), runs=False),
        Good(CODE.format("").replace("batch.trg[1:].view(-1)", "batch.label"), runs=False),
    )
    BAD = (Bad(CODE.format(""), at=(7, 13), runs=False),)

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        made = {name for name, call in fields(context).items() if is_sequential(context, call)}
        filled = columns(context) if made else {}
        told: set[ast.Call] = set()
        for loss in losses(code, frozenset({"CrossEntropyLoss", "NLLLoss"}), frozenset({"cross_entropy", "nll_loss"})) if filled else ():
            judge = built(code, ast.unparse(loss.func)) or (loss.func if isinstance(loss.func, ast.Call) else loss)
            field = filled.get(batch_value(context, loss.args[1]), "")
            words = {word.arg for one in (loss, judge) for word in one.keywords}
            if field in made and judge not in told and not words & {"ignore_index", "reduction", "weight", None}:
                told.add(judge)
                message = f"the texts of `{field}` are padded, and this loss counts the padding as words to predict"
                yield self.finding(message, code.span(judge))

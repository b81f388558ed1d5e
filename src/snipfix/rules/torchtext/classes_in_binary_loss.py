"""Numbers of several classes, as torchtext gives them, in a loss for yes and no."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Category, Finding
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.torchtext.wiring import batch_value, columns, field_option, fields, is_false, is_sequential
from snipfix.rules.written import bare, built, losses, value_of

CODE = (
    "import torch.nn as nn\nfrom torchtext.data import Field, Iterator, TabularDataset\nTEXT = Field()\nLABEL = Field(sequential=False)\n"
    "train = TabularDataset('a.tsv', 'tsv', [('text', TEXT), ('label', LABEL)])\nTEXT.build_vocab(train)\nLABEL.build_vocab(train)\n"
    "model = nn.Sequential(nn.EmbeddingBag(len(TEXT.vocab), 8), nn.Linear(8, {}))\ncriterion = nn.{}()\n"
    "for batch in Iterator(train, batch_size=8):\n    loss = criterion(model(batch.text.t()), batch.label)\n"
)


class ClassesInBinaryLoss(Rule):
    """A model scores each class of a torchtext field, and its loss is one for yes and no.

    ## What it does
    Reports a binary cross-entropy whose target is the number of a class, in a text whose model is built with the size of the vocabulary of
    these classes.

    ## Why is this bad?
    The predictions have a column for each class, the targets are one number a sample: the shapes do not fit, and a class of number 2 is no
    probability.

    ## Example
    ```python
    model = Classifier(output_dim=len(LABEL.vocab))
    criterion = nn.BCEWithLogitsLoss()
    ```

    ## Use instead
    ```python
    model = Classifier(output_dim=len(LABEL.vocab))
    criterion = nn.CrossEntropyLoss()
    ```

    ## Fix safety
    No fix of its own: torchtext cannot be imported beside a current torch, and what fails behind its rewriting is mended there.

    ## References
    - torch.nn.CrossEntropyLoss: "useful when training a classification problem with C classes".
    """

    id = "SNF187"
    name = "classes-in-binary-loss"
    category = Category.LOSS
    GOOD = (
        Good(CODE.format("len(LABEL.vocab)", "CrossEntropyLoss"), runs=False),
        Good(CODE.format("1", "BCEWithLogitsLoss"), runs=False),
        Good(
            CODE.format("len(LABEL.vocab)", "BCEWithLogitsLoss").replace(
                "batch.label)", "nn.functional.one_hot(batch.label, len(LABEL.vocab)).float())"
            ),
            runs=False,
        ),
    )
    BAD = (Bad(CODE.format("len(LABEL.vocab)", "BCEWithLogitsLoss"), at=(11, 12), runs=False),)

    def static(self, context: Context) -> Iterator[Finding]:
        code, made = context.code, fields(context)
        binary = frozenset({"BCEWithLogitsLoss", "BCELoss"})
        functions = frozenset({"binary_cross_entropy_with_logits", "binary_cross_entropy"})
        filled = columns(context) if made else {}
        for loss in losses(code, binary, functions) if filled else ():
            field = filled.get(batch_value(context, loss.args[1]), "")
            numbered = field in made and not is_sequential(context, made[field]) and not is_false(field_option(made[field], "use_vocab"))
            if numbered and self._scores_each(context, loss.args[0], field):
                message = f"the model gives a score for each class of `{field}`, and this loss is for yes and no: classes by number take a cross-entropy"
                yield self.finding(message, code.span(loss))

    def _scores_each(self, context: Context, scores: ast.expr, field: str) -> bool:
        """Whether the scores come as they are from a model that is built with the number of classes."""
        scores = bare(scores)
        given = value_of(context.code, scores) if isinstance(scores, ast.Name) else (scores, None)
        call = bare(given[0]) if given is not None and given[1] is None else None
        maker = built(context.code, ast.unparse(call.func)) if isinstance(call, ast.Call) else None
        parts = list(ast.walk(maker)) if maker is not None else []
        named = {value[0] for one in parts if isinstance(one, ast.Name) and (value := _constant(context, one)) is not None}
        return any(ast.unparse(one) == f"len({field}.vocab)" for one in (*parts, *named) if isinstance(one, ast.Call))


def _constant(context: Context, name: ast.Name) -> tuple[ast.expr, int | None] | None:
    """What a name is bound to, where it is bound once."""
    return value_of(context.code, name) if len(context.code.assigned.get(name.id, ())) == 1 else None

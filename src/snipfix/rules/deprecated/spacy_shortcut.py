"""Pipelines of spaCy by the language alone: `spacy.load("en")`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import expressions
from snipfix.model import Applicability, Category, Finding, Fix, Meaning
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.torchtext.pieces import SPACY


class SpacyShortcut(Rule):
    """A pipeline of spaCy is loaded by a shortcut for its language, which spaCy 3 does not know.

    ## What it does
    Reports `spacy.load("en")` and its kin for the languages that had such a shortcut.

    ## Why is this bad?
    Shortcuts were links made by `spacy download en`. spaCy 3.0 removed them: loading fails with E941, "Can't find model 'en'".

    ## Example
    ```python
    nlp = spacy.load("en")
    ```

    ## Use instead
    ```python
    nlp = spacy.load("en_core_web_sm")
    ```

    ## Fix safety
    Safe: the name of the pipeline that the shortcut stood for.

    ## References
    - spaCy, "What's New in v3.0", removed and deprecated: `spacy link` and shortcut links.
    """

    id = "SNF142"
    name = "spacy-shortcut"
    category = Category.DEPRECATED
    applicability = Applicability.SAFE
    GOOD = (
        Good('import spacy\n\nnlp = spacy.load("en_core_web_sm")', runs=False),
        Good('def load(name):\n    return name\n\nprint(load("en"))'),
    )
    BAD = (
        Bad(
            'import spacy\n\nnlp = spacy.load("de")  # 德语\n',
            at=(3, 18),
            fixed='import spacy\n\nnlp = spacy.load("de_core_news_sm")  # 德语\n',
            runs=False,
        ),
        Bad(
            "from spacy import load\n\nnlp = load('en')\n",
            at=(3, 12),
            fixed="from spacy import load\n\nnlp = load('en_core_web_sm')\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for call, name in context.scopes.calls:
            given = call.args[0] if name == "spacy.load" and call.args else None
            if isinstance(given, ast.Constant) and given.value in SPACY:
                message = f"`{given.value!s}` is a shortcut that spaCy 3 does not know: the pipeline is `{SPACY[given.value]}`"
                yield self.finding(message, context.code.span(given), evidence={"pipeline": SPACY[given.value]})

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        node = context.code.node_at(finding.span, ast.Constant)
        if node is not None and isinstance(pipeline := finding.evidence.get("pipeline"), str):
            quote = context.code.slice(node)[-1]
            edits = expressions.replace_expression(context.code, node, f"{quote}{pipeline}{quote}")
            yield self.fix("Name the pipeline", *edits, meaning=Meaning.KEEPS)

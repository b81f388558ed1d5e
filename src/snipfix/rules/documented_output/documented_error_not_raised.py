"""An error that the document shows on purpose and that does not come."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule

CARDS = re.compile(r"\b(?:cuda|mps|xpu)\b")
"""What fails on a card may well pass without one."""
SILENT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
"""Statements that only define."""


class DocumentedErrorNotRaised(Rule):
    """The document says that the code raises an error, and it does not.

    ## What it does
    Runs the blocks whose error the document shows on purpose (a traceback below them, the words above them, a comment on their last line, a mark) and
    reports one that ends well, also when what it defines is called. Left alone: code that catches errors itself, that speaks of a card,
    or for which something stood in.

    ## Why is this bad?
    The reader is warned of something that does not happen: the library has changed since, or the example never showed what it is meant to.

    ## Example
    ```python
    x = torch.ones(2, 3)
    x + torch.ones(3)  # RuntimeError: the shapes do not match
    ```

    ## Use instead
    Show an error that is raised, or take the claim out: `(2, 3)` and `(3)` are broadcast.

    ## Fix safety
    No fix: whether the code or the words are wrong is for the author to say.

    ## References
    - docs/documents.md, marks.
    """

    id = "SNF493"
    name = "documented-error-not-raised"
    category = Category.DOCUMENTED_OUTPUT
    severity = Severity.WARNING
    GOOD = (
        Good("import torch\nx = torch.ones(2, 3)\nprint(x + torch.ones(3))\n"),
        Good(
            "import torch\n\ntry:\n    torch.ones(2) + torch.ones(3)\nexcept RuntimeError as error:\n    print(error)\n", expect_error=True
        ),
        Good("import torch\n\n\ndef halved(x):\n    return x / 2\n", expect_error=True),
    )
    BAD = (
        Bad("import torch\nx = torch.ones(2, 3)\nx + torch.ones(3)\n", at=(3, 1), expect_error=True),
        Bad("x = [1]\nfor one in x:\n    print(one)\n", at=(2, 1), expect_error=True),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        if not context.snippet.expect_error or outcome.kind != "ok" or outcome.failures or outcome.quick or outcome.stand_ins:
            return
        code, blocks = context.code, (context.snippet, *context.snippet.before)
        caught = bool(code.all(ast.Try)) or bool(code.all(ast.With))
        if caught or any(CARDS.search(one.code) for one in blocks):
            return
        last = code.tree.body[-1] if code.tree.body else None
        if last is not None and not all(isinstance(one, SILENT) for one in code.tree.body):
            yield self.finding("it does not raise, though the document says that it does", code.span(last), stage=Stage.RUN)

"""A syntax error that no other rule explains."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.model import Applicability, Category, Finding, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.syntax.diagnosis import diagnose


class InvalidSyntax(Rule):
    """The text is not Python, and no other rule says why.

    ## What it does
    Reports what the parser says, at the place the parser names, when none of the known kinds of syntax error explains it.

    ## Why is this bad?
    Not a single line of a text that does not parse can run.

    ## Example
    ```python
    x = 1 +
    ```

    ## Use instead
    Complete the statement.

    ## Fix safety
    There is no fix.

    ## References
    - Python reference, 10 "Full grammar specification".
    """

    id = "SNF049"
    name = "invalid-syntax"
    category = Category.SYNTAX
    applicability = Applicability.DISPLAY_ONLY
    GOOD = (Good("x = 1 + \\\n    2"), Good("x: int"))
    BAD = (Bad("x = 1 +\n", at=(1, 8)), Bad("a = 1\nlambda = 3\n", at=(2, 8)))

    def on_syntax(self, context: Context, error: SyntaxError) -> Iterator[Finding]:
        for fault in diagnose(context):
            if fault.rule is None:
                yield self.finding(fault.message, fault.span, stage=Stage.PARSE)

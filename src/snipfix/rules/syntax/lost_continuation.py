"""A statement over two lines that nothing joins."""

from __future__ import annotations

import re
from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule
from snipfix.rules.syntax.scan import OPEN_ENDED

OPENS = re.compile(r"\s*(?:\.[A-Za-z_]|(?:\+|-|\*|/|@|%|==|and\b|or\b)\s)")
"""How a line begins that goes on with the one above."""


class LostContinuation(SyntaxRule):
    """A statement goes on in the next line, and neither a bracket nor a backslash says so.

    ## What it does
    Reports the end of a line that breaks off behind an operator, or before a line that begins with `.method(` or an operator.

    ## Why is this bad?
    The text does not parse: outside brackets a statement ends with its line.

    ## Example
    ```python
    total = 1 +
        2
    ```

    ## Use instead
    ```python
    total = 1 + \\
        2
    ```

    ## Fix safety
    Safe: the lines are joined as they stand.

    ## References
    - Python reference, 2.1.5 "Explicit line joining".
    """

    id = "SNF492"
    name = "lost-continuation"
    applicability = Applicability.SAFE
    GOOD = (Good("x = (1 +\n     2)\ny = 'a' \\\n    .upper()"), Good("x = 1\n-x\n+x"))
    BAD = (
        Bad("x = 1 +\n    2\nprint(x)\n", at=(1, 8), fixed="x = 1 + \\\n    2\nprint(x)\n"),
        Bad("x = 'a'\n    .upper()\n    .lower()\n", at=(1, 8), fixed="x = 'a' \\\n    .upper() \\\n    .lower()\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        edits: list[Edit] = []
        for line in range(1, len(broken.lines)):
            tokens, below = broken.tokens(line), broken.tokens(line + 1)
            deeper = len(broken.indent(line + 1)) > len(broken.indent(line)) or (edits and edits[-1].start == broken.end(line - 1))
            if not tokens or not below or tokens[-1].depth or below[0].depth or not deeper or tokens[-1].end != broken.end(line):
                continue
            breaks_off = (
                tokens[-1].kind == "other" and tokens[-1].text.endswith(OPEN_ENDED) and tokens[-1].text not in {"\\", "(", "[", "{", ","}
            )
            if breaks_off or (OPENS.match(broken.lines[line]) and tokens[-1].text not in {":", "\\"}):
                edits.append(Edit(broken.end(line), broken.end(line), " \\"))
        if edits:
            yield Mend("Join the lines", tuple(edits), edits[0].start, "the statement goes on in the next line, and nothing joins the two")

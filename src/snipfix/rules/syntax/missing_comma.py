"""Two items of a list or call without a comma between them."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from itertools import pairwise

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule
from snipfix.rules.syntax.scan import Token

AFTER = frozenset({")", "]", "}"})
BEFORE = frozenset({"(", "[", "{", "*", "**", "-"})


class MissingComma(SyntaxRule):
    """Two items follow each other inside brackets, or two names after `for`, without a comma.

    ## What it does
    Reports the place where the comma is missing.

    ## Why is this bad?
    The text does not parse.

    ## Example
    ```python
    sizes = [3 4]
    ```

    ## Use instead
    ```python
    sizes = [3, 4]
    ```

    ## Fix safety
    An operator may be missing instead, so the result has to be confirmed by running.

    ## References
    - Python reference, 6.3.4 "Calls".
    """

    id = "SNF010"
    name = "missing-comma"
    applicability = Applicability.UNSAFE
    GOOD = (Good("x = ['a' 'b', 1 if True else 2, not True]"), Good("print(*[1], -1, lambda: 0)"))
    BAD = (
        Bad("x = max(3, 4 5)\nprint(x)\n", at=(1, 13), fixed="x = max(3, 4, 5)\nprint(x)\n"),
        Bad("x = [\n    abs(1)  # one\n    abs(2),\n]\n", at=(2, 11), fixed="x = [\n    abs(1),  # one\n    abs(2),\n]\n"),
        Bad("for a b in [(1, 2)]:\n    print(a, b)\n", at=(1, 6), fixed="for a, b in [(1, 2)]:\n    print(a, b)\n"),
        Bad("x = dict(a=1 b=2)\n", at=(1, 13), fixed="x = dict(a=1, b=2)\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        if broken.message.startswith("positional argument follows"):  # a comma more only moves it
            return
        near = [token for token in broken.scan.code if abs(broken.line_of(token.start) - broken.line) <= 3]
        targets = _targets(broken)
        pairs = [(one, two) for one, two in pairwise(near) if (two.depth or one in targets) and _ends(one) and _begins(two)]
        pairs.sort(key=lambda pair: abs(pair[0].end - broken.place))
        for one, _ in pairs:
            yield Mend("Add the comma", (Edit(one.end, one.end, ","),), one.end, "a comma is missing between two items")


def _targets(broken: Broken) -> list[Token]:
    """The names between the `for` and the `in` of the line that the parser stops at."""
    tokens = broken.tokens(broken.line)
    texts = [token.text for token in tokens]
    return tokens[texts.index("for") + 1 : texts.index("in")] if "for" in texts and "in" in texts[texts.index("for") :] else []


def _ends(token: Token) -> bool:
    word = token.kind in {"name", "number", "string"} and (not keyword.iskeyword(token.text) or token.text in {"None", "True", "False"})
    return word or token.text in AFTER


def _begins(token: Token) -> bool:
    word = token.kind in {"name", "number", "string"} and (
        not keyword.iskeyword(token.text) or token.text in {"None", "True", "False", "lambda", "not"}
    )
    return word or token.text in BEFORE

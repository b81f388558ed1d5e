"""A compound statement without its colon."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule

HEADS = frozenset({"def", "class", "for", "while", "if", "elif", "else", "try", "except", "finally", "with", "async", "match", "case"})


class MissingColon(SyntaxRule):
    """A `def`, `class`, `for`, `if` or the like has no colon at its end, or another sign in its place.

    ## What it does
    Reports the end of the line where the colon is missing.

    ## Why is this bad?
    The text does not parse.

    ## Example
    ```python
    for epoch in range(3)
        print(epoch)
    ```

    ## Use instead
    ```python
    for epoch in range(3):
        print(epoch)
    ```

    ## Fix safety
    Safe: there is one place for the colon.

    ## References
    - Python reference, 8 "Compound statements".
    """

    id = "SNF002"
    name = "missing-colon"
    applicability = Applicability.SAFE
    GOOD = (Good("if True: x = {1: 2}[1:][0] if False else 3"), Good("f = lambda: 0\nmatch = 3\nmatch[0:1] if False else match"))
    BAD = (
        Bad("for i in range(3)  # thrice\n    print(i)\n", at=(1, 18), fixed="for i in range(3):  # thrice\n    print(i)\n"),
        Bad("class A\n    x = 1\n", at=(1, 8), fixed="class A:\n    x = 1\n"),
        Bad("x = 1\nif x > 0:\n    print(x)\nelse\n    print(-x)\n", at=(4, 5), fixed="x = 1\nif x > 0:\n    print(x)\nelse:\n    print(-x)\n"),
        Bad("def f(x);\n    return x\nf(1)\n", at=(1, 9), fixed="def f(x):\n    return x\nf(1)\n"),
    )  # fmt: skip

    def mends(self, broken: Broken) -> Iterator[Mend]:
        for line in (broken.line, broken.line - 1):
            tokens = broken.tokens(line) if line >= 1 else []
            if not tokens or not any(token.text in HEADS for token in tokens[:2]):
                continue
            last = tokens[-1]
            message = f"`{tokens[0].text}` has no colon at its end"
            if last.text in {";", "{", ",", "."}:
                yield Mend(f"Replace `{last.text}` by a colon", (Edit(last.start, last.end, ":"),), last.start, message)
            elif last.text != ":":
                yield Mend("Add the colon", (Edit(last.end, last.end, ":"),), last.end, message)
            inside = next((token.depth for token in tokens if token.end >= broken.place), 0)
            if tokens[0].end < broken.place < last.end and not inside:
                yield Mend("Add the colon", (Edit(broken.place - 1, broken.place - 1, ":"),), broken.place - 1, message)
                yield Mend("Add the colon", (Edit(broken.place, broken.place, ":"),), broken.place, message)

"""A colon where an equals sign is meant, and the other way about."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule
from snipfix.rules.syntax.scan import Token


class WrongPairSign(SyntaxRule):
    """A dictionary has `=` between key and value, or a call has `:` between name and argument.

    ## What it does
    Reports the first such sign inside the brackets of a dictionary or a call.

    ## Why is this bad?
    The text does not parse: a dictionary pairs with a colon, a call with an equals sign.

    ## Example
    ```python
    config = {"lr" = 0.1}
    ```

    ## Use instead
    ```python
    config = {"lr": 0.1}
    ```

    ## Fix safety
    Safe: inside these brackets the other sign means nothing.

    ## References
    - Python reference, 6.2.7 "Dictionary displays".
    """

    id = "SNF491"
    name = "wrong-pair-sign"
    applicability = Applicability.SAFE
    GOOD = (Good("x = {'a': lambda b=1: b}\ny = dict(a=[1, 2][0:1])"), Good("print({1: 2}, end='\\n')"))
    BAD = (
        Bad("x = {\n    'a' = 1,\n    'b': 2,\n}\n", at=(2, 9), fixed="x = {\n    'a': 1,\n    'b': 2,\n}\n"),
        Bad("x = dict(a: 1, b: 2)\n", at=(1, 11), fixed="x = dict(a=1, b=2)\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        opened: list[Token] = []
        edits: list[Edit] = []
        code, text = broken.scan.code, broken.text
        for before, token in pairwise(code):
            if token.text in {"(", "[", "{"}:
                opened.append(
                    Token("call" if token.text == "(" and before.kind == "name" else "", token.start, token.end, token.text, token.depth)
                )
            elif token.text in {")", "]", "}"} and opened:
                opened.pop()
            elif opened and opened[-1].text == "{" and token.text == "=" and before.kind in {"string", "name", "number"}:
                edits.append(Edit(before.end, _after_blanks(text, token.end), ": "))
            elif opened and opened[-1].kind == "call" and token.text == ":" and _is_first(code, before):
                edits.append(Edit(before.end, _after_blanks(text, token.end), "="))
        if edits:
            sign = "=" if edits[0].text == ": " else ":"
            where = "dictionary" if sign == "=" else "call"
            yield Mend(
                "Write the sign of the pair", tuple(edits), text.index(sign, edits[0].start), f"a {where} does not pair with `{sign}`"
            )


def _after_blanks(text: str, at: int) -> int:
    while text[at : at + 1] == " ":
        at += 1
    return at


def _is_first(code: list[Token], name: Token) -> bool:
    """Whether a name stands right behind the bracket or a comma."""
    return name.kind == "name" and code[code.index(name) - 1].text in {"(", ","}

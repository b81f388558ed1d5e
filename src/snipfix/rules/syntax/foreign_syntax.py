"""Words and operators of other languages, and misspelt keywords."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule
from snipfix.rules.syntax.scan import Token

OPERATORS = {"&&": "and", "||": "or", "!": "not ", "===": "==", "!==": "!="}
NOTHING = {"===": "is None", "!==": "is not None"}
TYPES = frozenset({"var", "let", "const", "auto", "int", "float", "double", "bool", "string", "Tensor"})
"""What other languages write in front of a name that gets its first value."""
WORDS = [word for word in keyword.kwlist if len(word) > 2]


BLOCK = re.compile(r"[ \t]*(?P<closes>\}[ \t]*)?(?:if|elif|else|for|while|def|class|try|except|with)\b[^{]*?(?P<opens>[ \t]*\{)[ \t]*")
"""The head of a block in braces."""


class AssignmentForComparison(SyntaxRule):
    """A condition has `=` where `==` is meant.

    ## What it does
    Reports the `=` of an `if`, `while`, `elif` or `assert` that should compare.

    ## Why is this bad?
    An assignment is no expression in Python, so the text does not parse.

    ## Example
    ```python
    if x = 1:
        print(x)
    ```

    ## Use instead
    ```python
    if x == 1:
        print(x)
    ```

    ## Fix safety
    Comparing is nearly always what was meant; `:=` is possible.

    ## References
    - Python FAQ, "Why can't I use an assignment in an expression?"
    """

    id = "SNF011"
    name = "assignment-for-comparison"
    applicability = Applicability.UNSAFE
    GOOD = (Good("if (x := 1) == 1:\n    x = dict(a=1)"), Good("x = y = 1"))
    BAD = (
        Bad("x = 1\nif x = 1:  # one\n    print(x)\n", at=(2, 6), fixed="x = 1\nif x == 1:  # one\n    print(x)\n"),
        Bad("x = [i for i in range(3) if i = 1]\n", at=(1, 31), fixed="x = [i for i in range(3) if i == 1]\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        for line in (broken.line, broken.line - 1):
            tokens = broken.tokens(line) if line >= 1 else []
            if any(token.text in {"if", "while", "elif", "assert"} for token in tokens):
                for token in tokens:
                    if token.text == "=":
                        yield Mend(
                            "Compare with `==`",
                            (Edit(token.start, token.end, "=="),),
                            token.start,
                            "`=` assigns; a condition compares with `==`",
                        )


class ForeignOperator(SyntaxRule):
    """An operator of another language: `&&`, `||`, `!x`, `===`, `i++`, `else if`, `new`, `int n = 3`, braces around a block.

    ## What it does
    Reports the operator that Python spells otherwise.

    ## Why is this bad?
    The text does not parse.

    ## Example
    ```python
    if a && b:
        i++
    ```

    ## Use instead
    ```python
    if a and b:
        i += 1
    ```

    ## Fix safety
    Safe: each has one counterpart.

    ## References
    - Python reference, 6.11 "Boolean operations".
    """

    id = "SNF015"
    name = "foreign-operator"
    applicability = Applicability.SAFE
    GOOD = (Good("x = 1 if True and not False else 0\nx += 1"), Good("print('a && b || !c')  # i++"))
    BAD = (
        Bad("a = b = 1\nif a && !b:\n    print(a)\n", at=(2, 6), fixed="a = b = 1\nif a and not b:\n    print(a)\n"),
        Bad("x = 1\nif x > 0 {\n    print(x)\n} else {\n    print(-x)\n}\n", at=(2, 9), fixed="x = 1\nif x > 0:\n    print(x)\nelse:\n    print(-x)\n"),
        Bad("x = None\nif x === null:\n    print(x)\n", at=(2, 6), fixed="x = None\nif x is None:\n    print(x)\n"),
        Bad("int n = 3\nprint(n)\n", at=(1, 1), fixed="n = 3\nprint(n)\n"),
        Bad("class A: pass\nx = new A()\n", at=(2, 5), fixed="class A: pass\nx = A()\n"),
        Bad("i = 0\ni++\nprint(i)\n", at=(2, 2), fixed="i = 0\ni += 1\nprint(i)\n"),
        Bad("x = 1\nif x > 1:\n    pass\nelse if x > 0:\n    print(x)\n", at=(4, 1), fixed="x = 1\nif x > 1:\n    pass\nelif x > 0:\n    print(x)\n"),
    )  # fmt: skip

    def mends(self, broken: Broken) -> Iterator[Mend]:
        edits: list[Edit] = []
        code = broken.scan.code
        for one, two in zip(code, [*code[1:], None], strict=True):
            if one.text in NOTHING and two and two.text == "null":
                edits.append(Edit(one.start, two.end, NOTHING[one.text]))
            elif two and two.kind == "name" and _goes(broken, one, two):
                edits.append(Edit(one.start, two.start, ""))
            elif one.text in OPERATORS:
                edits.append(Edit(one.start, one.end, OPERATORS[one.text]))
            elif one.text == "++" and (two is None or "\n" in broken.text[one.end : two.start]):
                edits.append(Edit(one.start, one.end, " += 1"))
            elif (
                one.text == "else"
                and two
                and two.text == "if"
                and not broken.text[broken.start(broken.line_of(one.start)) : one.start].strip()
            ):
                edits.append(Edit(one.start, two.end, "elif"))
        edits += _blocks(broken)
        edits.sort()
        if edits:
            word = re.sub(r"\s+", " ", broken.text[edits[0].start : edits[0].end])
            yield Mend("Write Python's operator", tuple(edits), edits[0].start, f"`{word}` is not Python")


def _goes(broken: Broken, word: Token, name: Token) -> bool:
    """Whether a word in front of a name has no counterpart: the type in `int n = 3`, `new`."""
    if word.text == "new":
        return broken.text[word.end : name.start] == " "
    tokens = broken.tokens(broken.line_of(word.start)) if word.text in TYPES else []
    return tokens[:2] == [word, name] and len(tokens) > 2 and tokens[2].text == "="


def _blocks(broken: Broken) -> Iterator[Edit]:
    """`if x {` as `if x:`, and the lines of lone `}` gone."""
    heads = [line for line in range(1, len(broken.lines) + 1) if BLOCK.fullmatch(broken.lines[line - 1])]
    for line in heads:
        start, match = broken.start(line), BLOCK.fullmatch(broken.lines[line - 1])
        assert match is not None
        yield Edit(start + match.start("opens"), start + match.end("opens"), ":")
        if match["closes"]:
            yield Edit(start + match.start("closes"), start + match.end("closes"), "")
    for line in range(1, len(broken.lines) + 1) if heads else ():
        if broken.lines[line - 1].strip() in {"}", "};"}:
            yield Edit(broken.start(line), min(broken.end(line) + 1, len(broken.text)), "")


class MisspeltKeyword(SyntaxRule):
    """A keyword is misspelt: `improt`, `retrun`, `calss`.

    ## What it does
    Reports a word at the error that is one slip away from a keyword with which the text parses.

    ## Why is this bad?
    The text does not parse.

    ## Example
    ```python
    improt math
    ```

    ## Use instead
    ```python
    import math
    ```

    ## Fix safety
    The keyword is taken only if the parser then gets further; running confirms it.

    ## References
    - Python reference, 2.3.1 "Keywords".
    """

    id = "SNF016"
    name = "misspelt-keyword"
    applicability = Applicability.UNSAFE
    GOOD = (Good("improt = 1\nclas = improt"), Good("form = 'from'"))
    BAD = (
        Bad("improt math\nprint(math.pi)\n", at=(1, 1), fixed="import math\nprint(math.pi)\n"),
        Bad("def f(x):\n    retrun x\nf(1)\n", at=(2, 5), fixed="def f(x):\n    return x\nf(1)\n"),
        Bad("From math import pi\n", at=(1, 1), fixed="from math import pi\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        for token in broken.tokens(broken.line):
            if token.kind != "name" or keyword.iskeyword(token.text):
                continue
            for word in difflib.get_close_matches(token.text.lower(), WORDS, 2, 0.7):
                yield Mend(f"Write `{word}`", (Edit(token.start, token.end, word),), token.start, f"`{token.text}` is not a keyword")

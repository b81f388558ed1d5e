"""Characters that nobody sees and Python does not know."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule

BLANKS = dict.fromkeys("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " ")
NOTHING = dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u2028\u2029\x00\x0b", "")
CONTINUED = re.compile(r"\\([ \t]+)$", re.MULTILINE)
ALL = BLANKS | NOTHING
WIDE = "\u3000"


class InvisibleCharacter(SyntaxRule):
    """A blank that is no blank, or a character without width, stands in the code.

    ## What it does
    Reports the first no-break space, ideographic space, zero-width character or the like outside strings and comments, and blanks behind the
    backslash that continues a line.

    ## Why is this bad?
    Python refuses it, and the reader cannot see why. It comes from web pages and word processors.

    ## Example
    A no-break space (U+00A0) before `=` in `x = 1`.

    ## Use instead
    ```python
    x = 1
    ```

    ## Fix safety
    Safe: wide and no-break spaces become a space each, those as wide as two letters two in an indentation; characters without width go.

    ## References
    - Python reference, 2.1.9 "Whitespace between tokens".
    """

    id = "SNF005"
    name = "invisible-character"
    applicability = Applicability.SAFE
    GOOD = (Good("x = '\u00a0\u200b'  # \u3000"), Good("x = 1\n\x0c\nprint(x)"))
    BAD = (
        Bad("x = 1 + \\ \n    2\nprint(x)\n", at=(1, 10), fixed="x = 1 + \\\n    2\nprint(x)\n"),
        Bad("x\u00a0= 1\nprint(x)\n", at=(1, 2), fixed="x = 1\nprint(x)\n"),
        Bad("def f():\n\u3000\u3000\u3000\u3000return '\u3000'\nf()\n", at=(2, 1), fixed="def f():\n        return '\u3000'\nf()\n"),
        Bad("print(1\u200b)\n", at=(1, 8), fixed="print(1)\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        continued = tuple(Edit(match.start(1), match.end(1), "") for match in CONTINUED.finditer(broken.text))
        if continued and "line continuation" in broken.message:
            yield Mend(
                "Remove the blanks behind the backslash", continued, continued[0].start, "blanks stand behind the backslash of a line"
            )
        if not any(char in ALL for char in broken.text):
            return
        strings = [(token.start, token.end) for token in broken.scan.tokens if token.kind in {"string", "comment"}]
        edits = tuple(
            Edit(at, at + 1, ALL[char] * (2 if char == WIDE and _in_indentation(broken.text, at) else 1))
            for at, char in enumerate(broken.text)
            if char in ALL and not any(start <= at < end for start, end in strings)
        )
        if edits:
            char = broken.text[edits[0].start]
            name = f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip()
            yield Mend("Replace the invisible characters", edits, edits[0].start, f"the invisible character {name} stands in the code")


def _in_indentation(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip(" \t\u3000")

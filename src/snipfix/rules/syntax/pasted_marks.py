"""Marks of the place that code was copied from: prompts and line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule

PROMPT = re.compile(r"\s*(>>>|In \[\d*\]:)( |$)")
CONTINUED = re.compile(r"\s*\.\.\.+:?( |$)")
OUTPUT = re.compile(r"\s*Out\[\d*\]:")
NUMBER = re.compile(r"[ \t]*(\d{1,4})(?:[ \t]*[.:|)]|\t| |$)")


class PastedPrompt(SyntaxRule):
    """The marks of an interactive session were copied along: `>>>`, `...`, `In [1]:`.

    ## What it does
    Reports the first prompt. The fix takes the prompts away and keeps the session's output as comments.

    ## Why is this bad?
    A reader who copies the code gets a syntax error.

    ## Example
    ```python
    >>> x = 1
    >>> x
    1
    ```

    ## Use instead
    ```python
    x = 1
    x
    # 1
    ```

    ## Fix safety
    Safe: only marks go, and output becomes comments.

    ## References
    - Python documentation, "doctest".
    """

    id = "SNF007"
    name = "pasted-prompt"
    applicability = Applicability.SAFE
    GOOD = (Good('"""\n>>> x = 1\n"""\nx = 1 >> 2'), Good("def f():\n    ...\nf()"))
    BAD = (
        Bad(
            ">>> for i in range(2):\n...     print(i)\n...\n0\n1\n>>> x = 2\n",
            at=(1, 1),
            fixed="for i in range(2):\n    print(i)\n\n# 0\n# 1\nx = 2\n",
        ),
        Bad("In [1]: import math\n\nIn [2]: math.pi\nOut[2]: 3.14\n", at=(1, 1), fixed="import math\n\nmath.pi\n# Out[2]: 3.14\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        edits, first, prompted = [], None, False
        for number, line in enumerate(broken.lines, 1):
            start = broken.start(number)
            if match := PROMPT.match(line):
                first = start + match.start(1) if first is None else first
                prompted = True
                edits.append(Edit(start, start + match.end(), ""))
            elif prompted and (match := CONTINUED.match(line)):
                edits.append(Edit(start, start + match.end(), ""))
            elif (prompted or OUTPUT.match(line)) and line.strip() and not line.lstrip().startswith("#"):
                edits.append(Edit(start, start, "# "))
        if first is not None:
            yield Mend("Remove the prompts", tuple(edits), first, "the prompts of an interactive session stand in the code")


class PastedLineNumbers(SyntaxRule):
    """The line numbers of a listing were copied along.

    ## What it does
    Reports the first line when every line begins with its number.

    ## Why is this bad?
    The text does not parse, and every reader has to delete the numbers by hand.

    ## Example
    ```python
    1 import math
    2 print(math.pi)
    ```

    ## Use instead
    ```python
    import math
    print(math.pi)
    ```

    ## Fix safety
    Safe: only numbers that count up by one on every line go.

    ## References
    - Python reference, 2.1 "Line structure".
    """

    id = "SNF008"
    name = "pasted-line-numbers"
    applicability = Applicability.SAFE
    GOOD = (Good("1\n2\n3"), Good("x = [\n    1,\n    2,\n]"))
    BAD = (
        Bad(
            "1 import math\n2\n3 for i in range(2):\n4     print(i)\n", at=(1, 1), fixed="import math\n\nfor i in range(2):\n    print(i)\n"
        ),
        Bad("1  import math\n2\n3  if math.pi:\n4      x = 1\n", at=(1, 1), fixed="import math\n\nif math.pi:\n    x = 1\n"),
        Bad("1 | import math\n2 | print(math.pi)\n", at=(1, 1), fixed="import math\nprint(math.pi)\n"),
        Bad(" 9: x = 1\n10: print(x)\n", at=(1, 2), fixed="x = 1\nprint(x)\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        found = [(number, match) for number, line in enumerate(broken.lines, 1) if line.strip() and (match := NUMBER.match(line))]
        wanted = [number for number, line in enumerate(broken.lines, 1) if line.strip()]
        values = [int(match[1]) for _, match in found]
        if len(found) < 2 or len(found) != len(wanted) or any(after <= before for before, after in pairwise(values)):
            return
        rests = [rest for number, match in found if (rest := broken.lines[number - 1][match.end() :]).strip()]
        extra = min((len(rest) - len(rest.lstrip(" ")) for rest in rests), default=0)
        edits = tuple(
            Edit(broken.start(number), broken.start(number) + min(match.end() + extra, len(broken.lines[number - 1])), "")
            for number, match in found
        )
        yield Mend("Remove the line numbers", edits, broken.start(found[0][0]) + found[0][1].start(1), "every line begins with its number")

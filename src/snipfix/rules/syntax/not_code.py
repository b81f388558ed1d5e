"""Lines that are not Python at all: notebook magics, Markdown, prose; and blocks that were left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule, is_prose

MAGIC = re.compile(r"\s*(%{1,2}[A-Za-z]|!\s*[\w./]|\$ \w|\?\w|(?:pip3?|conda|apt-get) install\b|python3? -?\w)")
FENCE = re.compile(r"\s*(```|~~~)")
RULE = re.compile(r"\s*([-*_=])\1{2,}\s*$")


class NotebookMagic(SyntaxRule):
    """A line is meant for a notebook or a shell: `!pip install torch`, `%matplotlib inline`, `$ python train.py`.

    ## What it does
    Reports the first such line. The fix turns them into comments.

    ## Why is this bad?
    Python does not read them; outside a notebook the code fails at once.

    ## Example
    ```python
    !pip install torch
    import math
    ```

    ## Use instead
    ```python
    # !pip install torch
    import math
    ```

    ## Fix safety
    The line stays as a comment, so a reader still knows what to install; what it did is not done.

    ## References
    - IPython documentation, "Built-in magic commands".
    """

    id = "SNF012"
    name = "notebook-magic"
    applicability = Applicability.SAFE
    GOOD = (Good("x = 5\nx = (x\n     %x)\nprint(x)"), Good("text = '''\n!pip install torch\n'''"))
    BAD = (
        Bad("!pip install torch\n%matplotlib inline\nx = 1\n", at=(1, 1), fixed="# !pip install torch\n# %matplotlib inline\nx = 1\n"),
        Bad("pip install torch\nx = 1\n", at=(1, 1), fixed="# pip install torch\nx = 1\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        lines = [number for number in range(1, len(broken.lines) + 1) if MAGIC.match(broken.lines[number - 1]) and _outside(broken, number)]
        if lines:
            edits = tuple(_comment(broken, number) for number in lines)
            yield Mend("Make it a comment", edits, edits[0].start, "the line is meant for a notebook or a shell")


class TextInCode(SyntaxRule):
    """Prose or Markdown stands among the code: a sentence, a heading, a stray fence.

    ## What it does
    Reports a line that the parser stops at and that reads as text. Prose becomes a comment; a fence mark goes.

    ## Why is this bad?
    The text does not parse.

    ## Example
    ```python
    x = 1
    Now print it
    print(x)
    ```

    ## Use instead
    ```python
    x = 1
    # Now print it
    print(x)
    ```

    ## Fix safety
    Code that is badly broken may be taken for prose; then the comment hides it. The result has to be read.

    ## References
    - Python reference, 2.1.3 "Comments".
    """

    id = "SNF020"
    name = "text-in-code"
    applicability = Applicability.UNSAFE
    GOOD = (Good("'''\nNow print it\n```\n'''"), Good("x = 1  # **bold** 文字"))
    BAD = (
        Bad("x = 1\n然后打印结果\uff1a见下\nprint(x)\n", at=(2, 1), fixed="x = 1\n# 然后打印结果\uff1a见下\nprint(x)\n"),
        Bad("x = 1\n```\nprint(x)\n", at=(2, 1), fixed="x = 1\nprint(x)\n"),
        Bad("x = 1\nNow we print the result\nprint(x)\n", at=(2, 1), fixed="x = 1\n# Now we print the result\nprint(x)\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        fences = [
            number for number in range(1, len(broken.lines) + 1) if FENCE.match(broken.lines[number - 1]) and _outside(broken, number)
        ]
        if fences:
            edits = tuple(Edit(broken.start(number), min(broken.end(number) + 1, len(broken.text)), "") for number in fences)
            yield Mend("Remove the fence mark", edits, edits[0].start, "a Markdown fence stands in the code")
        line = broken.lines[broken.line - 1]
        if RULE.match(line) or is_prose(line):
            yield Mend(
                "Make it a comment", (_comment(broken, broken.line),), _comment(broken, broken.line).start, "the line is prose, not code"
            )


class MissingBody(SyntaxRule):
    """A function, loop or branch has no body, or nothing but a comment.

    ## What it does
    Reports a compound statement that is followed by no indented line.

    ## Why is this bad?
    The text does not parse: a comment is not a statement.

    ## Example
    ```python
    def forward(self, x):
        # your code here
    ```

    ## Use instead
    ```python
    def forward(self, x):
        # your code here
        pass
    ```

    ## Fix safety
    `pass` makes the text parse; what was to stand there is still missing.

    ## References
    - Python reference, 7.4 "The pass statement".
    """

    id = "SNF014"
    name = "missing-body"
    applicability = Applicability.UNSAFE
    GOOD = (Good("def f():\n    '''Nothing.'''\nf()"), Good("class A: ...\nfor _ in A, A: pass"))
    BAD = (
        Bad("def f():\n    # 待补充\n\nx = 1\n", at=(1, 9), fixed="def f():\n    # 待补充\n    pass\n\nx = 1\n"),
        Bad("x = 1\nif x:\n", at=(2, 6), fixed="x = 1\nif x:\n    pass\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        if not broken.message.startswith("expected an indented block"):
            return
        head = min(broken.line, len(broken.lines))
        while head > 1 and (broken.blank(head) or not broken.lines[head - 1].rstrip().endswith(":") or head == broken.line):
            tokens = broken.tokens(head)
            if tokens and tokens[-1].text == ":":
                break
            head -= 1
        tokens = broken.tokens(head)
        if not tokens or tokens[-1].text != ":":
            return
        last, indent = head, broken.indent(head) + "    "
        while last < len(broken.lines) and broken.lines[last].lstrip().startswith("#"):
            last, indent = last + 1, broken.indent(last + 1)
        if len(indent) <= len(broken.indent(head)):
            last, indent = head, broken.indent(head) + "    "
        at = broken.end(last)
        yield Mend("Add `pass`", (Edit(at, at, f"\n{indent}pass"),), tokens[-1].end, f"`{tokens[0].text}` has no body")


def _outside(broken: Broken, line: int) -> bool:
    """Whether a line begins outside a string."""
    return broken.scan.in_code(broken.start(line) + len(broken.indent(line)))


def _comment(broken: Broken, line: int) -> Edit:
    at = broken.start(line) + len(broken.indent(line))
    return Edit(at, at, "# ")

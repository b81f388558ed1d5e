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
DOTS = re.compile(r"\s*(?:\.{2}|\.{4,}|…+)\s*$")
OUTPUT = re.compile(r"(?:tensor|array|torch\.Size)\(|[-+\d.\[\]]|\s")
"""How a line of output begins that no statement begins with."""


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
        Bad("x = max(1, 2,\n    .....\n)\n.....\n", at=(2, 5), fixed="x = max(1, 2,\n    # .....\n)\n...\n"),
        Bad("x = 1\nprint(x)\n-----\n1\n", at=(3, 1), fixed="x = 1\nprint(x)\n# -----\n# 1\n"),
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
            edits = tuple(_comment(broken, number) for number in (broken.line, *_output_below(broken)))
            yield Mend("Make it a comment", edits, edits[0].start, "the line is prose, not code")
        yield from _left_out(broken)


def _output_below(broken: Broken) -> list[int]:
    """The lines below a ruled line when all of them, to the end, are what the code printed."""
    below = [number for number in range(broken.line + 1, len(broken.lines) + 1) if broken.lines[number - 1].strip()]
    ruled = RULE.match(broken.lines[broken.line - 1])
    return below if ruled and all(OUTPUT.match(broken.lines[number - 1]) for number in below) else []


def _left_out(broken: Broken) -> Iterator[Mend]:
    """Lines of dots: what was left out. Python has three dots for a statement, and a comment for a place among arguments."""
    lines = [number for number in range(1, len(broken.lines) + 1) if DOTS.match(broken.lines[number - 1]) and _outside(broken, number)]
    edits = []
    for number in lines:
        indent = _comment(broken, number)
        inside = next((token.depth for token in broken.scan.code if token.start >= indent.start), 0)
        edits.append(indent if inside else Edit(indent.start, broken.end(number), "..."))
    if edits:
        yield Mend("Write what is left out as Python does", tuple(edits), edits[0].start, "dots stand for what is left out")


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
        Bad("class A:\n    def f(self):\n\n    def g(self):\n        pass\n", at=(2, 17), fixed="class A:\n    def f(self):\n        pass\n\n    def g(self):\n        pass\n"),
        Bad("x = 1\nif x:\n", at=(2, 6), fixed="x = 1\nif x:\n    pass\n"),
    )  # fmt: skip

    def mends(self, broken: Broken) -> Iterator[Mend]:
        if not broken.message.startswith("expected an indented block"):
            return
        opened = re.search(r"on line (\d+)$", broken.message)
        head = int(opened[1]) if opened else broken.line
        tokens = broken.tokens(head)
        while tokens and tokens[-1].text != ":" and head < broken.line:  # a head over several lines
            head += 1
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

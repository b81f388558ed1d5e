"""Markup of the page that code was copied from: entities of HTML, backticks of Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule, is_prose

ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#[xX][0-9a-fA-F]{1,5});")
ESCAPE = re.compile(r"\\([_*#<>\[\]()~`|{}+.!-])")
BOLD = re.compile(r"([ \t]*)(\*\*)(\w[^*\n]*?)\2(?=[ \t]*(?:[=.(\[:]|$))")
MARKED = re.compile(r"(?P<mark>>|[-*+•])(?: |$)")
"""What a quotation or a list puts in front of each of its lines."""
TICKED = re.compile(r"([ \t]*)(`{1,2})([^`\n]+)\2([ \t]*)")


class PastedMarkup(SyntaxRule):
    """The markup of a page was copied along: `&gt;` for `>`, a line of code in backticks, `\\_` for `_`, `**` around a name.

    ## What it does
    Reports the first entity of HTML, the first line that stands in backticks as a whole, the first backslash or stars of Markdown, or the mark of a quotation
    or a list that stands in front of every line.

    ## Why is this bad?
    The text does not parse: the page's source was copied, not what the page shows.

    ## Example
    ```python
    if x &gt; 2 &amp; y &lt; 3:
        print(x)
    ```

    ## Use instead
    ```python
    if x > 2 & y < 3:
        print(x)
    ```

    ## Fix safety
    Safe: each entity stands for one character, and the other marks stand in no Python text.

    ## References
    - HTML standard, 13.5 "Named character references".
    """

    id = "SNF019"
    name = "pasted-markup"
    applicability = Applicability.SAFE
    certain = True
    GOOD = (Good("import html\nx = html.unescape('&gt;')  # &lt;"), Good("print('`x`')  # `y`"))
    BAD = (
        Bad("x = 3\nif x &gt; 2:\n    print(&quot;big&quot;)\n", at=(2, 6), fixed='x = 3\nif x > 2:\n    print("big")\n'),
        Bad("class A:\n    def \\_\\_init\\_\\_(self):\n        self.a\\_b = 1\n", at=(2, 9), fixed="class A:\n    def __init__(self):\n        self.a_b = 1\n"),
        Bad("**x** = 2\nprint(x)\n", at=(1, 1), fixed="x = 2\nprint(x)\n"),
        Bad("> for x in (1, 2):\n>     print(x)\n>\n> x = 3\n", at=(1, 1), fixed="for x in (1, 2):\n    print(x)\n\nx = 3\n"),
        Bad("import math\n`x = math.pi`\nprint(x)\n", at=(2, 1), fixed="import math\nx = math.pi\nprint(x)\n"),
    )  # fmt: skip

    def mends(self, broken: Broken) -> Iterator[Mend]:
        # In strings too: where one entity came from the page's source, all did.
        entities = [Edit(match.start(), match.end(), _character(match[0])) for match in ENTITY.finditer(broken.text)]
        if entities:
            word = broken.text[entities[0].start : entities[0].end]
            yield Mend("Write the characters themselves", tuple(entities), entities[0].start, f"`{word}` is HTML, not Python")
        ticks: list[Edit] = []
        for number, line in enumerate(broken.lines, 1):
            if match := TICKED.fullmatch(line):
                start = broken.start(number)
                ticks.append(Edit(start + match.start(2), start + match.end(2), ""))
                ticks.append(Edit(start + match.end(3), start + match.start(4), ""))
        if ticks:
            yield Mend("Remove the backticks", tuple(ticks), ticks[0].start, "a line of code stands in the backticks of Markdown")
        yield from _escapes(broken)
        yield from _bold(broken)
        yield from _in_front(broken)


def _escapes(broken: Broken) -> Iterator[Mend]:
    """`\\_\\_init\\_\\_`: outside strings Python knows no backslash within a line. Those of names are taken out of strings too."""
    found = list(ESCAPE.finditer(broken.text))
    outside = [match for match in found if broken.scan.in_code(match.start())]
    if outside:
        edits = tuple(Edit(match.start(), match.start() + 1, "") for match in found if match in outside or match[1] in "_*")
        yield Mend("Remove the backslashes", edits, outside[0].start(), "the backslashes are those of Markdown, not Python's")


def _bold(broken: Broken) -> Iterator[Mend]:
    """`**model** = Net()`: no statement begins with two stars."""
    edits: list[Edit] = []
    for number, line in enumerate(broken.lines, 1):
        match, start = BOLD.match(line), broken.start(number)
        if match and broken.scan.in_code(start + match.start(2)) and not is_prose(line):
            edits += (Edit(start + match.start(2), start + match.end(2), ""), Edit(start + match.end(3), start + match.end(3) + 2, ""))
    if edits:
        yield Mend("Remove the stars", tuple(edits), edits[0].start, "the stars are those of Markdown, not Python's")


def _in_front(broken: Broken) -> Iterator[Mend]:
    """The same mark in front of every line."""
    lines = [(number, line) for number, line in enumerate(broken.lines, 1) if line.strip()]
    marks = [MARKED.match(line) for _, line in lines]
    found = [match for match in marks if match]
    if len(found) > 1 and len(found) == len(lines) and len({match["mark"] for match in found}) == 1:
        edits = tuple(
            Edit(broken.start(number), broken.start(number) + match.end(), "") for (number, _), match in zip(lines, found, strict=True)
        )
        yield Mend(
            "Remove the marks", edits, edits[0].start, f"`{found[0]['mark']}` stands in front of every line, as in a quotation or a list"
        )


def _character(entity: str) -> str:
    return html.unescape(entity).replace("\u00a0", " ")

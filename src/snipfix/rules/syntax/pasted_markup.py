"""Markup of the page that code was copied from: entities of HTML, backticks of Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule

ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#[xX][0-9a-fA-F]{1,5});")
TICKED = re.compile(r"([ \t]*)(`{1,2})([^`\n]+)\2([ \t]*)")


class PastedMarkup(SyntaxRule):
    """The markup of a page was copied along: `&gt;` for `>`, a line of code in backticks.

    ## What it does
    Reports the first entity of HTML, or the first line that stands in backticks as a whole.

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
    Safe: each entity stands for one character.

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
        Bad("import math\n`x = math.pi`\nprint(x)\n", at=(2, 1), fixed="import math\nx = math.pi\nprint(x)\n"),
    )

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


def _character(entity: str) -> str:
    return html.unescape(entity).replace("\u00a0", " ")

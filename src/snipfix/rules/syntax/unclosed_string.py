"""A string without its closing quote."""

from __future__ import annotations

import re
from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule


class UnclosedString(SyntaxRule):
    """A string is opened and not closed on its line, or a triple-quoted one not at all.

    ## What it does
    Reports the opening quote of the string that lacks its partner, or that ends early because its own quote stands inside.

    ## Why is this bad?
    The text does not parse.

    ## Example
    ```python
    print("loss:)
    ```

    ## Use instead
    ```python
    print("loss:")
    ```

    ## Fix safety
    Where the string was to end is a guess: before the brackets that close the line, if there are any.

    ## References
    - Python reference, 2.4.1 "String and Bytes literals".
    """

    id = "SNF009"
    name = "unclosed-string"
    applicability = Applicability.UNSAFE
    GOOD = (Good("print('it\\'s', \"it's\")"), Good('x = """a\n"b\' """'))
    BAD = (
        Bad("print('loss: )\nx = 1\n", at=(1, 7), fixed="print('loss: ')\nx = 1\n"),
        Bad('loss = 1\nprint("loss:, loss)\n', at=(2, 7), fixed='loss = 1\nprint("loss:", loss)\n'),
        Bad("x = dict(a='b, c=2)\n", at=(1, 12), fixed="x = dict(a='b', c=2)\n"),
        Bad("n = 1\nprint('a:', n, 'b:, n)\n", at=(2, 16), fixed="n = 1\nprint('a:', n, 'b:', n)\n"),
        Bad("x = dict(a='b, c='d')\n", at=(1, 12), fixed="x = dict(a='b', c='d')\n"),
        Bad('name = "mnist\nprint(name)\n', at=(1, 8), fixed='name = "mnist"\nprint(name)\n'),
        Bad("print('the training has\nended')\n", at=(1, 7), fixed="print('the training has ended')\n"),
        Bad("print('it's done')\n", at=(1, 7), fixed="print(\"it's done\")\n"),
        Bad('def f():\n    """What it does.\n    return 1\nf()\n', at=(2, 5), fixed='def f():\n    """What it does."""\n    return 1\nf()\n'),
    )  # fmt: skip

    def mends(self, broken: Broken) -> Iterator[Mend]:
        message = "the string is never closed"
        yield from _broken_over_lines(broken)
        yield from _into_keyword(broken)
        for start in broken.scan.unclosed[:3]:
            quote, line = broken.text[start], broken.line_of(start)
            if broken.text.startswith(quote * 3, start):
                for number in (line, *_paragraph_ends(broken, line)):
                    at = broken.start(number) + len(broken.lines[number - 1].rstrip())
                    yield Mend("Close the string", (Edit(at, at, quote * 3),), start, message)
                continue
            opened = broken.text.find(quote, broken.start(line))
            last = broken.text.rfind(quote, opened + 1, broken.end(line))
            other = "'" if quote == '"' else '"'
            inside = broken.text[broken.text.find(quote, opened + 1) + 1 : last][:1].isalnum()
            if inside and other not in broken.text[opened:last] and broken.text.count(quote, opened, last + 1) > 2:
                edits = (Edit(opened, opened + 1, other), Edit(last, last + 1, other))
                yield Mend(f"Quote the string with {other}", edits, opened, "the string's own quote stands inside it")
            for at in range(start + 1, broken.end(line)):
                if broken.text[at] == other and broken.text[at + 1 : at + 2] in {")", ",", ".", "]", ":", "}", " ", "\n", ""}:
                    yield Mend(f"Close the string with {quote}", (Edit(at, at + 1, quote),), start, message)
            end = start + len(broken.text[start : broken.end(line)].rstrip())
            body = broken.text[start:end]
            for at in before_arguments(broken, body, line):
                yield Mend("Close the string", (Edit(start + at, start + at, quote),), start, message)
            stripped = body.rstrip(")]},: ")
            for at in dict.fromkeys([start + len(stripped + " " * (_blanks(body, stripped))), *range(end, start, -1)]):
                if at >= start + len(stripped):
                    yield Mend("Close the string", (Edit(at, at, quote),), start, message)


def _broken_over_lines(broken: Broken) -> Iterator[Mend]:
    """A string whose closing quote stands in the next line: the page wrapped it."""
    one, two = (*broken.scan.unclosed, -1, -1)[:2]
    line = broken.line_of(one) if one >= 0 else 0
    if (
        two < 0
        or broken.line_of(two) != line + 1
        or broken.text[one] != broken.text[two]
        or broken.text.startswith(broken.text[one] * 3, one)
    ):
        return
    start = broken.start(line) + len(broken.lines[line - 1].rstrip())
    end = broken.start(line + 1) + len(broken.indent(line + 1))
    if end < two:
        yield Mend("Join the two lines of the string", (Edit(start, end, " "),), one, "the string ends in the next line")


def _into_keyword(broken: Broken) -> Iterator[Mend]:
    """`f(mode='out, kind='relu')`: a string that runs on to the opening quote of the next argument."""
    for token in broken.scan.tokens:
        match = re.fullmatch(r"""(['"])[^'"\n]*?(?P<rest>,\s*\w+\s*=\s*)\1""", token.text) if token.kind == "string" else None
        if match and broken.text[token.end : token.end + 1].strip(" ,)"):
            at = token.start + match.start("rest")
            yield Mend("Close the string", (Edit(at, at, match[1]),), token.start, "the string is never closed")


def before_arguments(broken: Broken, body: str, line: int) -> Iterator[int]:
    """Places in `"loss:, loss.item())` before a comma after which an argument by name follows, or a name that other lines know."""
    others = "\n".join(text for number, text in enumerate(broken.lines, 1) if number != line)
    for comma in re.finditer(r",\s*([A-Za-z_]\w*)(\s*=(?!=)|(?=[.(\[,)]))", body):
        if body.endswith(")") and (comma[2] or re.search(rf"\b{comma[1]}\b", others)):
            yield comma.start()


def _blanks(body: str, stripped: str) -> int:
    rest = body[len(stripped) :]
    return len(rest) - len(rest.lstrip(" :"))


def _paragraph_ends(broken: Broken, line: int) -> Iterator[int]:
    """Last lines before a blank one, then the last of all."""
    for number in range(line + 1, len(broken.lines) + 1):
        if broken.lines[number - 1].strip() and (number == len(broken.lines) or not broken.lines[number].strip()):
            yield number

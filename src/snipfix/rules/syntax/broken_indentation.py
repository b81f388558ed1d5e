"""Indentation that fits no block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule

HEAD = re.compile(r"\s*(def|class|async def|@)\b|\s*@|if __name__")


class BrokenIndentation(SyntaxRule):
    """A line is indented in a way that fits no block, or a block lost its indentation.

    ## What it does
    Reports the line whose indentation does not fit: too deep, between two levels, lost after a colon, or mixed of tabs and blanks.

    ## Why is this bad?
    The text does not parse. Indentation is lost easily when code is pasted into a page.

    ## Example
    ```python
    for i in range(3):
    print(i)
    ```

    ## Use instead
    ```python
    for i in range(3):
        print(i)
    ```

    ## Fix safety
    Which lines belong to a block is a guess where the indentation is lost, so the result has to be confirmed by running.

    ## References
    - Python reference, 2.1.8 "Indentation".
    """

    id = "SNF003"
    name = "broken-indentation"
    applicability = Applicability.UNSAFE
    GOOD = (Good("if True:\n  x = (1,\n2)\n  print(x)"), Good("def f():\n\treturn 1\nf()"))
    BAD = (
        Bad("x = 1\n    y = 2\nprint(x + y)\n", at=(2, 5), fixed="x = 1\ny = 2\nprint(x + y)\n"),
        Bad("    x = 1\n    # 和\n    print(x)\n", at=(1, 5), fixed="x = 1\n# 和\nprint(x)\n"),
        Bad("for i in range(3):\nprint(i)\nj = i\n\nprint('end')\n", at=(2, 1), fixed="for i in range(3):\n    print(i)\n    j = i\n\nprint('end')\n"),
        Bad("def f(x):\n    if x > 2:\n    x = 2\n    return x\nf(1)\n", at=(3, 5), fixed="def f(x):\n    if x > 2:\n        x = 2\n    return x\nf(1)\n"),
        Bad("def f(x):\n    y = x\n   return y\nf(1)\n", at=(3, 4), fixed="def f(x):\n    y = x\n    return y\nf(1)\n"),
        Bad("def f(x):\n    y = x\n\treturn y\nf(1)\n", at=(3, 2), fixed="def f(x):\n    y = x\n    return y\nf(1)\n"),
    )  # fmt: skip

    def mends(self, broken: Broken) -> Iterator[Mend]:
        line = broken.line
        if "indent" not in broken.message and "tabs" not in broken.message:
            return
        start = broken.start(line) + len(broken.indent(line))
        if "tabs" in broken.message or any("\t" in broken.indent(number) for number in range(1, len(broken.lines) + 1)):
            for width in (4, 8):
                edits = _tabs(broken, width)
                yield Mend("Indent with blanks alone", edits, start, "tabs and blanks are mixed in the indentation")
        if broken.message.startswith("expected an indented block"):
            yield from _lost(broken, line, start)
        elif "unindent" in broken.message:
            yield from _between(broken, line, start)
        elif "unexpected indent" in broken.message:
            yield from _too_deep(broken, line, start)


def _tabs(broken: Broken, width: int) -> tuple[Edit, ...]:
    edits = []
    for number in range(1, len(broken.lines) + 1):
        indent = broken.indent(number)
        if "\t" in indent:
            edits.append(Edit(broken.start(number), broken.start(number) + len(indent), indent.expandtabs(width)))
    return tuple(edits)


def _lost(broken: Broken, line: int, start: int) -> Iterator[Mend]:
    """Indent the lines after a colon: up to the blank line, the next definition, the end, or one line."""
    head = line - 1
    while head > 1 and broken.blank(head):
        head -= 1
    depth, body = len(broken.indent(head)), range(line, len(broken.lines) + 1)
    between = range(head + 1, line)
    left_out = any(not broken.lines[number - 1].strip() or len(broken.indent(number)) > depth for number in between)
    if left_out or len(broken.indent(line)) < depth:
        return
    inner = [
        number for number in body if number < _first(broken, body, lambda n: broken.lines[n - 1].strip() and len(broken.indent(n)) < depth)
    ]
    defines = HEAD.match(broken.lines[head - 1])
    ends = [_after_methods(broken, inner)] if re.match(r"\s*class\b", broken.lines[head - 1]) else []
    ends += [line + 1] if _fills_in(broken.lines[head - 1], broken.lines[line - 1]) else []
    ends += [] if defines else _before_return(broken, inner)
    ends += [
        _first(broken, inner, lambda n: not broken.lines[n - 1].strip()),
        _first(broken, inner[1:], lambda n: bool(HEAD.match(broken.lines[n - 1]))),
        line + 1,
        inner[-1] + 1 if inner else line + 1,
    ]
    for end in dict.fromkeys(ends):
        numbers = [number for number in range(line, end) if number <= len(broken.lines) and broken.lines[number - 1].strip()]
        edits = tuple(Edit(broken.start(number), broken.start(number), "    ") for number in numbers)
        yield Mend(
            f"Indent {'the line' if len(edits) == 1 else f'{len(edits)} lines'}", edits, start, "the block after the colon is not indented"
        )


def _fills_in(head: str, first: str) -> bool:
    """Whether `if mask is None:` is followed by `mask = ...`: that is all it is for."""
    asked = re.match(r"\s*if\s+(?:not\s+)?([\w.]+)(?:\s+is\s+None)?\s*:", head)
    return asked is not None and re.match(rf"\s*{re.escape(asked[1])}\s*=(?!=)", first) is not None


def _before_return(broken: Broken, numbers: list[int]) -> list[int]:
    """The line of the `return` that ends the function: it is the function's own, not that of a loop or a branch in front of it."""
    last = next((number for number in reversed(numbers) if broken.lines[number - 1].strip()), 0)
    return [last] if last > numbers[0] and re.match(r"\s*return\b", broken.lines[last - 1]) else []


def _after_methods(broken: Broken, numbers: list[int]) -> int:
    """The first line after the paragraphs that belong to a class: the first one, and those that begin with a method."""
    end = numbers[0]
    for number in numbers:
        opens = number > numbers[0] and not broken.lines[number - 2].strip()
        if opens and broken.lines[number - 1].strip() and not HEAD.match(broken.lines[number - 1]) and not broken.indent(number):
            return number
        end = number + 1
    return end


def _first(broken: Broken, numbers: Iterable[int], test: object) -> int:
    assert callable(test)
    return next((number for number in numbers if test(number)), len(broken.lines) + 1)


def _between(broken: Broken, line: int, start: int) -> Iterator[Mend]:
    """Move a line, and what stands deeper below it, to a level that is open above it: the nearest first."""
    here = len(broken.indent(line))
    levels = sorted(
        {len(broken.indent(number)) for number in range(1, line) if not broken.blank(number)}, key=lambda level: abs(level - here)
    )
    for level in levels:
        for alone in (True, False):
            edits = _shift(broken, line, level - here, alone=alone)
            yield Mend("Align the line with its block", edits, start, "the indentation fits no block above")


def _too_deep(broken: Broken, line: int, start: int) -> Iterator[Mend]:
    before = next((number for number in range(line - 1, 0, -1) if not broken.blank(number)), None)
    here = len(broken.indent(line))
    message = "the line is indented for no reason"
    if before is None:
        edits = []
        for number in range(1, len(broken.lines) + 1):
            width = min(here, len(broken.indent(number)))
            edits.append(Edit(broken.start(number), broken.start(number) + width, ""))
        yield Mend("Remove the indentation of the whole text", tuple(edits), start, message)
        return
    yield Mend("Align the line with the one above", _shift(broken, line, len(broken.indent(before)) - here), start, message)
    yield Mend("Align the line alone", _shift(broken, line, len(broken.indent(before)) - here, alone=True), start, message)


def _shift(broken: Broken, line: int, by: int, *, alone: bool = False) -> tuple[Edit, ...]:
    """Edits that move a line, and those below that stand as deep, by some columns."""
    here, edits = len(broken.indent(line)), []
    for number in range(line, len(broken.lines) + 1):
        if not broken.lines[number - 1].strip():
            continue
        if number > line and (alone or len(broken.indent(number)) < here):
            break
        width = len(broken.indent(number))
        edits.append(Edit(broken.start(number), broken.start(number) + width, " " * max(width + by, 0)))
    return tuple(edits)

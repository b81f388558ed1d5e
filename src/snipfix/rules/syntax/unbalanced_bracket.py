"""A bracket that is never closed, closed twice, or closed by another kind."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule
from snipfix.rules.syntax.scan import CLOSERS, OPEN_ENDED, Token

HEADS = frozenset({"def", "class", "for", "while", "if", "elif", "with", "except"})


class UnbalancedBracket(SyntaxRule):
    """A bracket is opened and never closed, closed without being opened, or closed by a bracket of another kind.

    ## What it does
    Reports the bracket that has no partner: the opening one if it is never closed, even where the parser blames a later line.

    ## Why is this bad?
    The text does not parse, and the message that Python gives often points to the line after.

    ## Example
    ```python
    x = torch.sqrt(torch.zeros(3)
    y = x + 1
    ```

    ## Use instead
    ```python
    x = torch.sqrt(torch.zeros(3))
    y = x + 1
    ```

    ## Fix safety
    The bracket is put where the statement seems to end, or taken away. There may be another place for it, so the result has to be confirmed by running.

    ## References
    - Python reference, 2.1.6 "Implicit line joining".
    """

    id = "SNF001"
    name = "unbalanced-bracket"
    applicability = Applicability.UNSAFE
    GOOD = (Good("x = (1 +\n     2)\ny = '(' + \"[\"  # ("), Good("s = f'{x!r:{3}}' if (x := 2) else ''"))
    BAD = (
        Bad("def f(n):\n    x = max(sum([0.5] * n), 1\n    y = 2\n    return x\nf(2)\n", at=(2, 12), fixed="def f(n):\n    x = max(sum([0.5] * n), 1)\n    y = 2\n    return x\nf(2)\n"),
        Bad("x = 3\nif max(x, abs(2):  # both\n    print(x)\n", at=(2, 7), fixed="x = 3\nif max(x, abs(2)):  # both\n    print(x)\n"),
        Bad("print(max(1, 2)))\nx = 1\n", at=(1, 17), fixed="print(max(1, 2))\nx = 1\n"),
        Bad("def f x, y:\n    return x + y\nf(1, 2)\n", at=(1, 6), fixed="def f(x, y):\n    return x + y\nf(1, 2)\n"),
        Bad("x = sum([1, 2, 3)\nprint(x)\n", at=(1, 9), fixed="x = sum([1, 2, 3])\nprint(x)\n"),
        Bad("x = [1, 2, 3)\nprint(x)\n", at=(1, 13), fixed="x = [1, 2, 3]\nprint(x)\n"),
        Bad("x = dict(\n    a=1,\n    b=2,\n\nprint(x)\n", at=(1, 9), fixed="x = dict(\n    a=1,\n    b=2,\n)\n\nprint(x)\n"),
    )  # fmt: skip

    def mends(self, broken: Broken) -> Iterator[Mend]:
        yield from _bare_parameters(broken)
        for stack, token in broken.scan.unbalanced[:3]:
            closes = token is not None and token.text in CLOSERS.values()
            if token and closes and not stack:
                yield Mend(f"Remove the `{token.text}`", (Edit(token.start, token.end, ""),), token.start, f"`{token.text}` closes nothing")
            elif token and closes:
                yield from _mismatched(broken, stack, token)
            else:
                yield from _closings(broken, stack, token)


def _bare_parameters(broken: Broken) -> Iterator[Mend]:
    """`def area width, height:` with its parameters in brackets, and `def area:` with brackets for none."""
    tokens = broken.tokens(broken.line)
    texts = [token.text for token in tokens]
    if len(tokens) < 2 or texts[0] != "def" or set(texts) & {*CLOSERS, *CLOSERS.values(), "->"}:
        return
    name, parameters = tokens[1], tokens[2 : -1 if texts[-1] == ":" else None]
    edits = [Edit(name.end, name.end, "()")]
    if parameters:
        edits = [Edit(name.end, parameters[0].start, "("), Edit(parameters[-1].end, parameters[-1].end, ")")]
    yield Mend("Put the parameters in brackets", tuple(edits), name.end, "`def` has no brackets around its parameters")


def _mismatched(broken: Broken, stack: list[Token], closer: Token) -> Iterator[Mend]:
    """`[1, 2)`: the other closer was meant, or the right one is missing before it, or the opening one's line lacks it."""
    opened = stack[-1]
    right = CLOSERS[opened.text]
    yield Mend(
        f"Replace `{closer.text}` by `{right}`",
        (Edit(closer.start, closer.end, right),),
        closer.start,
        f"`{closer.text}` closes a `{opened.text}`",
    )
    unclosed = f"`{opened.text}` is never closed"
    yield Mend(f"Add the missing `{right}`", (Edit(closer.start, closer.start, right),), opened.start, unclosed)
    yield from _closings(broken, stack, closer)


def _closings(broken: Broken, stack: list[Token], limit: Token | None) -> Iterator[Mend]:
    """The missing closers at the ends of the lines from the opening one on, nearest first; all of a line's own together."""
    last = broken.line_of(limit.start) if limit else len(broken.lines)
    if limit and limit.text not in CLOSERS.values():
        last = max(last - 1, broken.line_of(stack[-1].start))
    for count in range(1, len(stack) + 1):
        opened = stack[-count]
        closers = "".join(CLOSERS[token.text] for token in reversed(stack[-count:]))
        message = f"`{opened.text}` is never closed"
        first = broken.line_of(opened.start)
        if broken.lines[first - 1].rstrip().endswith(opened.text):
            end = _block_end(broken, first, last)
            if end == first:  # nothing was meant to stand inside
                yield Mend(f"Close the `{opened.text}`", (Edit(opened.end, opened.end, closers),), opened.start, message)
            at = broken.end(end)
            yield Mend(f"Close the `{opened.text}`", (Edit(at, at, f"\n{broken.indent(first)}{closers}"),), opened.start, message)
        for line in range(first, min(last, first + 12) + 1):
            tokens = [token for token in broken.tokens(line) if token.start >= opened.start]
            if not tokens:
                continue
            end_token = tokens[-1]
            if end_token.text == ":" and broken.tokens(line)[0].text in HEADS:
                yield Mend(f"Close the `{opened.text}`", (Edit(end_token.start, end_token.start, closers),), opened.start, message)
            elif not end_token.text.endswith(OPEN_ENDED):
                yield Mend(f"Close the `{opened.text}`", (Edit(end_token.end, end_token.end, closers),), opened.start, message)


def _block_end(broken: Broken, first: int, last: int) -> int:
    """The last line of the block that is indented deeper than its opening line."""
    depth, end = len(broken.indent(first)), first
    for line in range(first + 1, last + 1):
        if broken.lines[line - 1].strip():
            if len(broken.indent(line)) <= depth:
                break
            end = line
    return end

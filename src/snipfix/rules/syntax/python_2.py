"""Python 2: print without parentheses and its contemporaries."""

from __future__ import annotations

import re
from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule
from snipfix.rules.syntax.scan import Token

EXCEPT = re.compile(r"except\s+(?P<kind>\w[\w.]*|\([^()]*\))\s*,\s*(?P<name>\w+)\s*:")
OCTAL = re.compile(r"0[0-7]+")
LONG = re.compile(r"(\d+)[lL]")


class Python2(SyntaxRule):
    """The text is Python 2: `print x`, `except E, e:`, `exec "..."`, `raise E, "..."`, backticks, `<>`, `0777`, `10L`, `lambda (a, b): a`.

    ## What it does
    Reports the first construct of Python 2 that Python 3 does not parse; the fix rewrites all of them.

    ## Why is this bad?
    Python 2 ended in 2020, and no supported Python reads it.

    ## Example
    ```python
    print "loss:", 0.5
    ```

    ## Use instead
    ```python
    print("loss:", 0.5)
    ```

    ## Fix safety
    Safe: each construct has one counterpart. A division of integers is not touched, which means something else in Python 3.

    ## References
    - docs.python.org, "What's New In Python 3.0".
    """

    id = "SNF006"
    name = "python-2-syntax"
    applicability = Applicability.SAFE
    GOOD = (
        Good("print('print x')  # print x\nexec('x = 1')"),
        Good("try:\n    pass\nexcept (ValueError, TypeError):\n    pass\nx = 0o17 + 0 + 00"),
    )
    BAD = (
        Bad("x = 1\nprint 'x is %d' % x  # shown\nprint x,\n", at=(2, 1), fixed="x = 1\nprint('x is %d' % x)  # shown\nprint(x, end=' ')\n"),
        Bad("try:\n    1 / 1\nexcept ValueError, e:\n    print(e)\n", at=(3, 1), fixed="try:\n    1 / 1\nexcept ValueError as e:\n    print(e)\n"),
        Bad("x = max([(1, 2)], key=lambda (a, b): b)\n", at=(1, 30), fixed="x = max([(1, 2)], key=lambda a_b: a_b[1])\n"),
        Bad("x = 10L\nif x <> 3:\n    print(`x`)\n", at=(1, 5), fixed="x = 10\nif x != 3:\n    print(repr(x))\n"),
    )  # fmt: skip

    def mends(self, broken: Broken) -> Iterator[Mend]:
        edits = sorted(edit for edit in _edits(broken) if edit)
        if edits:
            start = _word_start(broken, edits[0].start)
            word = re.match(r"\w+|\S+", broken.text[start:])
            yield Mend("Write it in Python 3", tuple(edits), start, f"`{word[0] if word else ''}` is written as in Python 2")


def _word_start(broken: Broken, offset: int) -> int:
    """The start of the line's statement for print, exec, raise, except; else the place itself."""
    line = broken.line_of(offset)
    tokens = broken.tokens(line)
    if tokens and tokens[0].text in {"print", "exec", "raise", "except"}:
        return tokens[0].start
    return offset


def _edits(broken: Broken) -> Iterator[Edit]:
    code, text = broken.scan.code, broken.text
    for number, token in enumerate(code):
        opens = number == 0 or "\n" in text[code[number - 1].end : token.start] or code[number - 1].text in {";", ":"}
        after = code[number + 1] if number + 1 < len(code) else None
        if opens and token.depth == 0 and token.text in {"print", "exec"} and after:
            yield from _call(broken, number)
        elif opens and token.text == "except" and (match := EXCEPT.match(text, token.start)):
            yield Edit(match.end("kind"), match.start("name"), " as ")
        elif opens and token.text == "raise" and (match := re.compile(r"raise\s+(\w+)\s*,\s*(.+)").match(text, token.start)):
            end = _statement_end(broken, number)
            yield Edit(match.end(1), match.start(2), "(")
            yield Edit(end, end, ")")
        elif token.text == "lambda" and after and after.text == "(":
            yield from _unpacking(code, number)
        elif token.text == "<>":
            yield Edit(token.start, token.end, "!=")
        elif token.kind == "number" and OCTAL.fullmatch(token.text) and token.text.strip("0"):
            yield Edit(token.start, token.end, f"0o{token.text.lstrip('0')}")
        elif token.kind == "number" and (match := LONG.fullmatch(token.text)):
            yield Edit(token.start, token.end, match[1])
    ticks = [token for token in code if token.text == "`"]
    for opened, closed in zip(ticks[::2], ticks[1::2], strict=False):
        line = broken.line_of(opened.start)
        whole = broken.lines[line - 1].strip() == text[opened.start : closed.end]  # of Markdown, then
        if line == broken.line_of(closed.start) and not whole:
            yield Edit(opened.start, opened.end, "repr(")
            yield Edit(closed.start, closed.end, ")")


def _unpacking(code: list[Token], number: int) -> Iterator[Edit]:
    """`lambda (a, b): a + b` as `lambda a_b: a_b[0] + a_b[1]`; nothing where the tuple holds more than names."""
    end = _closer(code, number + 1)
    inside = [one for one in code[number + 2 :] if one.end < end]
    names = [one.text for one in inside if one.kind == "name"]
    rest = [one for one in code[number + 2 :] if one.start >= end]
    if end < 0 or not names or any(one.text != "," for one in inside if one.kind != "name") or not rest or rest[0].text != ":":
        return
    whole, depth = "_".join(names), code[number].depth
    yield Edit(code[number + 1].start, end, whole)
    for before, one, after in zip(rest, rest[1:], [*rest[2:], None], strict=False):
        if one.depth < depth or (one.depth == depth and one.text in {",", ")", "]", "}"}):
            return
        if one.text in names and before.text != "." and not (after and after.text == "=" and one.depth > depth):
            yield Edit(one.start, one.end, f"{whole}[{names.index(one.text)}]")


def _call(broken: Broken, number: int) -> Iterator[Edit]:
    """`print x, y` as a call; nothing for what is a call already."""
    code, text = broken.scan.code, broken.text
    token, after = code[number], code[number + 1]
    end = _statement_end(broken, number)
    if end <= token.end:
        return
    last = next(one for one in reversed(code) if one.end <= end)
    whole = after.text == "(" and _closer(code, number + 1) == last.end
    if whole or (after.kind == "other" and after.text not in {"(", "[", "{", "-", "~", ">", "`", "'", '"', "+"}):
        return
    if after.text == ">" and number + 2 < len(code) and code[number + 2].text == ">":
        comma = next((one for one in code[number + 3 :] if one.text == ","), None)
        if comma and comma.end < end:
            target = text[code[number + 2].end : comma.start].strip()
            yield Edit(token.end, comma.end + 1, "(")
            yield Edit(end, end, f", file={target})")
        return
    yield Edit(token.end, after.start, "(")
    quote = '"' if text.count('"') > text.count("'") else "'"
    if last.text == "," and token.text == "print":
        yield Edit(last.start, last.end, f", end={quote} {quote})")
    else:
        yield Edit(last.end, last.end, ")")


def _closer(code: list[Token], number: int) -> int:
    """The end of the bracket that closes the one at an index; -1 if none does."""
    depth = code[number].depth
    return next((token.end for token in code[number + 1 :] if token.text in {")", "]", "}"} and token.depth == depth), -1)


def _statement_end(broken: Broken, number: int) -> int:
    """Where the statement of a token ends: at a new line outside brackets, or a semicolon."""
    code = broken.scan.code
    end = code[number].end
    for before, token in zip(code[number:], code[number + 1 :], strict=False):
        if token.depth == 0 and (
            ("\n" in broken.text[before.end : token.start] and before.text != "\\" and token.text not in {")", "]", "}"})
            or token.text == ";"
        ):
            break
        end = token.end
    return end

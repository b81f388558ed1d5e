"""Full-width and typographic signs where Python wants ASCII."""

from __future__ import annotations

import re
from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule, is_prose

SIGNS = dict(
    zip(
        "，（）：；＝［］｛｝【】。、＋－＊／＜＞％！＆｜＃＠．＿～＂＇“”„‟″‘’‚‛′–—―−×÷∗≤≥≠…《》「」",
        [*",():;=[]{}[].,+-*/<>%!&|#@._~\"'\"\"\"\"\"'''''---", "-", "*", "/", "*", "<=", ">=", "!=", "...", '"', '"', '"', '"'],
        strict=True,
    )
)
QUOTES = {"“": "”", "‘": "’", "”": "”", "’": "’", "＂": "＂", "＇": "＇", "「": "」", "„": "“"}


class TypographicPunctuation(SyntaxRule):
    """A full-width or typographic sign stands where Python wants an ASCII one.

    ## What it does
    Reports the first such sign outside strings and comments: ，（）：“ ” ‘ ’ ；＝ – × ≤ and the like.

    ## Why is this bad?
    To Python they are unknown characters. An input method or a word processor put them there.

    ## Example
    ```python
    print（“你好”）
    ```

    ## Use instead
    ```python
    print("你好")
    ```

    ## Fix safety
    Safe: each sign has one ASCII counterpart, and the text between typographic quotes is left as it is.

    ## References
    - Python reference, 2 "Lexical analysis".
    """

    id = "SNF004"
    name = "typographic-punctuation"
    applicability = Applicability.SAFE
    GOOD = (Good("print('，（）：“”')  # 注释：“好”，（是）"), Good("变量 = 1\nprint(变量)"))
    BAD = (
        Bad("x = max(1，2）  # 较大：x\nprint(x)\n", at=(1, 10), fixed="x = max(1, 2)  # 较大：x\nprint(x)\n"),
        Bad("print(“你好，世界”)\n", at=(1, 7), fixed='print("你好，世界")\n'),
        Bad("for i in range(3)：\n    print(‘i – j’, i)\n", at=(1, 18), fixed="for i in range(3):\n    print('i – j', i)\n"),
        Bad("y = 3 − 1 × 2\n", at=(1, 7), fixed="y = 3 - 1 * 2\n"),
    )

    def mends(self, broken: Broken) -> Iterator[Mend]:
        edits = [edit for edit in _edits(broken.text) if not _in_prose(broken, edit)]
        if edits:
            first = broken.text[edits[0].start : edits[0].start + 1]
            message = f"`{first}` is not Python's `{edits[0].text.strip()}`"
            yield Mend("Write ASCII punctuation", tuple(edits), edits[0].start, message)


def _in_prose(broken: Broken, edit: Edit) -> bool:
    line = broken.lines[broken.line_of(edit.start) - 1]
    statement = line.lstrip().startswith(("def ", "class ", "for ", "if ", "while ", "with ", "else", "elif "))
    return is_prose(line) and re.search(r"[\u4e00-\u9fff]{3}", line) is not None and not statement


def _edits(text: str) -> Iterator[Edit]:
    """The signs outside strings and comments with their replacements; typographic quotes count as strings of their own."""
    at = 0
    while at < len(text):
        char = text[at]
        end = text.find("\n", at) if text.find("\n", at) >= 0 else len(text)
        if char == "#":
            at = end
        elif char in "\"'":
            at = _after_string(text, at, end)
        elif char in QUOTES and (close := text.find(QUOTES[char], at + 1, end)) >= 0:
            quote = SIGNS[char] if SIGNS[char] not in text[at + 1 : close] else {'"': "'", "'": '"'}[SIGNS[char]]
            yield Edit(at, at + 1, quote)
            yield Edit(close, close + 1, quote)
            at = close + 1
        elif char in SIGNS:
            follows = text[at + 1 : at + 2]
            blank = (
                char in "，：；、"
                and follows not in {" ", "\n", "\u3000", "", ")", "）", "]", "#"}
                and not (char == "：" and _in_slice(text, at))
            )
            yield Edit(at, at + 1, SIGNS[char] + (" " if blank else ""))
            at += 1
        else:
            at += 1


def _after_string(text: str, at: int, end: int) -> int:
    quote = text[at] * 3 if text.startswith(text[at] * 3, at) else text[at]
    here = at + len(quote)
    while here < (len(text) if len(quote) == 3 else end):
        if text[here] == "\\":
            here += 1
        elif text.startswith(quote, here):
            return here + len(quote)
        here += 1
    return here if len(quote) == 3 else at + 1


def _in_slice(text: str, at: int) -> bool:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line.count("[") > line.count("]")

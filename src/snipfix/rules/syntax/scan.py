"""A scanner for text that does not parse: where strings, comments and brackets are, without ever giving up."""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

__all__ = ["CLOSERS", "OPEN_ENDED", "Scan", "Token"]

CLOSERS = {"(": ")", "[": "]", "{": "}"}
CLOSING = frozenset(CLOSERS.values())
OPEN_ENDED = ("(", "[", "{", ",", "=", "+", "-", "*", "/", "%", "@", "and", "or", "not", "in", "is", "if", "else", "\\")
"""What a line of an unfinished statement ends with."""

STATEMENTS = frozenset(
    ["def", "class", "while", "elif", "try", "except", "finally", "with", "return", "import", "raise", "assert", "del", "pass", "break"]
)
BLANK = re.compile(r"\s+")
PREFIX = re.compile(r"[rRbBuUfF]{0,2}$")
TOKEN = re.compile(r"[^\W\d]\w*|\d[\w.]*|\.\.\.|\*\*=?|//=?|===|!==|==|!=|<>|<=|>=|->|:=|&&|\|\||\+\+|[-+*/%@&|^]=|\S")


class Token(NamedTuple):
    """A piece of the text: name, number, string, comment or other, with its offsets and the number of brackets around it."""

    kind: str
    start: int
    end: int
    text: str
    depth: int = 0


class Scan:
    """The tokens of any text. A string in single quotes ends with its line at the latest; `unclosed` are the starts of those that do."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.unclosed: list[int] = []

    @cached_property
    def tokens(self) -> list[Token]:
        """All tokens but blanks, in order."""
        found: list[Token] = []
        at, depth, text = 0, 0, self.text
        while at < len(text):
            char = text[at]
            if char.isspace():
                at = BLANK.match(text, at).end()  # type: ignore[union-attr]
            elif char == "#":
                end = _line_end(text, at)
                found.append(Token("comment", at, end, text[at:end], depth))
                at = end
            elif char in "\"'":
                end = self._string(at)
                start = self._with_prefix(found, at)
                found.append(Token("string", start, end, text[start:end], depth))
                at = end
            else:
                match = TOKEN.match(text, at)
                assert match is not None
                word = match[0]
                if word in CLOSING:
                    depth = max(depth - 1, 0)
                kind = "name" if word[0].isalpha() or word[0] == "_" else "number" if word[0].isdigit() else "other"
                found.append(Token(kind, at, match.end(), word, depth))
                depth += word in CLOSERS
                at = match.end()
        return found

    def _string(self, at: int) -> int:
        """The end of the string that opens at an offset."""
        text = self.text
        quote = text[at] * 3 if text.startswith(text[at] * 3, at) else text[at]
        here = at + len(quote)
        while here < len(text):
            if text[here] == "\\":
                here += 2
            elif text.startswith(quote, here):
                return here + len(quote)
            elif text[here] == "\n" and len(quote) == 1:
                break
            else:
                here += 1
        self.unclosed.append(at)
        return min(here, len(text))

    def _with_prefix(self, found: list[Token], at: int) -> int:
        """The start of a string with its prefix, whose token is taken back."""
        if found and found[-1].end == at and found[-1].kind == "name" and PREFIX.fullmatch(found[-1].text):
            return found.pop().start
        return at

    @cached_property
    def code(self) -> list[Token]:
        """The tokens without comments."""
        return [token for token in self.tokens if token.kind != "comment"]

    @cached_property
    def unbalanced(self) -> list[tuple[list[Token], Token | None]]:
        """Brackets without a partner: (the open ones, inner last; the token that shows it: a wrong closer, the next statement, or None).

        An open bracket ends where a new statement begins, so that one slip does not count for the rest of the text.
        """
        found: list[tuple[list[Token], Token | None]] = []
        stack: list[Token] = []
        before: Token | None = None
        for token in self.code:
            if stack and before and self._new_statement(stack[-1], before, token):
                found.append((stack, token))
                stack = []
            if token.kind == "other" and token.text in CLOSERS:
                stack.append(token)
            elif token.kind == "other" and token.text in CLOSERS.values():
                if not stack or CLOSERS[stack[-1].text] != token.text:
                    found.append((stack[:], token))
                if stack:
                    stack.pop()
            before = token
        return [*found, (stack, None)] if stack else found

    def _new_statement(self, opened: Token, before: Token, token: Token) -> bool:
        """Whether a token inside an open bracket begins a statement."""
        between = self.text[before.end : token.start]
        if "\n" not in between or token.kind != "name":
            return False
        return token.text in STATEMENTS or (
            self._indent(token.start) <= self._indent(opened.start)
            and not before.text.endswith(OPEN_ENDED)
            and token.text not in {"for", "if", "else", "and", "or", "in", "is"}
        )

    def _indent(self, offset: int) -> int:
        line = self.text[self.text.rfind("\n", 0, offset) + 1 : offset + 1]
        return len(line) - len(line.lstrip())

    @property
    def slips(self) -> int:
        """How many brackets and strings have no partner, and how many signs are none of Python's: they hide what is wrong before them."""
        strange = sum(token.kind == "other" and not token.text.isascii() for token in self.code)
        return len(self.unbalanced) + len(self.unclosed) + strange

    def line_tokens(self, start: int, end: int) -> list[Token]:
        """The code tokens that begin between two offsets."""
        return [token for token in self.code if start <= token.start < end]

    def in_code(self, offset: int) -> bool:
        """Whether an offset lies outside strings and comments."""
        return not any(token.start <= offset < token.end for token in self.tokens if token.kind in {"string", "comment"})


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end

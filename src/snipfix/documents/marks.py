"""Marks: comments in a document that tell snipfix what the author means with the next block."""

from __future__ import annotations

import re
from dataclasses import dataclass

from snipfix.documents.events import Comment, Line
from snipfix.errors import ConfigError

__all__ = ["WORDS", "Mark", "mark_of"]

WORDS = ("skip", "expect-error", "setup", "continue", "reset")
MARK = re.compile(r"""\s*snipfix:\s*(?P<word>[\w-]*)(?:\s+reason\s*=\s*(?P<quote>["'])(?P<reason>.*?)(?P=quote))?\s*(?P<rest>.*)""")


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark. A `setup` with lines is itself the hidden code; any other mark speaks of the next block."""

    word: str
    reason: str = ""
    lines: tuple[Line, ...] = ()


def mark_of(comment: Comment, path: str) -> Mark | None:
    """The mark that a comment is, or None for any other comment.

    Raises:
        ConfigError: for a comment that says `snipfix:` and then something unknown.
    """
    first = next((number for number, line in enumerate(comment.lines) if line.code.strip()), 0)
    match = MARK.match(comment.lines[first].code) if comment.lines else None
    if match is None:
        return None
    body = comment.lines[first + 1 :]
    while body and not body[-1].code.strip():
        body = body[:-1]
    if match["word"] not in WORDS or match["rest"] or (body and match["word"] != "setup"):
        raise ConfigError(
            f"no mark says {comment.text.strip()!r}",
            place=f"{path}:{comment.line}",
            hint=f'marks are {", ".join(WORDS)}; `skip reason="..."` says why',
        )
    return Mark(match["word"], match["reason"] or "", body)

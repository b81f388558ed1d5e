"""What the commands say beside their results: on stderr, in the language asked for with --lang."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

from snipfix.errors import SnipfixError

__all__ = ["asked", "complain", "listen", "say"]

_asked: list[str | None] = [None]
"""The language of this command; a process runs one."""


def listen(arguments: Sequence[str]) -> None:
    """Find --lang in the arguments of a command, before anything can go wrong in it."""
    joined = " ".join(arguments).replace("--lang=", "--lang ").split(" ")
    _asked[0] = next((word for option, word in pairwise(joined) if option == "--lang"), None)


def asked() -> str | None:
    """The language that was asked for, None where none was."""
    return _asked[0]


def say(message: str, hint: str = "", *, place: str = "") -> None:
    """A word to the user, with the next step where there is one."""
    where = f"{place}: " if place else ""
    print(f"snipfix: {where}{_spoken(message)}", file=sys.stderr, flush=True)
    if hint:
        print(f"  {'建议' if asked() == 'zh' else 'hint'}: {_spoken(hint)}", file=sys.stderr)


def complain(error: SnipfixError) -> None:
    """What went wrong, where, and the next step."""
    say(error.message, error.hint, place=error.place)


def _spoken(text: str) -> str:
    if asked() != "zh":
        return text
    from snipfix.rules.wording import said

    return said(text, "zh")

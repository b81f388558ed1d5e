"""Text that comes from a snippet, made harmless for whatever shows it: a terminal, a page, a build server's log."""

from __future__ import annotations

import re

__all__ = ["HIDDEN", "clean", "one_line", "short", "steady"]

HIDDEN = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb"
    "\\ud800-\\udfff\\ufffe\\uffff\\U000e0000-\\U000e007f]"
)
"""Control characters but newline and tab; what reorders or hides text (Unicode TR36, CVE-2021-42574); what no UTF-8 or XML may hold."""

ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
LIBRARY = re.compile(r"(?<![\w.])/(?:[^\s/'\":]+/)*?(?=(?:site-packages|dist-packages|lib/python3\.\d+)/)")
SCRATCH = re.compile(r"(?<![\w.])/(?:tmp|var/tmp|run|dev/shm|root|home)/(?:[^\s/'\":]+/)*")


def clean(text: str) -> str:
    """The text with every character that is not to be seen made visible; newlines and tabs stay."""
    return HIDDEN.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return chr(0x2421) if code == 0x7F else f"‹U+{code:04X}›"


def one_line(text: str) -> str:
    """The cleaned text on one line."""
    return clean(" ".join(text.split()))


def short(text: str, limit: int) -> str:
    """One cleaned line of at most `limit` characters."""
    line = one_line(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def steady(text: str) -> str:
    """The text without what differs from run to run or machine to machine: object addresses and absolute paths."""
    return SCRATCH.sub("", LIBRARY.sub("", ADDRESS.sub("0x…", text)))

"""Unified diffs that `patch -p1` applies, also for texts without a final newline."""

from __future__ import annotations

import difflib

__all__ = ["unified"]


def unified(old: str, new: str, name: str) -> str:
    """The diff from old to new under `a/name` and `b/name`; empty when they are equal."""
    if old == new:
        return ""
    name = name.lstrip("./") or "snippet.py"
    lines = difflib.unified_diff(_lines(old), _lines(new), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Lines as patch counts them: only "\\n" ends one."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])

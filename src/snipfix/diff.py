"""What differs between two texts: unified diffs that `patch -p1` applies, also for texts without a final newline, and edits."""

from __future__ import annotations

import difflib

from snipfix.model import Edit

__all__ = ["edits", "unified"]


def edits(old: str, new: str) -> tuple[Edit, ...]:
    """The edits, of whole lines, that make one text of the other."""
    a, b = _lines(old), _lines(new)
    starts = [0]
    for line in a:
        starts.append(starts[-1] + len(line))
    codes = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return tuple(Edit(starts[a1], starts[a2], "".join(b[b1:b2])) for tag, a1, a2, b1, b2 in codes if tag != "equal")


def unified(old: str, new: str, name: str) -> str:
    """The diff from old to new under `a/name` and `b/name`; empty when they are equal."""
    if old == new:
        return ""
    name = name.lstrip("./") or "snippet.py"
    a, b = _lines(old), _lines(new)
    out = [f"--- a/{name}\n", f"+++ b/{name}\n"]
    # difflib.unified_diff would take lines that come often, such as closing fences, for junk.
    for group in difflib.SequenceMatcher(None, a, b, autojunk=False).get_grouped_opcodes(3):
        out.append(f"@@ -{_range(group[0][1], group[-1][2])} +{_range(group[0][3], group[-1][4])} @@\n")
        for tag, a1, a2, b1, b2 in group:
            out += (
                [f" {line}" for line in a[a1:a2]]
                if tag == "equal"
                else [f"-{line}" for line in a[a1:a2]] + [f"+{line}" for line in b[b1:b2]]
            )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in out)


def _range(start: int, end: int) -> str:
    """A hunk's lines as patch counts them: from 1, and from the line before when there are none."""
    length = end - start
    return f"{start + 1 if length else start},{length}" if length != 1 else f"{start + 1}"


def _lines(text: str) -> list[str]:
    """Lines as patch counts them: only "\\n" ends one."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])

# 103 documents with odd names
# expect: 0 1
# then: audit . --stage parse --format json
from pathlib import Path

NAMES = (
    "two\nlines.md",
    "\x1b[31mred.md",
    "-rf.md",
    "a;touch escaped.md",
    "\u202egnp.md",
    "$(touch escaped).md",
    " .md",
    "<b>.md",
    "x" * 200 + ".md",
)


def make(inside: Path) -> None:
    for name in NAMES:
        (inside / name).write_text("```python\nprint(1)\n```\n")

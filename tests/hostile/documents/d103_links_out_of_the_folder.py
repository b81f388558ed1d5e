# 103 links out of the folder
# expect: 0 1 2
# then: repair page.md --write
from pathlib import Path


def make(inside: Path) -> None:
    outside = inside.parent / "outside.md"
    outside.write_text("```python\nprint(1)\n```\n")
    (inside / "page.md").symlink_to(outside)

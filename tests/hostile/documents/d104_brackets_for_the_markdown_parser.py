# 104 brackets for the Markdown parser
# expect: 2
# then: audit page.md --stage parse
from pathlib import Path


def make(inside: Path) -> None:
    text = "[" * 50_000 + "\n\n" + "> " * 5_000 + "x\n\n" + "`" * 50_000 + "\n\n" + "* " * 2_000 + "\n"
    (inside / "page.md").write_text(text + "\n```python\nprint(1)\n```\n")

# 105 a patch beside an audited document, which nobody may load
# expect: 0 1
# then: repair sub/page.md
from pathlib import Path


def make(inside: Path) -> None:
    for folder in ("snippets", "fixes", "reports"):
        (inside / "sub" / folder).mkdir(parents=True)
    (inside / "sub" / "page.md").write_text("```python\nprint(undefined)\n```\n")
    (inside / "sub" / "fixes" / "q01_x.py").write_text("print('UNPICKLED')\n")

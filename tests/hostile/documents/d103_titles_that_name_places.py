# 103 titles that name places
# expect: 0 1
# then: init page.md --into there
from pathlib import Path

TITLES = (
    "../../escaped",
    "/etc/escaped",
    "..",
    ".",
    "CON",
    "nul.txt",
    "x" * 4096,
    "~/escaped",
    "$(touch escaped)",
    "`touch escaped`",
    "a\u2028b",
    "..\\escaped",
    "%2e%2e%2fescaped",
    "-rf",
)


def make(inside: Path) -> None:
    blocks = [f"## {number}. {title}\n\n```python\nprint({number})\n```\n" for number, title in enumerate(TITLES, 1)]
    (inside / "page.md").write_bytes("\n".join(blocks).encode())

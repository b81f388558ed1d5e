# 104 entities that multiply
# expect: 0 1
# then: audit page.html --stage parse
from pathlib import Path


def make(inside: Path) -> None:
    lines = ["<!DOCTYPE lolz [", '<!ENTITY a "aaaaaaaaaa">']
    lines += [f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)]
    (inside / "page.html").write_text("\n".join([*lines, "]>", "<pre><code>print('&j;')</code></pre>"]))

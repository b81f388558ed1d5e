"""Writes the README's table of this repository's workspace from reports/report.json; with --check only says whether it is fresh."""

import json
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- table: make repair writes it -->", "<!-- end of table -->"


def table() -> str:
    """The Markdown table: a row per snippet."""
    report = json.loads((ROOT / "reports/report.json").read_text(encoding="utf-8"))
    lines = ["| snippet | asks for | before | findings at error level | after | by |", "| --- | --- | --- | --- | --- | --- |"]
    for snippet in report["snippets"]:
        categories = Counter(finding["category"] for finding in snippet["findings"] if finding["severity"] == "error")
        found = ", ".join(f"{name} {count}" if count > 1 else name for name, count in categories.items()) or "–"
        repair = snippet["repair"]
        by = "–"
        if repair["verdict"] != "unchanged":
            by = "patch" if repair["patch"] else ", ".join(dict.fromkeys(fix["rule"] for fix in repair["fixes"]))
        lines.append(f"| {snippet['id']} | {snippet['title']} | {snippet['verdict']} | {found} | {repair['verdict']} | {by} |")
    return "\n".join(lines)


def main() -> int:
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    fresh = f"{head}{BEGIN}\n{table()}\n{END}{tail}"
    if "--check" in sys.argv:
        return 0 if fresh == text else 1
    readme.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Prints what comes of the documents in tests/documents/cases/: a table of extraction traps and one of write-back, in Markdown.

01 to 25 and 01 to 12 are the cases that other tools were measured on; the rest are dialects, formats and encodings. Exits with 1 when one fails.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from snipfix import documents
from snipfix.documents import writeback
from snipfix.errors import DocumentError

CASES = Path(__file__).resolve().parent.parent / "tests" / "documents" / "cases"
Row = tuple[str, str, str, bool]


def extraction() -> Iterator[Row]:
    """Each trap: what was extracted, what was listed with its reason, and whether that is what must come of it."""
    for path in sorted(CASES.glob("extraction/*")):
        if path.suffix == ".json":
            continue
        expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        try:
            document = documents.read(path)
        except DocumentError as error:
            yield path.stem, "refused", error.message, expected.get("error", "").endswith(error.message)
            continue
        found = [(one.line, one.code) for one in document.snippets]
        listed = [(one.line, one.reason) for one in document.skipped]
        right = "error" not in expected and found == [(one["line"], one["code"]) for one in expected["snippets"]]
        right = right and listed == [(one["line"], one["reason"]) for one in expected["skipped"]]
        yield path.stem, f"{len(found)} at line {', '.join(str(line) for line, _ in found) or '–'}", f"{len(listed)} listed", right


def write_back() -> Iterator[Row]:
    """Each document in which `x=1` becomes `x = 1`: how many bytes changed, and whether no other did."""
    for path in sorted(CASES.glob("writeback/*.before.*")):
        wanted = path.with_name(path.name.replace(".before.", ".after.")).read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, path.name.replace(".before", ""))
            copy.write_bytes(path.read_bytes())
            document = documents.read(copy)
            codes = {one.id: one.code.replace("x=1", "x = 1") for one in document.snippets if "x=1" in one.code}
            if document.format == "python":  # the innermost snippet, where one encloses the other
                codes = dict(list(codes.items())[-1:])
            writeback.mend(document, codes)
            new = copy.read_bytes()
        yield path.name.partition(".")[0], f"{len(codes)} mended", f"{len(new) - len(document.raw):+d} bytes", new == wanted


def table(title: str, rows: list[Row]) -> bool:
    """Print one table. Returns whether all of it is right."""
    print(
        f"## {title}: {sum(right for *_, right in rows)} of {len(rows)} right\n\n| case | snippets | else | right |\n| --- | --- | --- | --- |"
    )
    for case, snippets, rest, right in rows:
        print(f"| {case} | {snippets} | {rest} | {'yes' if right else 'NO'} |")
    print()
    return all(right for *_, right in rows)


if __name__ == "__main__":
    done = [table("Extraction", list(extraction())), table("Write-back", list(write_back()))]
    sys.exit(not all(done))

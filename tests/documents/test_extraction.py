"""What is a snippet and what is not: one document in cases/extraction/ for each trap, with what must come of it.

01 to 25 are the traps that a reader of Markdown meets; the rest are dialects, labels, marks and encodings.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from snipfix import documents
from snipfix.errors import DocumentError

CASES = Path(__file__).parent / "cases" / "extraction"
DOCUMENTS = sorted(path for path in CASES.iterdir() if path.suffix != ".json")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_snippets_and_what_was_left_out(path):
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    if "error" in expected:
        with pytest.raises(DocumentError) as caught:
            documents.read(path)
        assert str(caught.value) == f"{path}{expected['error']}"
        return
    document = documents.read(path)
    found = [{"line": one.line, "code": one.code} | ({"expect_error": True} if one.expect_error else {}) for one in document.snippets]
    assert found == expected["snippets"]
    assert [{"line": one.line, "reason": one.reason} for one in document.skipped] == expected["skipped"]


def test_there_are_at_least_25_traps():
    assert len(DOCUMENTS) >= 25


@pytest.mark.parametrize("path", DOCUMENTS[:25], ids=lambda path: path.stem)
def test_code_is_what_commonmark_says_it_is(path):
    """The reference for the 25: every snippet that is no session is the content of a fence to the parser."""
    from markdown_it import MarkdownIt

    try:
        document = documents.read(path)
    except DocumentError:
        return
    text = document.source.text
    contents = [token.content for token in MarkdownIt("commonmark").parse(text) if token.type == "fence"]
    for snippet, part in zip(document.snippets, document.parts, strict=True):
        if part.fence.style == "text" and not part.fence.pinned:
            assert snippet.code in contents


def test_every_line_is_located_in_its_document():
    document = documents.read(CASES / "14-in-a-list.md")
    (snippet,) = document.snippets
    lines = document.source.text.split("\n")
    for number, line in enumerate(snippet.code.split("\n")[:-1], start=1):
        indent = snippet.indents[number - 1]
        assert lines[snippet.line + number - 2][indent:] == line


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("31-unlabelled.md", "a block without a language, taken for Python by its code"),
        ("61-indented.md", "an indented block, taken for Python by its code"),
        ("11-py.md", ""),
    ],
)
def test_what_is_python_by_its_code_alone_is_named_as_such(name, kind):
    assert {one.unlabelled for one in documents.read(CASES / name).snippets} == {kind}


def test_the_tables_of_the_cases_are_all_right():
    tool = Path(__file__).parents[2] / "tools" / "document_tables.py"
    done = subprocess.run([sys.executable, tool], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("| yes |") == len(DOCUMENTS) + len(list(CASES.parent.glob("writeback/*.before.*")))


@pytest.mark.parametrize("code", ["not " * 20_000 + "x", "(" * 50_000, ">>> " + "+".join("1" * 20_000) + "\n1", "if" + " " * 100_000 + "x"])
@pytest.mark.parametrize("info", ["python", ""])
def test_no_code_is_too_deep_or_too_long_to_be_read(tmp_path, info, code):
    path = tmp_path / "a.md"
    path.write_text(f"```{info}\n{code}\n```\n")
    document = documents.read(path)
    assert len(document.snippets) + len(document.skipped) == 1

"""Paths in, documents out; and what is refused, with its place and the next step."""

import io
from types import SimpleNamespace

import pytest

from snipfix import documents
from snipfix.errors import DocumentError, SnipfixError, UsageError

BLOCK = "```python\nx = 1\n```\n"


@pytest.fixture
def folder(tmp_path):
    for name in ("b.md", "a.md", "sub/c.rst", ".hidden/d.md", ".venv/e.md", "node_modules/f.md", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("::\n\n   import math\n" if name.endswith("rst") else BLOCK)
    (tmp_path / "z.py").write_text("x = 1\n")
    return tmp_path


def test_a_folder_is_searched_in_order(folder):
    found = documents.collect([folder])
    assert [one.path for one in found] == [str(folder / name) for name in ("a.md", "b.md", "z.py", "sub/c.rst")]
    assert [one.id for document in found for one in document.snippets] == ["a:1", "b:1", "z:1", "c:1"]


def test_documents_of_one_name_are_told_apart(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(BLOCK + "\n```python\nprint(x)\n```\n")
    ids = [one.id for document in documents.collect([tmp_path]) for one in document.snippets]
    assert ids == [f"{(tmp_path / name / 'README.md').as_posix()}:{number}" for name in ("one", "two") for number in (1, 2)]


@pytest.mark.parametrize(
    ("text", "format"),
    [(BLOCK, "markdown"), ("import math\n", "python"), ("<!DOCTYPE html><pre>import math\n</pre>", "html"), ('{"cells": []}', "notebook")],
)
def test_standard_input_is_known_by_its_content(monkeypatch, text, format):  # noqa: A002
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    document = documents.read("-")
    assert (document.path, document.format) == ("-", format)


def test_a_script_is_one_snippet(tmp_path):
    (tmp_path / "a.py").write_text("import math\n\nprint(math.pi)")
    (snippet,) = documents.read(tmp_path / "a.py").snippets
    assert (snippet.code, snippet.line) == ("import math\n\nprint(math.pi)", 1)


REFUSED = [
    ("nowhere.md", None, "nowhere.md: no such file"),
    ("a.md", b"\x89PNG\0\0", "a.md: a binary file (a NUL byte at offset 4)"),
    ("a.md", "# 标题\n\n中".encode()[:-1], "a.md: not valid UTF-8: byte 0xe4 at offset 10, line 3"),
    ("a.md", b"# T\n\n~~~~ python\nx = 1\n~~~\n", "a.md:3: the fence that opens here (~~~~ python) is never closed"),
    ("a.md", b"> Text\n>\n> ```python\n> x = 1\n", "a.md:3: the fence that opens here (```python) is never closed"),
    ("a.txt", b"Words.\n", "a.txt: not a document that snipfix reads"),
    ("a.ipynb", b"{", "a.ipynb: not valid JSON: string index out of range"),
    ("a.ipynb", b'{"worksheets": []}', "a.ipynb: not a notebook of format 3 or 4"),
    ("a.ipynb", b"[" * 100_000, "a.ipynb: not valid JSON: maximum recursion depth exceeded"),
    ("a.md", b"Words.\n\n```bash\nls\n```\n", "no Python in "),
]


@pytest.mark.parametrize(("name", "raw", "message"), REFUSED)
def test_what_cannot_be_understood_is_refused(tmp_path, monkeypatch, name, raw, message):
    monkeypatch.chdir(tmp_path)
    if raw is not None:
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(SnipfixError) as caught:
        documents.collect([name])
    assert str(caught.value).startswith(message)
    assert caught.value.hint or isinstance(caught.value, DocumentError)
    assert caught.value.exit_code == 2


def test_nothing_found_is_not_success(tmp_path):
    (tmp_path / "a.md").write_text("```bash\nls\n```\n")
    with pytest.raises(UsageError) as caught:
        documents.collect([tmp_path])
    assert f"{tmp_path / 'a.md'}:1 not Python (bash)" in caught.value.hint


def test_an_empty_folder(tmp_path):
    with pytest.raises(UsageError) as caught:
        documents.collect([tmp_path])
    assert "no document" in caught.value.hint


def test_one_document_that_cannot_be_read_does_not_hide_the_others(tmp_path):
    (tmp_path / "a.md").write_text("```python\nx = 1\n")
    (tmp_path / "b.md").write_text(BLOCK)
    bad, good = documents.collect([tmp_path])
    assert (good.trouble, len(good.snippets)) == (None, 1)
    assert "never closed" in str(bad.trouble)
    assert [(one.line, one.reason.partition(":")[0]) for one in bad.skipped] == [(1, "the document cannot be read")]


def test_a_file_that_two_paths_lead_to_is_read_once(tmp_path):
    (tmp_path / "a.md").write_text(BLOCK)
    (tmp_path / "link.md").symlink_to(tmp_path / "a.md")
    assert len(documents.collect([tmp_path / "a.md", tmp_path])) == 1

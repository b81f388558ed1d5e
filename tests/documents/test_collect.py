"""Paths in, documents out; and what is refused, with its place and the next step."""

import errno
import io
import os
from pathlib import Path
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
    ("a.md", b"\x89PNG\0\0", "a.md: a binary file, or UTF-16 without a byte order mark (a NUL byte at offset 4)"),
    ("a.md", "# 标题\n\n中".encode()[:-1], "a.md: not valid UTF-8: byte 0xe4 at offset 10, line 3"),
    ("a.md", b"# T\n\n~~~~ python\nx = 1\n~~~\n", "a.md:3: the fence that opens here (~~~~ python) is never closed"),
    ("a.md", b"> Text\n>\n> ```python\n> x = 1\n", "a.md:3: the fence that opens here (```python) is never closed"),
    ("a.txt", b"Words.\n", "a.txt: not a document that snipfix reads"),
    ("a.py", b"# -*- coding: rot13 -*-\nx = 1\n", "a.py:1: unknown encoding: rot13"),
    ("a.ipynb", b'{"cells": [\n', "a.ipynb:2: not valid JSON: Expecting value"),
    ("a.ipynb", b'{"worksheets": []}', "a.ipynb: not a notebook of format 3 or 4"),
    ("a.ipynb", b"[" * 100_000, "a.ipynb:1: not valid JSON: maximum recursion depth exceeded"),
    ("a.ipynb", b'{"cells": [\n{"cell_type": "code", "source": 5}]}', "a.ipynb:2: cell 1 has something else than text for its source"),
    ("/dev/null", None, "/dev/null: neither a file nor a folder"),
    ("x" * 300, None, f"{'x' * 300}: cannot be read: File name too long"),
    ("a.md", b"", "no Python in a.md"),
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
    assert caught.value.hint
    assert caught.value.exit_code == 2


CUT = b'{"cells": [{"cell_type": "code", "source": ["x'
LIKELY = [
    (CUT, "cut off"),
    (b"", "cut off"),
    (b'{"cells":\n<<<<<<< HEAD\n', "conflict"),
    (b"version https://git-lfs.github.com/spec/v1\n", "git lfs"),
]


@pytest.mark.parametrize(("raw", "hint"), LIKELY)
def test_a_broken_notebook_is_told_its_likely_cause(tmp_path, raw, hint):
    (tmp_path / "a.ipynb").write_bytes(raw)
    with pytest.raises(DocumentError) as caught:
        documents.read(tmp_path / "a.ipynb")
    assert hint in caught.value.hint


def test_what_jupyter_would_not_read_in_a_cell_stops_nothing_else(tmp_path):
    odd = '{"cell_type": "code", "source": "x = 1", "metadata": {"tags": 4}, "outputs": [{"output_type": {}, "data": {"text/plain": 5}}]}'
    (tmp_path / "a.ipynb").write_text(f'{{"cells": [3, null, {{"cell_type": 7}}, {odd}]}}')
    assert [one.code for one in documents.read(tmp_path / "a.ipynb").snippets] == ["x = 1"]


def test_a_huge_file_is_no_document(tmp_path):
    with (tmp_path / "a.md").open("wb") as file:
        file.truncate(101 * 2**20)
    with pytest.raises(DocumentError, match="too large for a document: 101 MiB"):
        documents.read(tmp_path / "a.md")


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


def test_what_cannot_be_read_in_a_folder_hides_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "b.md").write_text(BLOCK)
    (tmp_path / "gone.md").symlink_to("nowhere.md")
    (tmp_path / "loop.md").symlink_to("loop.md")
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "shut").mkdir()
    look = os.scandir

    def scandir(path):
        if Path(path).name == "shut":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr("os.scandir", scandir)
    found = documents.collect([tmp_path])
    assert [(Path(one.path).name, len(one.snippets)) for one in found if not one.trouble] == [("b.md", 1)]
    troubles = {Path(one.path).name: one.trouble for one in found if one.trouble}
    assert {name: error.message for name, error in troubles.items()} == {
        "gone.md": "a link to what is not there: nowhere.md",
        "loop.md": "cannot be read: Too many levels of symbolic links",
        "pipe.md": "neither a file nor a folder",
        "shut": "cannot be read: Permission denied",
    }
    assert all(error.hint for error in troubles.values())


def test_what_may_not_be_read_is_said(tmp_path, monkeypatch):
    (tmp_path / "a.md").write_text(BLOCK)
    monkeypatch.setattr(Path, "read_bytes", lambda path: (_ for _ in ()).throw(PermissionError(errno.EACCES, "Permission denied")))
    with pytest.raises(UsageError, match="cannot be read: Permission denied") as caught:
        documents.collect([tmp_path / "a.md"])
    assert caught.value.hint == f"ask for the right to read it: chmod u+r {tmp_path / 'a.md'}"


def test_a_file_that_two_paths_lead_to_is_read_once(tmp_path):
    (tmp_path / "a.md").write_text(BLOCK)
    (tmp_path / "link.md").symlink_to(tmp_path / "a.md")
    assert len(documents.collect([tmp_path / "a.md", tmp_path])) == 1

"""A workspace: what extraction writes, how it is checked, and what loading refuses."""

import json

import pytest

from snipfix import documents
from snipfix.documents import workspace
from snipfix.errors import UsageError, WorkspaceError

TEXT = """# 题库

## 1. PyTorch 中 autograd 的原理

```python
import torch

print(1)
```

**输出：**

```
2
```

```bash
ls
```

## 2. 卷积（CNN）

```python
class Net: pass
```

```python
print(Net)
```
"""


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "qa.md"
    path.write_text(TEXT, encoding="utf-8")
    return documents.read(path)


@pytest.fixture
def root(document, tmp_path):
    workspace.init(document, tmp_path / "work")
    return tmp_path / "work"


def test_files_are_what_stands_in_the_fences(document, tmp_path):
    written = workspace.extract(document, tmp_path / "snippets")
    assert [path.name for path in written] == ["q01_autograd.py", "q02_cnn.py", "q02b_cnn.py"]
    manifest = json.loads((tmp_path / "snippets/manifest.json").read_text(encoding="utf-8"))
    for path, entry in zip(written, manifest["snippets"], strict=True):
        assert path.read_bytes() == document.raw[entry["start_byte"] : entry["end_byte"]]
    assert manifest["snippets"][0] == {
        "id": "q01",
        "file": "q01_autograd.py",
        "question": 1,
        "title": "PyTorch 中 autograd 的原理",
        "line": 6,
        "end_line": 8,
        "start_byte": 58,
        "end_byte": 81,
        "info": "python",
        "sha256": document.snippets[0].sha256,
        "documented_output": "2\n",
    }
    assert manifest["skipped"] == [{"line": 17, "info": "bash", "reason": "not Python (bash)"}]
    assert (manifest["document"], manifest["sha256"], manifest["language"]) == ("qa.md", document.sha256, "zh")


def test_extracting_again_changes_nothing(document, tmp_path):
    workspace.extract(document, tmp_path / "snippets")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "snippets").iterdir()}
    workspace.extract(document, tmp_path / "snippets")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "snippets").iterdir()} == before


def test_files_that_the_document_no_longer_has_are_removed(document, tmp_path):
    workspace.extract(document, tmp_path / "snippets")
    (tmp_path / "qa.md").write_text(TEXT.replace("```python\nprint(Net)\n```\n", ""), encoding="utf-8")
    workspace.extract(documents.read(tmp_path / "qa.md"), tmp_path / "snippets")
    assert not (tmp_path / "snippets/q02b_cnn.py").exists()


def test_newlines_are_those_of_the_document(tmp_path):
    (tmp_path / "a.md").write_bytes(b"> ```python\r\n> x = 1\r\n>\n> y = 2\r\n> ```\r\n")
    (written,) = workspace.extract(documents.read(tmp_path / "a.md"), tmp_path / "snippets")
    assert written.read_bytes() == b"x = 1\r\n\ny = 2\r\n"
    assert workspace.load(tmp_path).snippets[0].code == "x = 1\n\ny = 2\n"


def test_loading_gives_back_what_was_extracted(document, root):
    loaded = workspace.load(root)
    assert (loaded.format, loaded.language, loaded.path) == ("workspace", "zh", str(root))
    assert [one.id for one in loaded.snippets] == ["q01", "q02", "q02b"]
    for one, original in zip(loaded.snippets, document.snippets, strict=True):
        assert (one.code, one.title, one.documented_output, one.line) == (original.code, original.title, original.documented_output, 1)
        assert one.document == str(root)
    assert [one.id for one in loaded.snippets[2].before] == ["q02"]
    assert [one.reason for one in loaded.skipped] == ["not Python (bash)"]


def test_a_workspace_is_collected_as_one_document(root):
    for path in (root, root / "snippets"):
        (document,) = documents.collect([path])
        assert (document.format, len(document.snippets)) == ("workspace", 3)


def test_one_file_of_a_workspace_keeps_its_title_and_its_namespace(root):
    (document,) = documents.collect([root / "snippets/q02b_cnn.py"])
    (snippet,) = document.snippets
    assert (snippet.id, snippet.title, [one.id for one in snippet.before]) == ("q02b", "卷积（CNN）", ["q02"])


def test_hidden_setup_survives(tmp_path):
    (tmp_path / "a.md").write_text("<!-- snipfix: setup\nx = 1\n-->\n```python\nprint(x)\n```\n")
    workspace.extract(documents.read(tmp_path / "a.md"), tmp_path / "snippets")
    (snippet,) = workspace.load(tmp_path).snippets
    assert [one.code for one in snippet.before] == ["x = 1\n"]


def test_check_is_silent_when_verbatim(document, root):
    assert workspace.check(document, root / "snippets") == []


def test_check_names_each_difference(document, root):
    into = root / "snippets"
    (into / "q01_autograd.py").write_text("import torch\n\nprint(2)\n")
    (into / "q02_cnn.py").unlink()
    (into / "extra.py").write_text("")
    assert workspace.check(document, into) == [
        f"{into}/q01_autograd.py: line 3 differs from the document",
        f"{into}/q02_cnn.py: missing",
        f"{into}/extra.py: not from {document.path}",
    ]


def edited(manifest, **changes):
    return json.dumps(manifest | changes)


BROKEN = [
    (lambda into: (into / "q01_autograd.py").write_text("x = 2\n"), "q01_autograd.py: not what was extracted"),
    (lambda into: (into / "q01_autograd.py").unlink(), "q01_autograd.py: in the manifest, but missing"),
    (lambda into: (into / "manifest.json").write_text("{"), "manifest.json: cannot be read"),
    (lambda into: (into / "manifest.json").write_text("[]"), "manifest.json: not a manifest"),
    (lambda into: (into / "manifest.json").write_text('{"format_version": 9}'), "manifest.json: not a manifest"),
    (
        lambda into: (into / "manifest.json").write_text('{"format_version": 1, "document": "a", "snippets": [{"file": "a.py"}]}'),
        "not a manifest",
    ),
    (
        lambda into: (into / "manifest.json").write_text('{"format_version": 1, "document": "a", "snippets": [{"file": "../a.py"}]}'),
        "names a file outside its folder",
    ),
]


@pytest.mark.parametrize(("spoil", "message"), BROKEN)
def test_a_manifest_that_does_not_fit_is_refused(root, spoil, message):
    spoil(root / "snippets")
    with pytest.raises(WorkspaceError) as caught:
        workspace.load(root)
    assert message in str(caught.value)
    assert caught.value.hint


def test_another_documents_folder_is_refused(root, tmp_path):
    (tmp_path / "other.md").write_text("```python\nx = 1\n```\n")
    with pytest.raises(WorkspaceError, match=r"holds the snippets of qa\.md"):
        workspace.extract(documents.read(tmp_path / "other.md"), root / "snippets")


def test_a_document_without_python_has_nothing_to_extract(tmp_path):
    (tmp_path / "a.md").write_text("Words.\n")
    with pytest.raises(UsageError, match="nothing to extract"):
        workspace.extract(documents.read(tmp_path / "a.md"), tmp_path / "snippets")
    assert not (tmp_path / "snippets").exists()


def test_init_refuses_a_workspace_that_is_there(document, root):
    with pytest.raises(WorkspaceError, match="a workspace already"):
        workspace.init(document, root)

"""Patches are pinned to a text, refuse another, and replay to the same bytes."""

from pathlib import Path

import pytest

from snipfix.errors import WorkspaceError
from snipfix.model import Fix, Snippet
from snipfix.patches import load, record

OLD = "import torch\n\nx = 1\ny = x +\nz = 3\n"
NEW = "import torch\nimport math\n\nx = 1\ny = x + 2\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(OLD, NEW, id="inserted, changed, deleted"),
        pytest.param("a\n" * 9, "a\n" * 4 + "b\n" + "a\n" * 5, id="between equal lines"),
        pytest.param("x = '张量'", "x = '张量'  # 说明\n", id="no final newline, Chinese"),
        pytest.param("x = 1\n", "import a\nx = 1\nx = 2\n", id="at both ends"),
    ],
)
def test_a_recorded_patch_replays_to_the_same_bytes(tmp_path: Path, old: str, new: str) -> None:
    snippet = Snippet("q01", "A title", "doc.md", old, path="snippets/q01_title.py")
    file = record(tmp_path, snippet, new, [Fix("mend it", (), rule="SNF600")])
    assert file.name == "q01_title.py"
    loaded = load(tmp_path).for_snippet(snippet)
    assert loaded is not None
    assert loaded.apply(old) == new


def test_a_stale_patch_is_refused(tmp_path: Path) -> None:
    snippet = Snippet("q01", "", "doc.md", OLD, path="snippets/q01_title.py")
    record(tmp_path, snippet, NEW, [])
    changed = Snippet("q01", "", "doc.md", OLD + "w = 4\n", path="snippets/q01_title.py")
    patches = load(tmp_path)
    assert patches.for_snippet(changed) is None
    with pytest.raises(WorkspaceError, match="stale"):
        patches.check([changed])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_that_name", "cannot be loaded"),
        ("x = 1", "PATCH"),
        ("from snipfix.patches import Patch\nPATCH = Patch('a', 'short', '', '')\nTRANSFORM = ()", "sha256"),
    ],
)
def test_a_file_that_is_no_patch_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "q01.py").write_text(text)
    with pytest.raises(WorkspaceError, match="q01") as raised:
        load(tmp_path)
    assert said in str(raised.value)


def test_two_patches_for_one_text_are_refused(tmp_path: Path) -> None:
    record(tmp_path, Snippet("a", "", "", OLD), NEW, [])
    record(tmp_path, Snippet("b", "", "", OLD), NEW, [])
    with pytest.raises(WorkspaceError, match="repeats"):
        load(tmp_path)


def test_a_transform_may_be_a_libcst_transformer(tmp_path: Path) -> None:
    snippet = Snippet("a", "", "", "x = 1\n")
    (tmp_path / "a.py").write_text(
        "import libcst as cst\nfrom snipfix.patches import Patch\n"
        f"PATCH = Patch('a', {snippet.sha256!r}, '', '')\n"
        "class TRANSFORM(cst.CSTTransformer):\n"
        "    def leave_Integer(self, old, new):\n        return new.with_changes(value='2')\n"
    )
    loaded = load(tmp_path).for_snippet(snippet)
    assert loaded is not None
    assert loaded.apply("x = 1\n") == "x = 2\n"

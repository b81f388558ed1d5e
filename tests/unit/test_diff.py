"""Diffs apply with `patch -p1`, whatever the texts end in and however often a line comes."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snipfix.diff import unified


def patched(folder: Path, old: str, new: str) -> str:
    (folder / "doc.md").write_bytes(old.encode())
    done = subprocess.run(
        ["patch", "-p1", "--quiet"], cwd=folder, input=unified(old, new, "doc.md").encode(), check=False, capture_output=True
    )
    assert done.returncode == 0, done.stdout
    file = folder / "doc.md"
    return file.read_bytes().decode() if file.exists() else ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\nb\n", "a\nc\n"),
        ("a\nb", "a\nb\n"),
        ("a\n", "a\nb"),
        ("a\n", "x\na\n"),
        ("a\nb\nc\n", "b\n"),
        ("```\n" * 300 + "a\n```\n", "```\n" * 300 + "b\n```\n"),
        ("x = '\u2028'\n", "y = '\u2028'\n"),
    ],
)
def test_it_applies(tmp_path: Path, old: str, new: str) -> None:
    assert patched(tmp_path, old, new) == new


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=12).map("".join)


@given(LINES, LINES)
def test_any_two_texts(tmp_path_factory: pytest.TempPathFactory, old: str, new: str) -> None:
    assert patched(tmp_path_factory.mktemp("diff"), old + "end\n", new + "end\n") == new + "end\n"


def test_a_line_that_comes_often_is_no_change() -> None:
    diff = unified("```\n" * 300 + "a\n```\n", "```\n" * 300 + "b\n```\n", "doc.md")
    assert [line for line in diff.splitlines()[2:] if line[0] in "+-"] == ["-a", "+b"]

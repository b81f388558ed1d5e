"""Diffs apply with `patch -p1`, whatever the texts end in and however often a line comes."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snipfix.diff import edits, unified
from snipfix.model import Fix


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


@given(LINES, LINES, st.sampled_from(["", "end"]))
def test_edits_make_one_text_of_the_other(old: str, new: str, last: str) -> None:
    assert Fix("", edits(old + last, new + last)).apply(old + last) == new + last


def test_only_the_lines_that_differ_are_edited() -> None:
    assert [(one.start, one.end, one.text) for one in edits("a\nb\nc\n", "a\nx\ny\nc\n")] == [(2, 4, "x\ny\n")]

"""What lands in a workspace's reports/: complete, applicable, the same in every run and on every machine."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import report_sample as sample

from snipfix.diff import unified
from snipfix.model import Result, RunReport
from snipfix.report import write_workspace


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def placed(root: Path, report: RunReport) -> RunReport:
    """The sample as a run over the workspace at `root` would give it."""

    def moved(result: Result) -> Result:
        snippet = result.snippet
        return replace(
            result, snippet=replace(snippet, document=str(root), path=str(root / "snippets" / Path(snippet.path or "d01.py").name))
        )

    return replace(report, results=tuple(moved(result) for result in report.results))


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    write_workspace(placed(tmp_path, sample.report()), tmp_path / "reports")
    return tmp_path / "reports"


def test_every_file_is_there(reports: Path) -> None:
    assert set(written(reports)) == {
        "index.html",
        "report.md",
        "report.json",
        "diffs/q02_cnn.diff",
        "diffs/q03_mix.diff",
        "corrected/q01_autograd.py",
        "corrected/q02_cnn.py",
        "corrected/q03_mix.py",
    }


def test_diffs_apply_with_patch(reports: Path, tmp_path: Path) -> None:
    (tmp_path / "snippets").mkdir()
    (tmp_path / "snippets/q02_cnn.py").write_text(sample.NET, encoding="utf-8", newline="\n")
    subprocess.run(["patch", "-p1", "-i", str(reports / "diffs/q02_cnn.diff")], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "snippets/q02_cnn.py").read_bytes() == (reports / "corrected/q02_cnn.py").read_bytes()


@pytest.mark.parametrize(
    ("old", "new"), [("a\nb", "a\nc"), ("a\nb", "a\nb\n"), ("a\n", "a"), ("", "x"), ("a\x0cb\n", "a\x0cc\n"), ("a\u2028b\n", "c\n")]
)
def test_diffs_apply_without_a_final_newline(tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / "s.py").write_text(old, encoding="utf-8", newline="\n")
    subprocess.run(["patch", "-p1"], input=unified(old, new, "s.py").encode(), cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "s.py").read_text(encoding="utf-8") == new


def test_a_second_run_changes_no_byte(reports: Path, tmp_path: Path) -> None:
    slower = placed(tmp_path, sample.report())
    slower = replace(slower, seconds=99.0, results=tuple(replace(result, seconds=9.0) for result in slower.results))
    before = written(reports)
    assert write_workspace(slower, reports) == []
    assert written(reports) == before


def test_another_folder_gives_the_same_files(reports: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    write_workspace(placed(other, sample.report()), other / "reports")
    assert written(other / "reports") == written(reports)


def test_nothing_of_the_machine_is_in_them(reports: Path, tmp_path: Path) -> None:
    for name, data in written(reports).items():
        for secret in (str(tmp_path), "0x7f3a2b1c9d00", "/tmp/", "1.52"):
            assert secret.encode() not in data, name


def test_what_an_earlier_run_left_is_removed(reports: Path, tmp_path: Path) -> None:
    (reports / "diffs/q99_gone.diff").write_text("old")
    (reports / "corrected/notes.txt").write_text("mine")
    changed = write_workspace(placed(tmp_path, sample.report()), reports)
    assert changed == [reports / "diffs/q99_gone.diff"]
    assert (reports / "corrected/notes.txt").exists()


def test_an_id_cannot_leave_the_folder(tmp_path: Path) -> None:
    evil = sample.clean()
    evil = replace(evil, snippet=replace(evil.snippet, id="../../x", path=None))
    write_workspace(RunReport((evil,)), tmp_path / "w/reports")
    assert [path.name for path in (tmp_path / "w/reports/corrected").iterdir()] == ["_.._x.py"]
    assert {path.name for path in tmp_path.iterdir()} == {"w"}

"""Two runs compared, and the runs that are remembered."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import report_sample as sample

from snipfix.cli.app import run
from snipfix.errors import UsageError
from snipfix.model import RunReport, Span, Verdict
from snipfix.report import history
from snipfix.report import render as render_report
from snipfix.report.compare import compare, load, render
from snipfix.report.text import HIDDEN


def saved(folder: Path, name: str, report: RunReport) -> Path:
    file = folder / f"{name}.json"
    file.write_text(render_report(report, "json"), encoding="utf-8")
    return file


def mended(report: RunReport) -> RunReport:
    """q02 without its findings."""
    first, second, *rest = report.results
    return replace(report, results=(first, replace(second, verdict=Verdict.CLEAN, findings=()), *rest))


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Path]:
    report = sample.report("audit")
    return saved(tmp_path, "old", report), saved(tmp_path, "new", mended(report))


def test_what_got_better_is_better_one_way_and_worse_the_other(both: tuple[Path, Path]):
    old, new = map(load, both)
    assert [(change.kind, change.snippet.id) for change in compare(old, new).changes] == [("better", "q02")]
    assert [(change.kind, change.snippet.id) for change in compare(new, old).changes] == [("worse", "q02")]
    assert compare(old, old).changes == ()
    assert not compare(old, new).worse
    assert compare(new, old).worse


def test_a_finding_that_only_moved_is_the_same(tmp_path: Path):
    report = sample.report("audit")
    moved = replace(report.results[1], findings=tuple(one.moved(Span(3, 1, 3, 2)) for one in report.results[1].findings))
    other = replace(report, results=(report.results[0], moved, *report.results[2:]))
    assert compare(load(saved(tmp_path, "a", report)), load(saved(tmp_path, "b", other))).changes == ()


def test_one_error_for_another_is_neither(tmp_path: Path):
    report = sample.report("audit")
    other = replace(report.results[1].findings[0], rule="SNF400", message="another")
    changed = replace(report, results=(report.results[0], replace(report.results[1], findings=(other,)), *report.results[2:]))
    (change,) = compare(load(saved(tmp_path, "a", report)), load(saved(tmp_path, "b", changed))).changes
    assert change.kind == "mixed"
    assert [finding.rule for finding in change.came] == ["SNF400"]


def test_snippets_that_came_and_went(tmp_path: Path):
    report = sample.report("audit")
    old = load(saved(tmp_path, "a", replace(report, results=report.results[:2])))
    new = load(saved(tmp_path, "b", replace(report, results=report.results[1:3])))
    assert {(change.kind, change.snippet.id) for change in compare(old, new).changes} == {("new", "q03"), ("gone", "q01")}


@pytest.mark.parametrize("format", ["table", "markdown", "json"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_formats_show_nothing_hidden(tmp_path: Path, format: str, language: str):  # noqa: A002
    report = sample.report("audit")
    old = load(saved(tmp_path, "a", replace(report, results=())))
    text = render(compare(old, load(saved(tmp_path, "b", report))), format, language=language)
    assert not HIDDEN.search(text)
    assert "q04" in text
    if format == "markdown":
        assert "<script>" not in text.replace("\\<", "")
    if format == "json":
        assert json.loads(text)["totals"]["new"] == len(report.results)


def test_an_unknown_format_is_refused(both: tuple[Path, Path]):
    with pytest.raises(UsageError, match="no format 'sarif'"):
        render(compare(*map(load, both)), "sarif")


@pytest.mark.parametrize("text", ["", "[]", '{"format_version": 1}', "\x00", '{"format_version": 9, "command": "audit", "snippets": []}'])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str):
    file = tmp_path / "odd.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        load(file)


def test_a_torn_history_is_refused(tmp_path: Path):
    (tmp_path / "1.json.gz").write_bytes(b"\x1f\x8b\x08\x00torn")
    with pytest.raises(UsageError, match="cannot read"):
        load(tmp_path / "1.json.gz")


def test_history_is_bounded_and_numbers_stay(tmp_path: Path):
    for _ in range(history.KEPT + 3):
        history.add(sample.report("audit"), tmp_path)
    known = history.runs(tmp_path)
    assert [one.number for one in known] == list(range(history.KEPT + 3, 3, -1))
    assert history.run_file("last~1", tmp_path) == known[1].file
    assert history.run_file(str(known[-1].number), tmp_path) == known[-1].file
    with pytest.raises(UsageError, match="no run '1'"):
        history.run_file("1", tmp_path)


def test_the_command_line(both: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    assert run(["report", "--history"]) == 2
    history.add(sample.report("audit"))
    history.add(mended(sample.report("audit")))
    assert run(["report", "--history"]) == 0
    assert "审查    2 正确，2 有错误" in capsys.readouterr().out, "by default in the language of the titles"
    assert run(["report", "--history", "--lang", "en"]) == 0
    assert "1 clean" in capsys.readouterr().out
    assert run(["report", "--compare", "last~1", "last", "--lang", "en"]) == 0
    assert "1 better, 4 as before" in capsys.readouterr().out
    assert run(["report", "--compare", "last", str(both[0])]) == 1
    assert "1 变差，4 不变" in capsys.readouterr().out
    assert run(["report", "--compare", "last~1", "last", "--format", "json", "--output", "compared.json"]) == 0
    assert json.loads((tmp_path / "compared.json").read_text(encoding="utf-8"))["totals"]["better"] == 1
    assert run(["report", "--compare", "last~1", "last", "--output", str(tmp_path)]) == 2
    assert run(["report", "--compare", "nothing", "last"]) == 2

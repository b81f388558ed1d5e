"""The main job on real input: this repository's thirty snippets, extracted, audited, repaired and reported by the commands a user runs.

Training is cut short (`--quick`), for the time that a test may take: the committed reports are those of `make repair`, which trains to the end.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT.parent / "shared" / "pytorch_qa.md"
UNTOUCHED = {"q02", "q03", "q04", "q14", "q20", "q21", "q24"}


def snipfix(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "snipfix", *arguments], cwd=cwd, capture_output=True, text=True, timeout=900, check=False)


@pytest.fixture(scope="module")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the workspace after `snipfix repair --write`."""
    folder = tmp_path_factory.mktemp("workspace")
    shutil.copytree(ROOT / "snippets", folder / "snippets")
    shutil.copytree(ROOT / "fixes", folder / "fixes", ignore=shutil.ignore_patterns("__pycache__"))
    done = snipfix("repair", "--write", "--quick", "--exit-zero", "--timeout", "300", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def report(repaired: Path) -> dict[str, dict]:
    snippets = json.loads((repaired / "reports/report.json").read_text(encoding="utf-8"))["snippets"]
    return {snippet["id"]: snippet for snippet in snippets}


@pytest.mark.skipif(not DOCUMENT.is_file(), reason="the document is not beside this checkout")
def test_the_snippets_are_verbatim() -> None:
    done = snipfix("extract", str(DOCUMENT), "--into", "snippets", "--check", cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_right_snippets_are_clean_and_untouched(report: dict[str, dict]) -> None:
    assert {name for name, snippet in report.items() if snippet["verdict"] == "clean"} == UNTOUCHED
    assert {name for name, snippet in report.items() if snippet["repair"]["verdict"] == "unchanged"} == UNTOUCHED


def test_every_broken_snippet_is_repaired(report: dict[str, dict]) -> None:
    broken = {name: snippet["repair"] for name, snippet in report.items() if name not in UNTOUCHED}
    assert {name: repair["reason"] for name, repair in broken.items() if repair["verdict"] != "repaired"} == {}
    assert not [finding for repair in broken.values() for finding in repair["findings_after"] if finding["severity"] == "error"]


EXPECTED = json.loads((ROOT / "tests/golden/expected.json").read_text(encoding="utf-8"))["snippets"]
FOUND = 0.96
"""Of the defects at error level that the expert lists, the share that must be found: some need knowledge of what the author meant to write."""


def is_found(defect: dict, findings: list[dict]) -> bool:
    """Whether a finding of the right category stands at the right line, or at another place that the expert accepts."""
    lines, categories = {defect["line"], *defect.get("also", ())}, {defect["category"], *defect.get("or", ())}
    return any(finding["category"] in categories and finding["line"] in lines for finding in findings)


def test_the_defects_an_expert_lists_are_found(report: dict[str, dict]) -> None:
    listed = [(stem.split("_")[0], defect) for stem, defects in EXPECTED.items() for defect in defects if defect["severity"] == "error"]
    missed = [
        (name, defect["line"], defect["category"], defect["reason"])
        for name, defect in listed
        if not is_found(defect, report[name]["findings"])
    ]
    assert len(listed) - len(missed) >= FOUND * len(listed), missed


def test_no_error_is_reported_that_the_expert_does_not_list(report: dict[str, dict]) -> None:
    """Every finding at error level stands in a snippet that the expert marks, at a line or in a category that is marked there."""
    alarms = []
    for stem, defects in EXPECTED.items():
        name = stem.split("_")[0]
        lines = {line for defect in defects for line in (defect["line"], *defect.get("also", ()))}
        categories = {category for defect in defects for category in (defect["category"], *defect.get("or", ()))}
        alarms += [
            (name, finding["rule"], finding["line"], finding["message"])
            for finding in report[name]["findings"]
            if finding["severity"] == "error" and finding["line"] not in lines and finding["category"] not in categories
        ]
    assert alarms == []


def test_the_diffs_apply(repaired: Path, tmp_path: Path) -> None:
    shutil.copytree(repaired / "snippets", tmp_path / "snippets")
    for diff in sorted((repaired / "reports/diffs").glob("*.diff")):
        subprocess.run(["patch", "-p1", "--quiet", "-i", str(diff)], cwd=tmp_path, check=True)
    for corrected in sorted((repaired / "reports/corrected").glob("*.py")):
        assert (tmp_path / "snippets" / corrected.name).read_bytes() == corrected.read_bytes(), corrected.name


@pytest.mark.parametrize("kind", ["diffs", "corrected"])
def test_the_committed_reports_are_fresh(repaired: Path, kind: str) -> None:
    fresh = {path.name: path.read_text(encoding="utf-8") for path in (repaired / "reports" / kind).iterdir()}
    committed = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "reports" / kind).iterdir()}
    assert fresh == committed, "run `make repair` and commit the result"


def test_the_committed_report_says_the_same(report: dict[str, dict]) -> None:
    """What is seen behind another finding, and how many tries it took, may depend on the machine's speed, and that training was cut short is said."""

    def steady(snippet: dict) -> dict:
        findings = [finding for finding in snippet["findings"] if not finding["behind"]]
        world = [stand_in for stand_in in snippet["world"] if stand_in["what"] != "--quick"]
        return {**snippet, "findings": findings, "world": world, "repair": {**snippet["repair"], "tries": 0}}

    committed = json.loads((ROOT / "reports/report.json").read_text(encoding="utf-8"))["snippets"]
    stale = [snippet["id"] for snippet in committed if steady(snippet) != steady(report[snippet["id"]])]
    assert stale == [], "run `make repair` and commit the result"


def test_the_readme_table_is_fresh() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "tools/readme_table.py"), "--check"], check=False, env=dict(os.environ))
    assert done.returncode == 0, "run `make repair` and commit the result"

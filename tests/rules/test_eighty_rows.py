"""The commonest errors of PyTorch code, row by row: each is blamed by its rule at its line, and mended as far as its grade says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from snipfix.engines.local import LocalEngine
from snipfix.model import Severity, Snippet
from snipfix.repair import Repairer
from snipfix.rules.registry import rules

HERE = Path(__file__).parent
HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
MARK = "  # <-"
PAGE = (HERE / "eighty_rows.md").read_text(encoding="utf-8")
ROW = re.compile(r"^## (\d+) \([SUD]\): [^\n]+\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
CASE = re.compile(r"^```python ([^\n]+) \(([SUD-])\)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = set(re.findall(r"^## ([^\n`]+): `", (HERE / "broken_programs.md").read_text(encoding="utf-8"), re.MULTILINE))
ROWS = [(int(number), body) for number, body in ROW.findall(PAGE)]


@dataclass(frozen=True, slots=True)
class Case:
    """One program of the page: the rules that may blame its marked line, and how far it is mended."""

    row: int
    rules: list[str]
    grade: str
    code: str

    @property
    def line(self) -> int:
        (line,) = (number for number, text in enumerate(self.code.splitlines(), 1) if text.endswith(MARK))
        return line


CASES = [Case(number, names.split(), grade, HEAD + code) for number, body in ROWS for names, grade, code in CASE.findall(body)]


def test_every_row_has_a_program():
    assert {number for number, _ in ROWS} == set(range(1, 81))
    known = {rule.name for rule in rules()}
    for number, body in ROWS:
        named = [name for line in re.findall(r"^Programs: (.*)\.$", body, re.MULTILINE) for name in line.split(", ")]
        elsewhere = re.findall(r"^Elsewhere: `(.*)`\.$", body, re.MULTILINE)
        assert named or elsewhere or CASE.search(body), number
        assert not set(named) - PROGRAMS, (number, set(named) - PROGRAMS)
        assert not set(elsewhere) - known, number
    assert len(CASES) == PAGE.count("```python")
    assert not {name for case in CASES for name in case.rules} - known


@pytest.mark.torch
@pytest.mark.parametrize("case", CASES, ids=[f"{case.row}-{number}-{case.rules[0]}" for number, case in enumerate(CASES)])
def test_it_is_blamed_and_mended(engine: LocalEngine, case: Case, request: pytest.FixtureRequest):
    if case.grade == "-":
        request.applymarker(pytest.mark.xfail(strict=True, reason="a gap that the page names"))
    result = engine.auditor.audit(Snippet("program", "Program", "d.md", case.code.replace(MARK, "")))
    found = [finding for finding in result.findings if finding.name in case.rules and finding.span.line == case.line]
    assert found, [(finding.name, finding.span.line) for finding in result.findings]
    if case.grade in "SU" and found[0].severity is Severity.ERROR:
        assert Repairer(engine.auditor).repair(result, "program.py").repair.verdict == "repaired"
    elif case.grade in "SU":
        assert found[0].fixes, "a warning that offers no fix"

"""What was repaired is right: a second repair changes nothing, and neither does one of a right program; several jobs find what one finds."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from snipfix.config import Options
from snipfix.engines.local import LocalEngine
from snipfix.model import RepairVerdict, Result, Snippet

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.repair.cases import programs  # noqa: E402
from benchmarks.repair.fault import FAULTS, edited  # noqa: E402
from snipfix.code import Code  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.long]
PROGRAMS = programs([ROOT / "benchmarks" / "programs"])
KINDS = (
    "wrong-in-features", "lost-bracket", "misspelt-function", "softmax-before-cross-entropy", "missing-zero-grad",
    "missing-super", "state-not-unpacked", "double-input", "loss-as-number",
)  # fmt: skip


def broken() -> list[Snippet]:
    """One case of each kind, in programs drawn by a seed."""
    chance, found = random.Random(7), list[Snippet]()
    for kind in KINDS:
        places = [(program, place) for program in PROGRAMS for place in FAULTS[kind].places(Code(program.text))]
        program, place = chance.choice(places)
        found.append(Snippet(f"{program.name}: {kind}", program.name, kind, edited(program.text, place)))
    return found


def repaired(snippets: list[Snippet], jobs: int) -> list[Result]:
    with LocalEngine(Options(jobs=jobs, quick=True, cache=False, tries=80, search_seconds=30.0)) as engine:
        return list(engine.results(snippets, repair=True))


def test_a_second_repair_changes_nothing() -> None:
    first = repaired(broken(), jobs=2)
    done = [result for result in first if result.repair and result.repair.verdict is RepairVerdict.REPAIRED]
    assert len(done) >= len(KINDS) - 2, [(one.snippet.id, one.repair.reason) for one in first if one not in done]
    again = repaired([Snippet(one.snippet.id, "", "again", one.repair.corrected) for one in done if one.repair], jobs=2)
    assert [(one.snippet.id, one.repair.verdict, one.repair.corrected) for one in again if one.repair] == [
        (one.snippet.id, RepairVerdict.UNCHANGED, one.repair.corrected) for one in done if one.repair
    ]


def test_right_programs_are_left_as_they_are() -> None:
    right = [Snippet(program.name, "", "right", program.text) for program in PROGRAMS[::9]]
    assert {one.snippet.id: one.repair.verdict for one in repaired(right, jobs=2) if one.repair} == {
        snippet.id: RepairVerdict.UNCHANGED for snippet in right
    }


def test_one_snippet_is_repaired_the_same_by_one_job_and_by_three() -> None:
    snippets = [one for one in broken() if one.document in ("wrong-in-features", "double-input")]
    for alone, together in zip(*(repaired(snippets, jobs) for jobs in (1, 3)), strict=True):
        assert alone.repair is not None
        assert together.repair is not None
        found = ((one.corrected, one.tries, one.alternatives) for one in (alone.repair, together.repair))
        assert next(found) == next(found)

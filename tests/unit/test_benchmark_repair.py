"""The repair benchmark measures what it says: faults are real, outputs are compared honestly, and its table counts right."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.repair.cases import CHECK, Case, Program, lines, programs, several, single  # noqa: E402
from benchmarks.repair.fault import FAULTS, edited  # noqa: E402
from benchmarks.repair.measure import Measured, changed_lines  # noqa: E402
from benchmarks.repair.outputs import alike  # noqa: E402
from benchmarks.repair.table import HEAD, machine, markdown, row  # noqa: E402
from snipfix.code import Code  # noqa: E402
from snipfix.evidence import Outcome, Span  # noqa: E402
from snipfix.model import Category, Finding, Repair, RepairVerdict, Result, Severity, Stage, Verdict  # noqa: E402

PROGRAMS = programs([ROOT / "benchmarks" / "programs"])
FINE = Outcome(kind="ok", stdout="loss 0.5\n")
WRITTEN = Program("tiny", "import torch\n\nx = torch.zeros(3)\nprint(x)\n")


def test_there_are_enough_programs_and_kinds() -> None:
    assert len(PROGRAMS) >= 40
    assert len(FAULTS) >= 25
    assert {category for fault in FAULTS.values() for category in fault.categories} <= {category.value for category in Category}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_parses_and_shows_what_it_does(program: Program) -> None:
    assert Code(program.text).syntax_error is None
    assert Code(program.text + program.check).syntax_error is None
    assert "print(" in program.text + program.check
    assert CHECK not in program.text


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.kind)
def test_a_fault_has_places_and_changes_the_text_at_each(fault) -> None:
    places = [(program, place) for program in PROGRAMS for place in fault.places(Code(program.text))]
    assert places
    assert all(edited(program.text, place) != program.text for program, place in places)


@pytest.mark.parametrize(
    ("kind", "text", "broken"),
    [
        ("lost-colon", "for i in x:\n    print(i)\n", "for i in x\n    print(i)\n"),
        ("missing-import", "import torch\nprint(torch)\n", "print(torch)\n"),
        ("wrong-in-features", "nn.Linear(4 * 5, 2)\n", "nn.Linear((4 * 5) * 2, 2)\n"),
        ("lost-cast", "y = (a == b).float().mean()\n", "y = (a == b).mean()\n"),
        ("batch-first-dropped", "nn.LSTM(3, 4, batch_first=True)\n", "nn.LSTM(3, 4)\n"),
        ("missing-zero-grad", "for b in d:\n    o.zero_grad()\n    o.step()\n", "for b in d:\n    o.step()\n"),
        ("loss-as-number", "loss = f(x)\n", "loss = f(x).item()\n"),
        ("layers-in-plain-list", "self.a = nn.ModuleList([b])\n", "self.a = [b]\n"),
        ("state-not-unpacked", "out, _ = self.rnn(x)\n", "out = self.rnn(x)\n"),
    ],
)
def test_a_fault_as_a_careless_author_makes_it(kind: str, text: str, broken: str) -> None:
    assert [edited(text, place) for place in FAULTS[kind].places(Code(text))] == [broken]


def test_the_same_seed_gives_the_same_cases_and_another_one_others() -> None:
    right = [(program, FINE) for program in PROGRAMS]

    def texts(seed: int) -> list[str]:
        return [case.text for case in single(FAULTS["misspelt-name"], right, seed)][:10]

    assert texts(0) == texts(0) != texts(1)


def test_faults_made_together_differ_and_do_not_touch() -> None:
    right = [(program, FINE) for program in PROGRAMS]
    made = [case for case, _ in zip(several(3, list(FAULTS), right, 0), range(20), strict=False)]
    assert all(len({fault.kind for fault in case.faults}) == 3 for case in made)
    assert all(case.kind == "3 together" for case in made)
    code = Code("a\nb\nc\nd\n")
    assert lines(code, replace_line(code, 1)) & lines(code, replace_line(code, 2))


def replace_line(code: Code, line: int):
    from snipfix.model import Edit

    return (Edit(code.offset(line, 1), code.offset(line, 2), "x"),)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("loss 0.50000", "loss 0.50001", True),
        ("loss 0.5", "loss 0.6", False),
        ("loss 0.5", "cost 0.5", False),
        ("tensor([ 1.0, -2.0])", "tensor([1.0,  -2.0])", True),
        ("a 1\nb 2", "a 1", False),
        ("nan", "nan", True),
    ],
)
def test_outputs_are_alike_within_rounding(one: str, other: str, *, same: bool) -> None:
    assert alike(Outcome(kind="ok", stdout=one), Outcome(kind="ok", stdout=other)) is same


def test_runs_that_fail_are_never_alike() -> None:
    assert not alike(FINE, replace_kind("raised"))


def replace_kind(kind: str) -> Outcome:
    return Outcome(kind=kind, stdout=FINE.stdout)


def measured(*findings: str, repaired: bool = True, after: Outcome = FINE) -> Measured:
    case = Case(WRITTEN, (FAULTS["misspelt-function"],), WRITTEN.text.replace("zeros", "zreos"), FINE)
    found = tuple(
        Finding("SNF000", "made-up", Category(category), Severity.ERROR, "it is wrong", Span.at(3), Stage.RUN) for category in findings
    )
    verdict = RepairVerdict.REPAIRED if repaired else RepairVerdict.UNREPAIRED
    repair = Repair(verdict, WRITTEN.text if repaired else case.text, "", reason="" if repaired else "no candidate", tries=3)
    result = Result(case.snippet, Verdict.FAILING, (), found, outcome=replace_kind("raised"), repair=repair)
    return Measured(case, result, after if repaired else None, 1.5)


def test_a_good_repair_has_no_failure() -> None:
    good = measured("undefined-name")
    assert (good.detected, good.category_right, good.repaired, good.equivalent, good.worse, good.failure) == (
        True,
        True,
        True,
        True,
        False,
        "",
    )
    assert good.changed == good.injected == 2


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (measured(repaired=False), "not detected"),
        (measured("shape", repaired=False), "not repaired: SNF000 made-up (error, shape): no candidate"),
        (measured("undefined-name", after=Outcome(kind="ok", stdout="loss 9")), "repaired to something else"),
        (measured("shape"), "category: SNF000"),
    ],
)
def test_a_failure_says_what_went_wrong(bad: Measured, says: str) -> None:
    assert bad.failure.startswith(says)


def test_a_repair_that_runs_worse_is_counted() -> None:
    one = measured("undefined-name", after=Outcome(kind="raised"))
    assert not one.worse, "the broken program failed as well"
    assert replace(one, before=FINE).worse


def test_the_table_counts_and_lists() -> None:
    both = [measured("undefined-name"), measured(repaired=False)]
    text = markdown(both)
    assert text.startswith(HEAD)
    assert row("misspelt-function", both) == "| misspelt-function | 2 | 50 % | 50 % | 50 % | 50 % | 0 | 3 | 1.5 | 2 / 2 |"
    assert row("misspelt-function", both) in text
    assert "1 of 2 cases are not as they should be" in text
    assert [one["equivalent"] for one in machine(both)] == [True, False]


def test_changed_lines_count_both_sides() -> None:
    assert changed_lines("a\nb\n", "a\nc\nd\n") == 3

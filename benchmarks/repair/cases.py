"""Right programs with faults put in: seeded, and only where they truly change what the program does."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.repair import faults_shapes, faults_text, faults_training  # noqa: F401  they register their kinds
from benchmarks.repair.fault import FAULTS, Fault, edited
from benchmarks.repair.outputs import alike
from benchmarks.repair.shown import show_values
from snipfix.code import Code
from snipfix.config import QUICK_STEPS
from snipfix.evidence import Job, Outcome
from snipfix.model import Edit, Snippet

CHECK = "# check\n"
"""What follows this line in a program's file is no part of it: it calls what the program only defines, to compare outputs."""

FRESH_SEED = 1
"""Not the audit's: a repair must fit inputs that the search has not seen."""

Run = Callable[[Job], Outcome]


@dataclass(frozen=True)
class Program:
    """A program that is right, and the code that shows what it does."""

    name: str
    text: str
    check: str = ""
    quick: bool = False
    """Its training loops are cut short where it is run."""

    def job(self, text: str) -> Job:
        """The job that shows what a text in place of the program's does."""
        steps = QUICK_STEPS if self.quick else 0
        return Job(code=text + self.check, stage="run", seed=FRESH_SEED, timeout=30.0, quick=steps)


@dataclass(frozen=True)
class Case:
    """A program with faults in it."""

    program: Program
    faults: tuple[Fault, ...]
    text: str
    right: Outcome
    """What the program does without them."""
    parts: tuple[str, ...] = ()
    """The texts with one of several faults each."""

    @property
    def kind(self) -> str:
        return self.faults[0].kind if len(self.faults) == 1 else f"{len(self.faults)} together"

    @property
    def id(self) -> str:
        return f"{self.program.name}: {' + '.join(fault.kind for fault in self.faults)}"

    @property
    def snippet(self) -> Snippet:
        language = "en" if self.text.isascii() else "zh"
        return Snippet(id=self.id, title=self.program.name, document=self.program.name, code=self.text, language=language)


def programs(paths: Iterable[Path]) -> list[Program]:
    """The programs in files and folders. One without a check of its own shows the values that it leaves behind, after a few steps."""
    files = [file for path in paths for file in (sorted(path.glob("*.py")) if path.is_dir() else [path])]
    found = []
    for file in files:
        text, _, check = file.read_text(encoding="utf-8").partition(CHECK)
        silent = not check and "print(" not in text
        found.append(Program(file.stem, text, show_values(file.stem, text) if silent else check, quick=silent))
    return found


def cases(run: Run, written: Sequence[Program], kinds: Sequence[str], *, seed: int, limit: int, together: int, jobs: int) -> list[Case]:
    """Up to `limit` cases of each kind, in different programs while there are any, and `together` cases of two and of three faults."""
    with ThreadPoolExecutor(jobs) as threads:
        outcomes = list(threads.map(lambda program: run(program.job(program.text)), written))
        right = [(program, outcome) for program, outcome in zip(written, outcomes, strict=True) if outcome.kind == "ok"]
        wanted = [(single(FAULTS[kind], right, seed), limit) for kind in kinds]
        wanted += [(several(number, kinds, right, seed), together) for number in (2, 3)]
        return [case for found in threads.map(lambda want: first_real(run, *want), wanted) for case in found]


def single(fault: Fault, right: Sequence[tuple[Program, Outcome]], seed: int) -> Iterator[Case]:
    """Every place of a fault in every program, in a random order in which the programs take turns."""
    chance = random.Random(f"{seed} {fault.kind}")
    places = {program: list(fault.places(Code(program.text))) for program, _ in right}
    for found in places.values():
        chance.shuffle(found)
    turns = sorted(right, key=lambda _: chance.random())
    for turn in range(max(map(len, places.values()), default=0)):
        for program, outcome in turns:
            if turn < len(places[program]):
                yield Case(program, (fault,), edited(program.text, places[program][turn]), outcome)


def several(number: int, kinds: Sequence[str], right: Sequence[tuple[Program, Outcome]], seed: int) -> Iterator[Case]:
    """Cases of several different faults, each on lines of its own."""
    chance = random.Random(f"{seed} {number}")
    for _ in range(1000):
        program, outcome = chance.choice(right)
        code, taken, edits, faults, parts = Code(program.text), set[int](), list[Edit](), list[Fault](), list[str]()
        for kind in chance.sample(list(kinds), len(kinds)):
            places = [place for place in FAULTS[kind].places(code) if not taken & lines(code, place)]
            if places and len(faults) < number:
                place = chance.choice(places)
                taken |= lines(code, place)
                edits += place
                faults.append(FAULTS[kind])
                parts.append(edited(program.text, place))
        if len(faults) == number:
            yield Case(program, tuple(faults), edited(program.text, tuple(edits)), outcome, tuple(parts))


def lines(code: Code, edits: Iterable[Edit]) -> set[int]:
    """The lines that edits touch, and those next to them."""
    return {
        line for edit in edits for line in range(max(1, code.place(edit.start)[0] - 1), code.place(max(edit.start, edit.end - 1))[0] + 2)
    }


def first_real(run: Run, candidates: Iterator[Case], limit: int) -> list[Case]:
    """The first cases that change what the program does."""
    found: list[Case] = []
    seen = set[str]()
    while len(found) < limit and (case := next(candidates, None)) is not None:
        if case.text not in seen and changes_behaviour(run, case):
            found.append(case)
        seen.add(case.text)
    return found


def changes_behaviour(run: Run, case: Case) -> bool:
    """Whether the faults, and each of several by itself, change what the program does: a fault that shows nowhere is none."""
    return all(
        Code(text).syntax_error is not None or not alike(case.right, run(case.program.job(text))) for text in (*case.parts, case.text)
    )

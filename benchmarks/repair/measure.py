"""Audit and repair of every case, and what came of it."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.repair.cases import Case, Run
from benchmarks.repair.outputs import alike
from snipfix.engines.local import LocalEngine
from snipfix.evidence import Outcome
from snipfix.model import Finding, RepairVerdict, Result, Severity


@dataclass(frozen=True)
class Measured:
    """What audit and repair made of one case."""

    case: Case
    result: Result
    after: Outcome | None
    """What the repaired program does on fresh inputs; None when there is none."""
    seconds: float
    before: Outcome | None = None
    """What the broken program does on fresh inputs; looked at only when the repaired one fails."""

    @property
    def findings(self) -> list[Finding]:
        return [finding for finding in self.result.findings if finding.severity is not Severity.NOTE]

    @property
    def detected(self) -> bool:
        """As many findings as faults, or one finding that fits each."""
        return len(self.findings) >= len(self.case.faults) or self.category_right

    @property
    def category_right(self) -> bool:
        """Each fault has a finding of a category that fits it."""
        found = {finding.category.value for finding in self.findings}
        return all(found & fault.categories for fault in self.case.faults)

    @property
    def repaired(self) -> bool:
        return self.result.repair is not None and self.result.repair.verdict is RepairVerdict.REPAIRED

    @property
    def equivalent(self) -> bool:
        return self.repaired and self.after is not None and alike(self.case.right, self.after)

    @property
    def worse(self) -> bool:
        """The repaired program fails where the broken one did not, or has more errors."""
        repair = self.result.repair
        if repair is None or repair.verdict is RepairVerdict.UNCHANGED:
            return False
        errors = sum(finding.is_error for finding in self.result.findings)
        fails = self.before is not None and self.before.kind == "ok"
        return self.repaired and (fails or sum(finding.is_error for finding in repair.findings_after) > errors)

    @property
    def tries(self) -> int:
        return self.result.repair.tries if self.result.repair else 0

    @property
    def injected(self) -> int:
        return changed_lines(self.case.program.text, self.case.text)

    @property
    def changed(self) -> int:
        return changed_lines(self.case.text, self.result.repair.corrected) if self.result.repair else 0

    @property
    def failure(self) -> str:
        """Why it is not what it should be, in words; empty when all is well."""
        said = "; ".join(f"{finding.rule} {finding.name} ({finding.severity}, {finding.category})" for finding in self.findings)
        if not self.detected:
            return f"not detected{': only ' + said if said else ''}"
        if not self.repaired:
            return f"not repaired: {said}: {self.result.repair.reason if self.result.repair else ''}".rstrip(": ")
        if not self.equivalent:
            fixes = "; ".join(fix.title for fix in self.result.repair.fixes) if self.result.repair else ""
            return f"repaired to something else: {fixes}"
        return "" if self.category_right else f"category: {said}"


class Clock:
    """Notes how long each case takes, from its audit to the proof of its repair."""

    def __init__(self) -> None:
        self.begun: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def running(self, id: str) -> None:  # noqa: A002
        self.begun[id] = time.monotonic()

    def done(self, result: Result) -> None:
        self.seconds[result.snippet.id] = time.monotonic() - self.begun[result.snippet.id]


def measure(engine: LocalEngine, run: Run, cases: Sequence[Case]) -> Iterator[Measured]:
    """Every case audited, repaired by the rules alone and run on fresh inputs."""
    clock = Clock()
    results = list(engine.results([case.snippet for case in cases], repair=True, watcher=clock))

    def finished(pair: tuple[Case, Result]) -> Measured:
        case, result = pair
        after = None
        if result.repair is not None and result.repair.verdict is RepairVerdict.REPAIRED:
            after = run(case.program.job(result.repair.corrected))
        before = run(case.program.job(case.text)) if after is not None and after.kind != "ok" else None
        return Measured(case, result, after, clock.seconds[case.snippet.id], before)

    with ThreadPoolExecutor(engine.jobs) as threads:
        yield from threads.map(finished, zip(cases, results, strict=True))


def changed_lines(old: str, new: str) -> int:
    """Lines dropped and lines put in."""
    return sum(line[:1] in "+-" for line in difflib.ndiff(old.splitlines(), new.splitlines()))

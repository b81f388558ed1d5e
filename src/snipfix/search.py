"""The search on one page: best-first over edited texts.

Every candidate is audited again in a fresh fork; what gets furthest is looked at next, and a dead end is left by going back to the next best.
Training loops are cut short while searching; `repair` proves the winner in full.
"""

from __future__ import annotations

import difflib
import heapq
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Protocol

from snipfix.audit import Auditor
from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Result, Severity, Snippet, Stage

__all__ = ["LOADED", "Ahead", "Search", "State", "is_detour", "is_progress", "same_fault"]

CANDIDATE_SECONDS = 20.0
"""Processor seconds that a candidate may take with its training loops cut short."""
LOADED = 3
"""How many times as long as its processor time a search may last by the clock: what it finds is no matter of the machine's load."""


AHEAD = 4
"""Candidates that are begun before it is known whether they are needed."""


class Ahead(Protocol):
    """Fork servers that have nothing else to do."""

    def begin(self, work: Callable[[], Result]) -> Future[Result] | None:
        """The work on its way, or None when nobody is free."""
        ...


@dataclass(frozen=True)
class State:
    """One edited text on the way: what the audit says of it and which fixes led there."""

    text: str
    result: Result
    fixes: tuple[Fix, ...] = ()
    texts: tuple[str, ...] = ()
    """The texts on the way, from the author's to this one: one more than there are fixes."""
    detour: bool = False
    """It stops earlier than the text before it, for another reason; the next fix must make up for that."""

    @property
    def errors(self) -> list[Finding]:
        """What code must mend. A false documented output is mended in the document, once the code is right."""
        return [
            finding
            for finding in self.result.findings
            if finding.is_error and not finding.behind and finding.category is not Category.DOCUMENTED_OUTPUT
        ]

    @property
    def cost(self) -> tuple[int, int, int, int, int, int]:
        """Lower is better: how early it stops, how many errors are left, how many calls fail that may be none of the author's, how much the edits
        change, and how a teacher likes them.
        """
        return (
            -self.reached,
            len(self.errors),
            sum(fix.meaning is Meaning.CHANGES for fix in self.fixes),
            sum(finding.severity is Severity.WARNING and finding.stage is Stage.EXERCISE for finding in self.result.findings),
            sum(fix.preference for fix in self.fixes),
            sum(len(edit.text) + edit.end - edit.start for fix in self.fixes for edit in fix.edits),
        )

    @property
    def reached(self) -> int:
        """How far the snippet came: the stage of its first error, and within a run the line where it stopped."""
        if not self.errors:
            return 1_000_000
        depth = min(finding.stage.depth for finding in self.errors)
        lines = [path[0][1] for path in self.stops(Stage.RUN)] if depth == Stage.RUN.depth else []
        return depth * 100_000 + min(lines, default=0)

    def stops(self, stage: Stage) -> list[list[tuple[str, int]]]:
        """Where the runs of a stage stop: the functions and the author's lines from the outermost to the failing one, for each failure."""
        outcome, found = self.result.outcome, list[list[tuple[str, int]]]()
        if outcome is not None:
            failures = [outcome.failure] if stage is Stage.RUN else [exercise.failure for exercise in outcome.exercises]
            found = [[(one.function, one.span.line) for one in failure.frames if one.snippet] for failure in failures if failure]
        pretended = [finding.evidence.get("stopped") for finding in self.errors if finding.stage is stage]
        found += [[(str(name), int(line)) for name, line in path] for path in pretended if path]
        return [[(name, self.author_line(line)) for name, line in path] for path in found if path]

    def author_line(self, line: int) -> int:
        """The line of the author's text that a line comes from, or that it was put in front of: lines put in bring nothing further."""
        for tag, a1, a2, b1, b2 in self._changes:
            if b1 < line <= b2:
                return a1 + line - b1 if tag == "equal" else min(a1 + line - b1, max(a2, a1 + 1))
        return line

    @cached_property
    def _changes(self) -> Sequence[tuple[str, int, int, int, int]]:
        old, new = (self.texts or (self.text,))[0].split("\n"), self.text.split("\n")
        return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


@dataclass
class Search:
    """The running search for one snippet: texts seen, tries made, the best state so far."""

    auditor: Auditor
    snippet: Snippet
    started: float = field(default_factory=time.monotonic)
    patience: float = CANDIDATE_SECONDS
    """Processor seconds that one candidate may take."""
    ahead: Ahead | None = None
    begun: dict[str, Future[Result]] = field(default_factory=dict)
    """Audits on their way, by text. What is found does not hang on them: they are looked at in the order in which they would have been made."""
    tries: int = 0
    processor: float = 0.0
    """Processor seconds that the candidates took."""
    seen: set[str] = field(default_factory=set)
    known: dict[str, Result] = field(default_factory=dict)
    """What came of the texts that were tried."""
    thorough: bool = False
    """Where the straight way led nowhere: rivals of safe fixes are looked at as well, and fixes of other findings."""
    limits: tuple[int, float] | None = None
    """Tries and processor seconds after which it ends, where those are not the options' own."""
    best: State = field(init=False)
    """The state with errors that got furthest."""

    @property
    def spent(self) -> bool:
        options = self.auditor.options
        waited = time.monotonic() - self.started > LOADED * options.search_seconds
        tries, seconds = self.limits or (options.tries, options.search_seconds)
        return self.tries >= tries or self.processor > seconds or waited

    def audit(self, text: str) -> Result:
        """A candidate's Result: training loops cut short, and less patience than the final proof has."""
        if text in self.known:
            return self.known[text]
        self.tries += 1
        future = self.begun.pop(text, None)
        result = self._audited(text) if future is None or future.cancel() else future.result()
        self.processor += result.outcome.usage.cpu if result.outcome else 0.0
        self.known[text] = result
        return result

    def _audited(self, text: str) -> Result:
        options = self.auditor.options
        # Processor time, so that what is found does not hang on what else the machine does; the wall clock is for what sleeps.
        limits = replace(options, timeout=min(options.timeout, LOADED * self.patience), processor=self.patience)
        hasty = replace(self.auditor, options=limits)
        return hasty.audit(replace(self.snippet, code=text), quick=True)

    def look_ahead(self, texts: Iterable[str]) -> None:
        """Begin the audits of texts that are likely to be asked for next, while there are fork servers for them."""
        for text in itertools.islice(texts, AHEAD if self.ahead else 0):
            if text not in self.begun and text not in self.known and self.ahead is not None:
                future = self.ahead.begin(partial(self._audited, text))
                if future is None:
                    return
                self.begun[text] = future

    def close(self) -> None:
        """Nobody waits any more for what was begun."""
        for future in self.begun.values():
            future.cancel()
        self.begun.clear()

    def solutions(self, start: Result) -> Iterator[list[State]]:
        """States without errors, those that mend the same finding together, cheapest first; goes on for as long as it is asked.

        First straight on, then thoroughly.
        """
        self.best = first = State(self.snippet.code, start, texts=(self.snippet.code,))
        self.known[first.text] = start
        offered = set[str]()
        for self.thorough in (False, True):
            if self.thorough:
                options = self.auditor.options
                self.limits = (min(options.tries, self.tries + THOROUGH[0]), min(options.search_seconds, self.processor + THOROUGH[1]))
            for states in self._solutions(first):
                if new := [state for state in states if state.text not in offered]:
                    offered.update(state.text for state in new)
                    yield new

    def _solutions(self, first: State) -> Iterator[list[State]]:
        order = itertools.count()
        queue = [(first.cost, next(order), first)]
        self.seen = {first.text}
        while queue and not self.spent:
            solved = []
            for after in self.steps(heapq.heappop(queue)[2]):
                if after.errors:
                    self.best = min(self.best, after, key=lambda one: one.cost)
                    heapq.heappush(queue, (after.cost, next(order), after))
                else:
                    solved.append(after)
            if solved:
                yield sorted(solved, key=lambda one: one.cost)

    def steps(self, state: State) -> Iterator[State]:
        """The states one fix away that are progress, all mending the same finding: the first one that can be mended at all.

        Other findings wait for the states that follow. A safe fix that helps is taken at once, without looking at its rivals.
        """
        for finding in sorted(state.errors, key=lambda one: (one.stage.depth, one.span)):
            helped, fixes = 0, sorted(self.allowed(finding), key=lambda one: one.preference)
            for number, fix in enumerate(fixes):
                if self.spent or helped > MAX_ALTERNATIVES * (1 + self.thorough):
                    return
                straight = fix.applicability is Applicability.SAFE and not self.thorough
                if not straight:  # which is seldom looked beyond
                    self.begin_fixes(state, fixes[number + 1 :])
                after = self.after(state, fix)
                if after is None:
                    continue
                if not is_progress(state, after, finding):
                    if is_detour(state, after, finding):
                        yield replace(after, detour=True)
                    continue
                helped += 1
                yield after
                if straight:
                    return
            if helped and not self.thorough:
                return

    def begin_fixes(self, state: State, fixes: Iterable[Fix]) -> None:
        self.look_ahead(text for text in (fix.apply(state.text) for fix in fixes) if text not in self.seen)

    def allowed(self, finding: Finding) -> list[Fix]:
        changes = self.auditor.options.unsafe_fixes
        return [
            fix
            for fix in finding.fixes
            if fix.applicability is not Applicability.DISPLAY_ONLY and (changes or fix.meaning is not Meaning.CHANGES)
        ]

    def after(self, state: State, fix: Fix) -> State | None:
        """The state after one more fix, or None for a text that was tried before."""
        text = fix.apply(state.text)
        if text in self.seen:
            return None
        self.seen.add(text)
        return State(text, self.audit(text), (*state.fixes, fix), (*state.texts, text))


THOROUGH = (60, 30.0)
"""Tries and processor seconds that the search may go on for when the straight way led nowhere."""
MAX_ALTERNATIVES = 3
"""Rival fixes of one finding that are followed, besides the first."""


def is_progress(before: State, after: State, mended: Finding) -> bool:
    """The mended finding is gone (fewer of its rule), the text parses if it did, and the run does not stop earlier."""

    def count(state: State) -> int:
        return sum(finding.rule == mended.rule for finding in state.errors)

    if after.reached < before.reached and len(after.errors) >= len(before.errors):
        return False
    return count(after) < count(before) or after.reached > before.reached or goes_on(before, after, mended.stage)


def goes_on(before: State, after: State, stage: Stage) -> bool:
    """Whether the same call comes further in the same function: two wrong layers of one `forward` are mended one after the other."""
    if len(after.errors) > len(before.errors) or len(before.stops(stage)) != len(after.stops(stage)):
        return False
    pairs = list(zip(before.stops(stage), after.stops(stage), strict=True))
    further = [_further(*pair) for pair in pairs]
    return any(further) and not any(_further(new, old) for old, new in pairs)


def _further(old: list[tuple[str, int]], new: list[tuple[str, int]]) -> bool:
    """Whether the second path leaves the first one at a later line of the same function."""
    ahead = next(((one, other) for one, other in zip(old, new, strict=False) if one != other), None)
    return ahead is not None and ahead[0][0] == ahead[1][0] and ahead[0][1] < ahead[1][1]


def is_detour(before: State, after: State, mended: Finding) -> bool:
    """The finding gave way to one that shows earlier and has fixes of its own: a wrong width behind a view that hid it."""
    first = min(after.errors, key=lambda one: (one.stage.depth, one.span), default=None)
    return (
        not before.detour
        and first is not None
        and bool(first.fixes)
        and len(after.errors) <= len(before.errors)
        and not any(same_fault(finding, mended) for finding in after.errors)
    )


def same_fault(one: Finding, other: Finding) -> bool:
    """Whether two findings speak of the same fault, as far as evidence tells: another layer or another call on the same line is another one."""

    def fault(finding: Finding) -> tuple[object, ...]:
        where = tuple(finding.evidence.get(name) for name in ("module", "operation"))
        return (finding.rule, *((*where, finding.span.column) if any(where) else ()))

    return fault(one) == fault(other)

"""The search on one page: from a failing Result to a Repair with its proof, or an honest word why not.

Best-first over edited texts. Every candidate is audited again in a fresh fork; what gets furthest is looked at next, and a dead end is left by
going back to the next best. Training loops are cut short while searching; the winner is proven in full, and every edit must be necessary.
"""

from __future__ import annotations

import difflib
import heapq
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from snipfix.audit import ENDED, Auditor
from snipfix.code import Code
from snipfix.diff import unified
from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Repair, RepairVerdict, Result, Snippet, Stage
from snipfix.patches import Patches
from snipfix.proof import cheats, lost

__all__ = ["Repairer"]


CANDIDATE_SECONDS = 20.0
"""Wall clock that a candidate may take with its training loops cut short."""
CUT_SHORT = "proven with its training loops cut short: run in full, it takes longer than the time limit"
LOADED = 3
"""How many times as long as its processor time a search may last by the clock: what it finds is no matter of the machine's load."""


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
    def cost(self) -> tuple[int, int, int, int, int]:
        """Lower is better: how early it stops, how many errors are left, how much the edits change, and how a teacher likes them."""
        return (
            -self.reached,
            len(self.errors),
            sum(fix.meaning is Meaning.CHANGES for fix in self.fixes),
            sum(fix.preference for fix in self.fixes),
            sum(len(edit.text) + edit.end - edit.start for fix in self.fixes for edit in fix.edits),
        )

    @property
    def reached(self) -> int:
        """How far the snippet came: the stage of its first error, and within a run the line where it stopped."""
        if not self.errors:
            return 1_000_000
        depth = min(finding.stage.depth for finding in self.errors)
        failure = self.result.outcome.failure if self.result.outcome else None
        line = failure.frames[0].span.line if failure and failure.frames and depth == Stage.RUN.depth else 0
        return depth * 100_000 + line


@dataclass
class Search:
    """The running search for one snippet: texts seen, tries made, the best state so far."""

    auditor: Auditor
    snippet: Snippet
    started: float = field(default_factory=time.monotonic)
    patience: float = CANDIDATE_SECONDS
    """Wall clock that one candidate may take."""
    tries: int = 0
    processor: float = 0.0
    """Processor seconds that the candidates took."""
    seen: set[str] = field(default_factory=set)
    best: State = field(init=False)
    """The state with errors that got furthest."""

    @property
    def spent(self) -> bool:
        options = self.auditor.options
        waited = time.monotonic() - self.started > LOADED * options.search_seconds
        return self.tries >= options.tries or self.processor > options.search_seconds or waited

    def audit(self, text: str) -> Result:
        """A candidate's Result: training loops cut short, and less patience than the final proof has."""
        self.tries += 1
        options = self.auditor.options
        hasty = replace(self.auditor, options=replace(options, timeout=min(options.timeout, self.patience)))
        result = hasty.audit(replace(self.snippet, code=text), quick=True)
        self.processor += result.outcome.usage.cpu if result.outcome else 0.0
        return result

    def solutions(self, start: Result) -> Iterator[list[State]]:
        """States without errors, those that mend the same finding together, cheapest first; goes on for as long as it is asked."""
        order = itertools.count()
        self.best = State(self.snippet.code, start, texts=(self.snippet.code,))
        queue = [(self.best.cost, next(order), self.best)]
        self.seen.add(self.best.text)
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
            helped = 0
            for fix in sorted(self.allowed(finding), key=lambda one: one.preference):
                if self.spent or helped > MAX_ALTERNATIVES:
                    return
                after = self.after(state, fix)
                if after is None:
                    continue
                if not is_progress(state, after, finding):
                    if is_detour(state, after, finding):
                        yield replace(after, detour=True)
                    continue
                helped += 1
                yield after
                if fix.applicability is Applicability.SAFE:
                    return
            if helped:
                return

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


MAX_ALTERNATIVES = 3
"""Rival fixes of one finding that are followed, besides the first."""


def is_progress(before: State, after: State, mended: Finding) -> bool:
    """The mended finding is gone (fewer of its rule), the text parses if it did, and the run does not stop earlier."""

    def count(state: State) -> int:
        return sum(finding.rule == mended.rule for finding in state.errors)

    if after.reached < before.reached and len(after.errors) >= len(before.errors):
        return False
    return count(after) < count(before) or after.reached > before.reached


def is_detour(before: State, after: State, mended: Finding) -> bool:
    """The finding gave way to one that shows earlier and has fixes of its own: a wrong width behind a view that hid it."""
    first = min(after.errors, key=lambda one: (one.stage.depth, one.span), default=None)
    return (
        not before.detour
        and first is not None
        and bool(first.fixes)
        and len(after.errors) <= len(before.errors)
        and not any(finding.rule == mended.rule for finding in after.errors)
    )


@dataclass(frozen=True)
class Repairer:
    """Repairs results of an Auditor: a patch that fits goes first, then the rules."""

    auditor: Auditor
    patches: Patches | None = None

    def repair(self, result: Result, name: str | None = None) -> Result:
        """The result with its Repair. `name` is the file name that the diff carries."""
        if not any(finding.is_error for finding in result.findings):
            return replace(result, repair=_unchanged(result))
        repair = self._ended(result, self._patched(result) or self._searched(result))
        return replace(result, repair=self._with_diff(result, self._with_true_output(result, repair), name))

    def _ended(self, result: Result, repair: Repair) -> Repair:
        """The repair, not called one when the run that should prove it was cut off.

        A training that is longer than the limit proves it with its loops cut short, as the search does, and says so.
        """
        if repair.verdict is not RepairVerdict.REPAIRED or repair.outcome is None or repair.outcome.kind in ENDED:
            return repair
        if repair.outcome.kind == "timeout":
            short = self.auditor.audit(replace(result.snippet, code=repair.corrected), quick=True)
            if short.outcome and short.outcome.kind in ENDED and not any(finding.is_error for finding in short.findings):
                return replace(repair, findings_after=short.findings, outcome=short.outcome, reason=CUT_SHORT)
        return replace(repair, verdict=RepairVerdict.PARTLY_REPAIRED, reason=f"not proven: the run ended as {repair.outcome.kind}")

    def _with_true_output(self, result: Result, repair: Repair) -> Repair:
        """The repair, with the true output in place of a documented one that the corrected code still refutes."""
        refuted = any(finding.category is Category.DOCUMENTED_OUTPUT and finding.is_error for finding in repair.findings_after)
        if not refuted or repair.verdict is not RepairVerdict.REPAIRED or repair.outcome is None:
            return repair
        output = repair.outcome.stdout
        after = self.auditor.audit(replace(result.snippet, code=repair.corrected, documented_output=output))
        if any(finding.is_error for finding in after.findings):
            return replace(repair, verdict=RepairVerdict.PARTLY_REPAIRED, reason="the documented output is false, and the true one varies")
        return replace(repair, output=output, findings_after=after.findings, outcome=after.outcome)

    def _patched(self, result: Result) -> Repair | None:
        loaded = self.patches.for_snippet(result.snippet) if self.patches else None
        if loaded is None:
            return None
        text = loaded.apply(result.snippet.code)
        after = self.auditor.audit(replace(result.snippet, code=text))
        state = State(text, after, (Fix(loaded.patch.why, (), meaning=loaded.patch.meaning),))
        return replace(_repair_of(result, state, tries=1), patch=loaded.file)

    def _searched(self, result: Result) -> Repair:
        start = State(result.snippet.code, result)
        if not start.errors:
            return _repair_of(result, start, tries=0)
        search, refused = Search(self.auditor, result.snippet), ""
        for rivals in search.solutions(result):
            for state in rivals:
                proven, why = self._proven(search, result, state)
                if proven is not None:
                    others = tuple(one.fixes[-1] for one in rivals if one is not state)
                    return replace(_repair_of(result, proven, search.tries), alternatives=others)
                refused = refused or f'"{state.fixes[-1].title}" was refused: {why}'
        repair = _repair_of(result, search.best, search.tries)
        return replace(repair, reason=f"{repair.reason}; {refused}") if refused else repair

    def _proven(self, search: Search, before: Result, state: State) -> tuple[State | None, str]:
        """The state with every unnecessary edit taken back and audited in full; or None and why it does not hold."""
        state = self._necessary(search, state)
        full = self.auditor.audit(replace(search.snippet, code=state.text), quick=False)
        proven = replace(state, result=full)
        why = cheats(Code(before.snippet.code), Code(state.text)) or lost(before, full)
        if proven.errors:
            why = f"run in full, {proven.errors[0].message}"
        return (None, why) if why else (proven, "")

    def _necessary(self, search: Search, state: State) -> State:
        """The state without the fixes that it does not need: each is taken back in turn, whole, and left out when no error comes back."""
        for number, fix in enumerate(state.fixes):
            text = taken_back(state, number)
            if len(state.fixes) < 2 or text is None or text in (state.text, search.snippet.code):
                continue
            shorter = replace(state, text=text, result=search.audit(text), fixes=tuple(one for one in state.fixes if one is not fix))
            if not shorter.errors:
                state = shorter
        return state

    def _with_diff(self, result: Result, repair: Repair, name: str | None) -> Repair:
        return replace(repair, diff=unified(result.snippet.code, repair.corrected, name or result.snippet.path or result.snippet.document))


def _unchanged(result: Result) -> Repair:
    return Repair(RepairVerdict.UNCHANGED, result.snippet.code, "", findings_after=result.findings, outcome=result.outcome)


def _repair_of(result: Result, state: State, tries: int) -> Repair:
    """The Repair that a state amounts to."""
    if not state.errors:
        verdict, reason = RepairVerdict.REPAIRED, ""
    elif state.fixes and state.text != result.snippet.code:
        verdict, reason = RepairVerdict.PARTLY_REPAIRED, f"left: {state.errors[0].message}"
    else:
        verdict, reason = RepairVerdict.UNREPAIRED, f"no candidate mends it: {state.errors[0].message}"
    return Repair(
        verdict,
        state.text,
        "",
        fixes=state.fixes,
        reason=reason,
        findings_after=state.result.findings,
        outcome=state.result.outcome,
        tries=tries,
    )


def taken_back(state: State, number: int) -> str | None:
    """The state's text with one of its fixes taken back; None when a later fix changed the same lines."""
    before, after = state.texts[number], state.texts[number + 1]
    lines, out, at = after.splitlines(keepends=True), list[str](), 0
    old, final = before.splitlines(keepends=True), state.text.splitlines(keepends=True)
    place = {}
    for a, b, size in difflib.SequenceMatcher(None, lines, final, autojunk=False).get_matching_blocks():
        place.update({a + step: b + step for step in range(size)})
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, old, lines, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        spots = [place.get(line) for line in range(b1, b2)] if b2 > b1 else [place.get(b1, len(final))]
        if spots[0] is None or spots != list(range(spots[0], spots[0] + len(spots))):
            return None
        out += final[at : spots[0]] + old[a1:a2]
        at = spots[0] + b2 - b1
    return "".join(out + final[at:])

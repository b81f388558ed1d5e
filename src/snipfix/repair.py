"""From a failing Result to a Repair with its proof, or an honest word why not.

A patch that fits goes first, then the search. What it finds is proven in full, must not cheat, and every edit in it must be necessary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from snipfix.audit import ENDED, Auditor
from snipfix.code import Code
from snipfix.diff import edits, unified
from snipfix.model import Applicability, Category, Fix, Meaning, Repair, RepairVerdict, Result, StageResult
from snipfix.necessity import fix_taken_back, parts_of, shows_the_same
from snipfix.patches import Patches
from snipfix.proof import cheats, lost, shortcuts
from snipfix.rules.documented_output.compare import mended
from snipfix.rules.observed import randomness
from snipfix.search import LOADED, Ahead, Search, State

__all__ = ["Candidate", "Repairer"]

CUT_SHORT = "proven with its training loops cut short: run in full, it takes longer than the time limit"


@dataclass(frozen=True)
class Candidate:
    """A proven repair that a person may choose, and the stages that it passed."""

    repair: Repair
    stages: tuple[StageResult, ...]


@dataclass(frozen=True)
class Repairer:
    """Repairs results of an Auditor: a patch that fits goes first, then the rules."""

    auditor: Auditor
    patches: Patches | None = None
    ahead: Ahead | None = None

    def repair(self, result: Result, name: str | None = None) -> Result:
        """The result with its Repair. `name` is the file name that the diff carries."""
        if result.snippet.expect_error or not any(finding.is_error for finding in result.findings):
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
            options = self.auditor.options
            limits = replace(options, timeout=LOADED * options.timeout, processor=options.timeout)  # no matter of the machine's load
            short = replace(self.auditor, options=limits).audit(replace(result.snippet, code=repair.corrected), quick=True)
            if short.outcome and short.outcome.kind in ENDED and not any(finding.is_error for finding in short.findings):
                return replace(repair, findings_after=short.findings, outcome=short.outcome, reason=CUT_SHORT)
        return replace(repair, verdict=RepairVerdict.PARTLY_REPAIRED, reason=f"not proven: the run ended as {repair.outcome.kind}")

    def _with_true_output(self, result: Result, repair: Repair) -> Repair:
        """The repair, with the true output in place of a documented one that the corrected code still refutes."""
        repair = self._with_true_comments(result, repair)
        refuted = any(finding.category is Category.DOCUMENTED_OUTPUT and finding.is_error for finding in repair.findings_after)
        if not refuted or repair.verdict is not RepairVerdict.REPAIRED or repair.outcome is None:
            return repair
        output = mended(
            result.snippet.documented_output or "", repair.outcome.stdout, code=repair.corrected, drawn=randomness(repair.outcome)[0]
        )
        after = self.auditor.audit(replace(result.snippet, code=repair.corrected, documented_output=output))
        if any(finding.is_error for finding in after.findings):
            return replace(repair, verdict=RepairVerdict.PARTLY_REPAIRED, reason="the documented output is false, and the true one varies")
        return replace(repair, output=output, findings_after=after.findings, outcome=after.outcome)

    def _with_true_comments(self, result: Result, repair: Repair) -> Repair:
        """The repair, with the true value in each comment that tells a false one."""
        false = [one for one in repair.findings_after if one.category is Category.DOCUMENTED_OUTPUT and one.is_error and one.fixes]
        if not false or repair.verdict is not RepairVerdict.REPAIRED or repair.outcome is None:
            return repair
        fixes = tuple(one.fixes[0] for one in false)
        text = Fix(fixes[0].title, tuple(edit for fix in fixes for edit in fix.edits)).apply(repair.corrected)
        after = self.auditor.audit(replace(result.snippet, code=text))
        if any(finding.is_error for finding in after.findings):
            return repair
        return replace(repair, corrected=text, fixes=(*repair.fixes, *fixes), findings_after=after.findings, outcome=after.outcome)

    def _patched(self, result: Result) -> Repair | None:
        loaded = self.patches.for_snippet(result.snippet) if self.patches else None
        if loaded is None:
            return None
        text = loaded.apply(result.snippet.code)
        after = self.auditor.audit(replace(result.snippet, code=text))
        state = State(text, after, (Fix(loaded.patch.why, (), meaning=loaded.patch.meaning, chinese=loaded.patch.why_zh),))
        repair = _repair_of(result, state, tries=1)
        return replace(repair, patch=loaded.file, reason=repair.reason or _taken_on_trust(result, after))

    def _searched(self, result: Result) -> Repair:
        start = State(result.snippet.code, result)
        if not start.errors:
            return _repair_of(result, start, tries=0)
        search = Search(self.auditor, result.snippet, ahead=self.ahead)
        try:
            return self._found(search, result)
        finally:
            search.close()

    def _found(self, search: Search, result: Result) -> Repair:
        """The first solution that is proven, else how far the search came."""
        refused = ""
        for rivals in search.solutions(result):
            for state in rivals:
                proven, why = self._proven(search, result, state)
                if proven is not None:
                    code = result.snippet.code
                    others = tuple(replace(one.fixes[-1], edits=edits(code, one.text)) for one in rivals if one is not state)
                    return replace(_repair_of(result, proven, search.tries), alternatives=others)
                refused = refused or f'"{state.fixes[-1].title}" was refused: {why}'
        repair = _repair_of(result, search.best, search.tries)
        return replace(repair, reason=f"{repair.reason}; {refused}") if refused else repair

    def choices(self, result: Result) -> list[Candidate]:
        """Every repair that was proven among those of the first finding that has one, cheapest first."""
        search, found = Search(self.auditor, result.snippet, ahead=self.ahead), dict[str, Candidate]()
        try:
            for rivals in search.solutions(result):
                for state in rivals:
                    proven, _ = self._proven(search, result, state)
                    if proven is not None:
                        repair = self._with_true_output(result, self._ended(result, _repair_of(result, proven, search.tries)))
                        if repair.verdict is RepairVerdict.REPAIRED:
                            found.setdefault(proven.text, Candidate(self._with_diff(result, repair, None), proven.result.stages))
                if found:
                    break
        finally:
            search.close()
        return list(found.values())

    def _proven(self, search: Search, before: Result, state: State) -> tuple[State | None, str]:
        """The state audited in full, with every unnecessary edit taken back where that holds as well; or None and why it does not."""
        if why := _cheated(state, state.text):
            return None, why
        shortest = self._necessary(search, state)
        for one in (shortest, state) if shortest.text != state.text else (state,):
            full = self.auditor.audit(replace(search.snippet, code=one.text), quick=False)
            # What was cut off tells nothing of what it did not come to: there the run with its loops cut short speaks, see `_ended`.
            cut_off = full.outcome is not None and full.outcome.kind == "timeout"
            proven, why = replace(one, result=full), _cheated(state, one.text) or lost(before, one.result if cut_off else full)
            if proven.errors:
                why = f"run in full, {proven.errors[0].message}"
            if not why:
                return proven, ""
        return None, why

    def _necessary(self, search: Search, state: State) -> State:
        """The state without what it does not need: each fix is taken back in turn, whole, then each part of those that are left."""
        steps = list(zip(state.fixes, state.texts, state.texts[1:], strict=False))
        for fix, before, after in steps if len(steps) > 1 else ():
            shorter = self._without(search, state, fix_taken_back(before, after, state.text))
            if shorter is not None and not shorter.errors:
                state = replace(shorter, fixes=tuple(one for one in state.fixes if one is not fix))
        parts = [(part, after) for fix, before, after in steps if fix in state.fixes for part in parts_of(before, after, fix)]
        for part, made in parts:
            shorter = self._without(search, state, fix_taken_back(part.without, made, state.text))
            if shorter is not None and shows_the_same(state.result, shorter.result):
                stopped = self._without(search, state, fix_taken_back(part.reached, made, state.text))
                if stopped is not None and not shows_the_same(state.result, stopped.result):
                    state = shorter
        return state

    @staticmethod
    def _without(search: Search, state: State, text: str | None) -> State | None:
        """The state with a shorter text; None for one that is none, or that need not be run to be refused."""
        if text is None or text in (state.text, search.snippet.code) or search.spent or Code(text).syntax_error:
            return None
        return replace(state, text=text, result=search.audit(text))

    def _with_diff(self, result: Result, repair: Repair, name: str | None) -> Repair:
        return replace(repair, diff=unified(result.snippet.code, repair.corrected, name or result.snippet.path or result.snippet.document))


def _cheated(state: State, text: str) -> str:
    """How the way to a text cheats, in words. Fixes that are safe and keep the meaning are trusted: a migration writes other calls and loops."""
    start, why = next((one for one in state.texts if Code(one).syntax_error is None), state.texts[0]), ""
    for fix, before, after in zip(state.fixes, state.texts, state.texts[1:], strict=False):
        if fix.applicability is Applicability.SAFE and fix.meaning is Meaning.KEEPS:
            why, start = why or cheats(Code(start), Code(before)), after
    return why or cheats(Code(start), Code(text))


def _taken_on_trust(before: Result, after: Result) -> str:
    """What a reviewed patch does that no search may do: a person answers for it, and whoever reads the report is told."""
    old = Code(before.snippet.code)
    found = [*shortcuts(old, Code(after.snippet.code)), lost(before, after)]
    told = "; besides, ".join(dict.fromkeys(filter(None, found)))
    return f"a person reviewed the patch, which does what no search may: {told}" if told else ""


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

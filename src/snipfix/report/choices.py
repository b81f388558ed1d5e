"""The proven repairs of one snippet, each with its proof, for a person to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from snipfix.apart import apart
from snipfix.model import Repair, Severity, Snippet
from snipfix.repair import Candidate
from snipfix.report.text import clean, one_line, short
from snipfix.rules.wording import said

__all__ = ["shown"]


def shown(snippet: Snippet, candidates: Sequence[Candidate], words: Mapping[str, str], language: str) -> str:
    """Every candidate with its number, what it does, its proof, its diff and what tells it from the first."""
    lines = [f"\n{one_line(snippet.id)}  {short(snippet.title, 120)}"]
    for number, candidate in enumerate(candidates, 1):
        repair = candidate.repair
        lines.append(f"\n[{number}]" + (f" {words['by patch'].format('fixes/' + one_line(repair.patch))}" if repair.patch else ""))
        for fix in repair.fixes:
            graded = f"{fix.rule or words['patch word']}, {words[fix.applicability.value]}, {words[fix.meaning.value]}"
            lines.append(f"  * {one_line(said(fix.title, language, fix.rule))} ({graded})")
        lines += [f"  {words['choice proof']}: {_proof(candidate, words)}"]
        for finding in repair.findings_after:
            lines.append(f"    {words[finding.severity.value]}[{finding.rule}] {one_line(said(finding.message, language, finding.rule))}")
        if number > 1:
            told = apart(candidates[0].repair, repair, words) or [words["apart nothing"]]
            lines += [f"  {words['apart'].format(1)}: {one_line('; '.join(told))}"]
        lines += [clean(line) for line in repair.diff.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def _proof(candidate: Candidate, words: Mapping[str, str]) -> str:
    """`passes parse, static, run, exercise, probe; 0 errors, 1 warning left; every edit was needed`."""
    passed = [
        words["exercise stage" if stage.stage == "exercise" else stage.stage.value]
        for stage in candidate.stages
        if stage.status == "passed"
    ]
    return "; ".join((words["passes"].format(", ".join(passed)), _left(candidate.repair, words), words["every edit needed"]))


def _left(repair: Repair, words: Mapping[str, str]) -> str:
    counts = {severity: sum(one.severity is severity for one in repair.findings_after) for severity in Severity}
    named = (words[f"{severity.value} {'one' if count == 1 else 'many'}"].format(count) for severity, count in counts.items() if count)
    return words["choice left"].format(", ".join(named) or words["nothing left"])

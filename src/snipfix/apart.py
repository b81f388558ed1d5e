"""What tells two proven repairs of one snippet apart: what they leave, what they print, what comes out of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from snipfix.evidence import Outcome, Value
from snipfix.model import Repair

__all__ = ["apart"]

WIDEST = 70


def apart(one: Repair, other: Repair, words: Mapping[str, str]) -> list[str]:
    """In words, how the other repair differs in what it does; empty when nothing that was run shows a difference."""
    said = []
    more = Counter(finding.name for finding in other.findings_after) - Counter(finding.name for finding in one.findings_after)
    less = Counter(finding.name for finding in one.findings_after) - Counter(finding.name for finding in other.findings_after)
    said += [words["apart more"].format(", ".join(sorted(more)))] if more else []
    said += [words["apart less"].format(", ".join(sorted(less)))] if less else []
    if one.outcome is not None and other.outcome is not None:
        said += _printed(one.outcome, other.outcome, words) or _given_back(one.outcome, other.outcome, words)
    return said


def _printed(one: Outcome, other: Outcome, words: Mapping[str, str]) -> list[str]:
    """The first line that the two print differently."""
    first, second = one.stdout.splitlines(), other.stdout.splitlines()
    for a, b in zip(first, second, strict=False):
        if a != b:
            return [words["apart printed"].format(_short(b), _short(a))]
    if len(first) != len(second):
        return [words["apart lines"].format(len(second), len(first))]
    return []


def _given_back(one: Outcome, other: Outcome, words: Mapping[str, str]) -> list[str]:
    """The first call whose output the two give differently."""
    before = {(exercise.target, exercise.call): exercise.output for exercise in one.exercises}
    for exercise in other.exercises:
        known = before.get((exercise.target, exercise.call))
        if known is not None and exercise.output is not None and known != exercise.output:
            return [words["apart given back"].format(exercise.call, _described(exercise.output), _described(known))]
    return []


def _described(value: Value) -> str:
    if value.shape is None:
        return _short(value.text or value.type)
    numbers = f", {value.low:.4g} … {value.high:.4g}" if value.low is not None and value.high is not None else ""
    return f"{value.shape} {value.dtype}{numbers}"


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"

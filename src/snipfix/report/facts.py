"""What a finding rests on, and the values of a run, each on one line."""

from __future__ import annotations

import re

from snipfix.evidence import Value
from snipfix.model import Finding
from snipfix.report.summary import plain
from snipfix.report.text import short
from snipfix.report.texts import TEXTS

__all__ = ["ELSEWHERE", "described", "facts"]

LONG = 12
"""Characters above which a fact that the message has word for word is not told twice."""
FACTS = 8
"""Facts of a finding's evidence that are shown; the JSON report has all."""
ELSEWHERE = {"error", "span", "place", "built", "constructor", "definition", "call_span", "pattern"}
"""Facts that the page shows in another way: the failure below the code, places in it."""
SHAPES = {"input", "output", "shape", "given", "expected", "before", "after", "target"}
"""Facts whose lists of numbers are shapes; others are indices or counts."""
PLACES = ("_at", "_built")
"""What the keys of places in the code end with; the page shows line and column."""
TUPLE = re.compile(r"\((\d+(?:, \d+)*,?)\)(?= [a-z]+\d+\b)")
"""A shape before its dtype, as Python writes it; the page writes 64 × 784."""


def facts(finding: Finding) -> list[tuple[str, str]]:
    """What of the evidence has a name for people and reads well on one line; probes see more than that."""
    found = []
    for key, value in plain(finding.evidence).items():
        name = key.replace("_", " ")
        if key in ELSEWHERE or f"fact {name}" not in TEXTS:
            continue
        if isinstance(value, list) and all(isinstance(one, int | str | float) for one in value):
            if len(value) == 4 and key.endswith(PLACES):
                value = [f"{value[0]}:{value[1]}"]
            shape = key in SHAPES and all(isinstance(one, int) for one in value)
            text = (" × " if shape else ", ").join(map(str, value))
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            text = str(value)
        elif isinstance(value, dict) and value.get("shape") is not None:
            text = f"{' × '.join(map(str, value['shape']))} {value.get('dtype', '')}"
        else:
            continue
        told = len(text) > LONG and text in finding.message
        if text and not told and not (key == "operation" and "." not in text):
            found.append((name, short(TUPLE.sub(_times, text), 120)))
    return found[:FACTS]


def _times(shape: re.Match[str]) -> str:
    return shape[1].rstrip(",").replace(", ", " × ")


def described(value: Value) -> str:
    """A value on one line: shape and dtype for tensors, text for the rest."""
    if value.shape is not None:
        return f"{' × '.join(map(str, value.shape)) or 'scalar'} {value.dtype}".strip()
    if value.items:
        return f"{value.type or value.kind}[{', '.join(described(item) for item in value.items[:4])}]"
    return short(value.text or value.path or value.type or value.kind, 60)

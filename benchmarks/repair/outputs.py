"""Whether two runs did the same: they end alike and print the same words and, within rounding, the same numbers."""

from __future__ import annotations

import math
import re

from snipfix.evidence import Outcome

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf\b|nan\b)")


def alike(one: Outcome, other: Outcome) -> bool:
    """Whether both ran to their end and show the same."""
    if one.kind != "ok" or other.kind != "ok":
        return False
    return words(one.stdout) == words(other.stdout) and all(
        close(float(a), float(b)) for a, b in zip(NUMBER.findall(one.stdout), NUMBER.findall(other.stdout), strict=True)
    )


def words(text: str) -> list[str]:
    """The text without its numbers and the blanks that their widths bring about."""
    return NUMBER.sub(" 0 ", text).split()


def close(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=2e-3, abs_tol=2e-4)

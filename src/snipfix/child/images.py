"""The image (or signal) size that a network was built for, found from how other sizes miss it."""

from __future__ import annotations

import re
from typing import Any

from inputs import Candidate

IMAGE = re.compile(r"torch\.randn\((\d+), (\d+), (\d+)(, \3)?\)")
SMALLEST, LARGEST = 4, 512


class Bisection:
    """Closes in on the size whose features fit the first linear layer.

    The number of features grows with the size, so a size that gives too few and one that gives too many enclose the right one.
    """

    def __init__(self, pattern: Candidate) -> None:
        self.pattern = pattern
        self.low, self.high = SMALLEST - 1, LARGEST + 1
        self.missed = False

    def learn(self, text: str, failure: dict[str, Any] | None) -> None:
        """Takes in how one call failed; a failure that is not about the size ends the search."""
        match, sign = IMAGE.search(text), _misses(failure or {})
        self.missed = match is not None and sign is not None
        if match is None or sign is None:
            return
        size = int(match[3])
        if sign < 0:
            self.low = max(self.low, size)
        else:
            self.high = min(self.high, size)

    def propose(self) -> Candidate | None:
        """The next candidate to try, None when there is none left."""
        middle = (self.low + self.high) // 2
        if not self.missed or not self.low < middle < self.high:
            return None
        for step in (8, 4, 2):  # sizes that halve well come first
            rounded = middle - middle % step
            if self.low < rounded < self.high and self.high - self.low > 2 * step:
                middle = rounded
                break
        return self._sized(middle)

    def _sized(self, size: int) -> Candidate:
        def sized(match: re.Match[str]) -> str:
            return f"torch.randn({match[1]}, {match[2]}, {size}{f', {size}' if match[4] else ''})"

        return self.pattern._replace(values=tuple((name, IMAGE.sub(sized, text)) for name, text in self.pattern.values))


def bisection(candidates: list[Candidate], attempts: list[tuple[str, dict[str, Any] | None]]) -> Bisection | None:
    """The search that the failed attempts call for, None when their inputs have no size to vary."""
    images = [candidate for candidate in candidates if IMAGE.search(candidate.text)]
    sizes = {match[3] for candidate in images if (match := IMAGE.search(candidate.text))}
    if len(sizes) < 2:
        return None
    found = Bisection(images[0])
    for text, failure in attempts:
        found.learn(text, failure)
    found.missed = found.low >= SMALLEST or found.high <= LARGEST
    return found if found.missed else None


def _misses(failure: dict[str, Any]) -> int | None:
    """-1: the image is too small for the network; 1: too large; None: it failed for another reason."""
    operation = failure.get("operation") or {}
    if operation.get("name") != "torch.nn.functional.linear":
        small = ("too small", "Kernel size", "non-positive")
        return -1 if any(words in failure.get("message", "") for words in small) else None
    shapes = [value.get("shape") for value in operation.get("args", ())[:2]]
    if len(shapes) < 2 or not shapes[0] or not shapes[1] or shapes[0][-1] == shapes[1][-1]:
        return None
    return 1 if shapes[0][-1] > shapes[1][-1] else -1

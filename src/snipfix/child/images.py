"""The image size that a network was built for, found from how the usual sizes miss it."""

from __future__ import annotations

import re
from typing import Any, Iterable, Iterator, List, Optional, Tuple

from inputs import Candidate

IMAGE = re.compile(r"torch\.randn\((\d+), (\d+), (\d+), \3\)")
TRIES = 8


def refined(torch: Any, attempts: List[Tuple[str, Optional[dict[str, Any]]]], candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Candidates with other image sizes, closing in on the one whose features fit the first linear layer.

    The number of features grows with the size, so two sizes that miss on different sides enclose the right one.
    The caller stops when one works.
    """
    pattern = next((candidate for candidate in candidates if IMAGE.search(candidate.text)), None)
    low, high = 0, 0
    for text, failure in attempts:
        match, sign = IMAGE.search(text), _misses(failure)
        if match is None or sign is None:
            continue
        size = int(match[3])
        if sign < 0:
            low = max(low, size)
        elif sign > 0 and (high == 0 or size < high):
            high = size
    if pattern is None or not high or not low < high:
        return
    for size in _between(low, high):
        yield _sized(pattern, size)


def _between(low: int, high: int) -> List[int]:
    """The sizes in between, from a few spread ones: several neighbours share one feature size, so steps of two are enough."""
    sizes = list(range(low + 1, high))
    step = max(1, len(sizes) // TRIES)
    even = sorted(sizes, key=lambda size: (size % 4 != 0, size % 2 != 0, size))
    return even if step == 1 else even[: 3 * TRIES]


def _misses(failure: Optional[dict[str, Any]]) -> Optional[int]:
    """-1: the image is too small for the linear layer; 1: too large; None: it failed for another reason."""
    operation = (failure or {}).get("operation") or {}
    if operation.get("name") != "torch.nn.functional.linear":
        return -1 if "too small" in (failure or {}).get("message", "") or "Kernel size" in (failure or {}).get("message", "") else None
    shapes = [value.get("shape") for value in operation.get("args", ())[:2]]
    if len(shapes) < 2 or not shapes[0] or not shapes[1]:
        return None
    return (shapes[0][-1] > shapes[1][-1]) - (shapes[0][-1] < shapes[1][-1])


def _sized(pattern: Candidate, size: int) -> Candidate:
    values = tuple((name, IMAGE.sub(lambda match: f"torch.randn({match[1]}, {match[2]}, {size}, {size})", text)) for name, text in pattern.values)
    return pattern._replace(values=values)

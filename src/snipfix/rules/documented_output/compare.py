"""Comparing a documented output with the true one as a reader would: spaces, rounding and addresses do not count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Difference", "differences", "lines_of", "mended", "shapes", "shows_error", "sizes", "tells_of_machine"]

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]*\w)")
ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
PLACE = re.compile(r",\s*device='(?:cuda|mps|xpu)(?::\d+)?'")
"""A document may have been written on a machine with a GPU."""
DEVICE = re.compile(r"(?<=')(,\s*index=\d+)(?=\))|\b(?:cuda|mps|xpu)(?::\d+)?\b(?!\.)")
WARNED = re.compile(r"\b[A-Z]\w*Warning: |^\s*warnings\.warn\(")
"""What Python says of a warning goes to another stream than what is printed, and stands in many a document all the same."""
MACHINE = re.compile(
    r"__version__|\bversion\.cuda|is_available\(|device_count\(|get_device_\w+\(|memory_\w+\(|sys\.(?:version|platform|path|executable)|"
    r"platform\.\w+\(|cpu_count\(|get_num_threads\(|getcwd\(|listdir\(|getpid\(|\btime\.\w+\(|perf_counter\(|datetime\.|\bid\("
)
"""Expressions whose values are another machine's, or another day's, in a document."""
SHOWN = re.compile(r"\bprint\(.*|^\s*[\w.]+(?:\(.*\))?\s*$", re.MULTILINE)
OF_A_MACHINE = re.compile(r"\d+\.\d+|\b(?:True|False|None)\b|^\W*\d+\W*$|[/\\\\]|['\"]")
NODE = re.compile(r"(Backward)\d*")
ELLIPSIS = re.compile(r"^[\s.…]*(\.\.\.|…)[\s.…]*$")
ERROR = re.compile(r"Traceback \(most recent call last\)|^\s*[A-Z]\w*(Error|Exception)\b", re.MULTILINE)
TIMED = re.compile(r"\d\s*(ms|s|sec|seconds|it/s|MB|GB)\b|time|elapsed|耗时|时间", re.IGNORECASE)
SHAPE = re.compile(r"(?<![\w(,.])\(\d+(?:,\s*\d+)+,?\)|(?<![\w(,.])\(\d+,\)|torch\.Size\(\[[^\]]*\]\)")
NOISE = 1e-6
"""How far two machines may differ in a number of single precision, as a part of it."""
SIZE = re.compile(r"torch\.Size\(\[[^\]]*\]\)")


@dataclass(frozen=True)
class Difference:
    """A documented line that running refutes; `line` counts the true output's lines from 0."""

    line: int
    documented: str
    true: str
    numbers_only: bool


def shows_error(documented: str) -> bool:
    """Whether the documented output is an error shown on purpose."""
    return ERROR.search(documented) is not None


def sizes(text: str) -> list[str]:
    """Every `torch.Size([...])` in a text, without blanks."""
    return [re.sub(r"\s", "", found) for found in SIZE.findall(text)]


def shapes(text: str) -> list[str]:
    """Every `torch.Size([...])` and every tuple of whole numbers in a text, without blanks."""
    return [re.sub(r"\s", "", found) for found in SHAPE.findall(text)]


def differences(documented: str, true: str, *, finished: bool) -> Iterator[Difference]:
    """The lines that differ. `finished`: the run came to its end, so that missing lines count; nothing is said after an ellipsis."""
    claimed, given = [line for line in lines_of(documented) if not WARNED.search(line)], lines_of(true)
    for index, line in enumerate(claimed):
        if ELLIPSIS.match(line):
            return
        if index >= len(given):
            if finished and given:
                yield Difference(len(given) - 1, line, "", numbers_only=False)
            return
        if (found := _differs(line, given[index])) is not None:
            yield Difference(index, line, given[index], numbers_only=found)
            if len(claimed) != len(given):
                return


def mended(documented: str, true: str, *, code: str = "", drawn: bool) -> str:
    """The true output in the documented one's words: line for line, what says the same, or differs by random numbers or the machine only, stays."""
    claimed, given = documented.split("\n"), true.split("\n")
    if len(claimed) != len(given):
        return true

    def stays(one: str, other: str) -> bool:
        found = _differs(one, other)
        by_chance = drawn and found is True and shapes(one) == shapes(other)
        return found is None or by_chance or tells_of_machine(code, Difference(0, one, other, numbers_only=bool(found)))

    return "\n".join(one if stays(one, other) else other for one, other in zip(claimed, given, strict=True))


def tells_of_machine(code: str, difference: Difference) -> bool:
    """Whether a difference may be that of two machines: the code shows a version, a path, or whether there is a GPU."""
    shown = any(MACHINE.search(one[0]) for one in SHOWN.finditer(code))
    return shown and all(OF_A_MACHINE.search(line) or not line for line in (difference.documented, difference.true))


def lines_of(text: str) -> list[str]:
    """The lines that count: no empty ones, those inside brackets joined."""
    return [line for line in (one.strip() for one in _joined(text).split("\n")) if line]


def _joined(text: str) -> str:
    """Lines inside brackets as one: a tensor may be wrapped anywhere."""
    out, depth = [], 0
    for character in text.replace("\r\n", "\n"):
        depth = max(depth + (character in "([{") - (character in ")]}"), 0)
        out.append(" " if character == "\n" and depth else character)
    return "".join(out)


def _differs(documented: str, true: str) -> bool | None:
    """None when both say the same; else whether only numbers differ."""
    if _is_elided(documented, true):
        return None
    if _words(documented) != _words(true):
        return False
    claimed, given = NUMBER.findall(_plain(documented)), NUMBER.findall(_plain(true))
    if TIMED.search(documented):
        return None
    return None if len(claimed) == len(given) and all(map(_close, claimed, given)) else True


def _is_elided(documented: str, true: str) -> bool:
    """Whether a line leaves something out (`tensor(...)`) and the rest, but for numbers, stands in the true one in its order."""
    first, *parts = _words(documented).replace("…", "...").split("...")
    rest = _words(true)
    if not parts or not rest.startswith(first):
        return False
    at = len(first)
    for part in parts[:-1]:
        at = rest.find(part, at) + len(part)
        if at < len(part):
            return False
    return len(rest) - at >= len(parts[-1]) and rest.endswith(parts[-1])


def _plain(line: str) -> str:
    return DEVICE.sub(lambda match: "" if match[1] else "cpu", PLACE.sub("", NODE.sub(r"\1", ADDRESS.sub("0x", line))))


def _words(line: str) -> str:
    """The line with numbers as `#` and no blanks."""
    return re.sub(r"\s+", "", NUMBER.sub("#", _plain(line)))


def _close(claimed: str, given: str) -> bool:
    """Whether two numbers agree to the digits of the coarser one."""
    try:
        one, other = float(claimed), float(given)
    except ValueError:
        return claimed == given
    digits = min(_decimals(claimed), _decimals(given))
    if digits == 0 and "e" not in (claimed + given).lower():
        # The last digits of a sum or a sine are not the same on every machine: 135. here, 135.0001 there.
        return one == other or ("." in given and abs(one - other) <= NOISE * abs(one))
    return abs(one - other) <= 0.51 * 10.0**-digits + 1e-9 * abs(one)


def _decimals(number: str) -> int:
    mantissa, _, exponent = number.lower().partition("e")
    return max(len(mantissa.partition(".")[2]) - int(exponent or 0), 0)

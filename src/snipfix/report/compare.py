"""Two runs beside each other: what got better, what got worse. Both are JSON reports, so a run of last year will do."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.cells import set_cell_size
from rich.text import Text

from snipfix.documents.titles import language_of
from snipfix.errors import UsageError
from snipfix.report.language import LANGUAGES
from snipfix.report.machine import FORMAT_VERSION, dumps
from snipfix.report.markdown import code, escaped
from snipfix.report.text import one_line, short
from snipfix.report.texts import texts
from snipfix.rules.wording import said

__all__ = ["Comparison", "Past", "compare", "load", "render"]

LIMIT = 256 << 20
"""Bytes of a report that are read."""
VERDICTS = ("clean", "suspect", "not runnable", "failing")
REPAIRS = ("unchanged", "repaired", "partly repaired", "unrepaired")
"""Best first."""
KINDS = ("worse", "better", "mixed", "new", "gone")
STYLES = {"worse": "red", "better": "green", "mixed": "yellow", "new": "cyan", "gone": "dim"}
SHOWN = 20
"""Findings of one snippet that are shown."""


class PastFinding(Struct):
    """What is compared of a finding: not its line, which moves."""

    rule: str
    name: str
    severity: str
    message: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.rule, self.name, self.severity, self.message)


class PastRepair(Struct):
    verdict: str


class PastSnippet(Struct):
    id: str
    title: str
    document: str
    verdict: str
    findings: list[PastFinding]
    repair: PastRepair | None = None


class Past(Struct):
    """A run as its JSON report tells it."""

    format_version: int
    command: str
    snippets: list[PastSnippet]

    @property
    def language(self) -> str:
        """That of the titles: a report says nothing of its documents' languages."""
        return language_of("\n".join(one.title for one in self.snippets))


@dataclass(frozen=True, slots=True)
class Change:
    """One snippet in both runs (None: it is not in one of them), and the findings that only one of them has."""

    kind: str
    old: PastSnippet | None
    new: PastSnippet | None
    gone: tuple[PastFinding, ...] = ()
    came: tuple[PastFinding, ...] = ()

    @property
    def snippet(self) -> PastSnippet:
        snippet = self.new or self.old
        assert snippet is not None
        return snippet


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every snippet that is not as it was, the worst first, and how many are."""

    changes: tuple[Change, ...]
    same: int

    @property
    def worse(self) -> bool:
        """Something is worse than it was; a new snippet that fails does not count."""
        return any(change.kind in ("worse", "mixed") for change in self.changes)


def load(file: Path) -> Past:
    """A run from report.json, or from the history.

    Raises:
        UsageError: for a file that cannot be read or is no report of this format version.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            data = stream.read(LIMIT)
        past = msgspec.convert(json.loads(data), Past)  # a snippet's lone surrogates are no JSON to msgspec's own decoder
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"cannot read {file}: {error}") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no JSON report of snipfix: {error}", hint="`--format json --output FILE` writes one") from error
    if past.format_version != FORMAT_VERSION:
        raise UsageError(f"{file} has format version {past.format_version}; this snipfix reads {FORMAT_VERSION}")
    return past


def compare(old: Past, new: Past) -> Comparison:
    """What changed from one run to the other, snippet by snippet."""
    before = {(one.document, one.id): one for one in old.snippets}
    after = {(one.document, one.id): one for one in new.snippets}
    changes = [_change(before.get(key), after.get(key)) for key in {**after, **before}]
    told = [change for change in changes if change.kind != "same"]
    return Comparison(tuple(sorted(told, key=lambda change: KINDS.index(change.kind))), len(changes) - len(told))


def _change(old: PastSnippet | None, new: PastSnippet | None) -> Change:
    if old is None or new is None:
        return Change("new" if old is None else "gone", old, new)
    before, after = (Counter(finding.key for finding in one.findings) for one in (old, new))
    gone, came = (_only(one.findings, other) for one, other in ((old, after), (new, before)))
    steps = [_rank(VERDICTS, new.verdict) - _rank(VERDICTS, old.verdict)]
    if old.repair and new.repair:
        steps.append(max(_rank(REPAIRS, new.repair.verdict), 1) - max(_rank(REPAIRS, old.repair.verdict), 1))
    worse = any(step > 0 for step in steps) or any(finding.severity == "error" for finding in came)
    better = any(step < 0 for step in steps) or any(finding.severity == "error" for finding in gone)
    if not (worse or better):
        worse, better = bool(came), bool(gone)
    kind = {(True, True): "mixed", (True, False): "worse", (False, True): "better", (False, False): "same"}[worse, better]
    return Change(kind, old, new, gone, came)


def _only(findings: list[PastFinding], other: Counter[tuple[str, str, str, str]]) -> tuple[PastFinding, ...]:
    """The findings that the other run does not have, as often as it lacks them."""
    left, only = Counter(other), []
    for finding in findings:
        if left[finding.key] > 0:
            left[finding.key] -= 1
        else:
            only.append(finding)
    return tuple(only)


def _rank(order: tuple[str, ...], verdict: str) -> int:
    return order.index(verdict) if verdict in order else len(order)


def render(found: Comparison, format: str, *, language: str = "en", color: bool = False) -> str:  # noqa: A002
    """The comparison as `table`, `markdown` or `json`.

    Raises:
        UsageError: for another format.
    """
    words = texts(language if language in LANGUAGES else "en")
    if format == "json":
        return dumps(_object(found))
    if format == "markdown":
        return "\n".join(_markdown(found, words, language)) + "\n"
    if format == "table":
        return "".join(_plain(line, color=color) for line in _table(found, words, language))
    raise UsageError(f"a comparison has no format {format!r}", hint="one of table, markdown, json")


def _object(found: Comparison) -> dict[str, object]:
    return {
        "format_version": FORMAT_VERSION,
        "totals": {**{kind: sum(change.kind == kind for change in found.changes) for kind in KINDS}, "same": found.same},
        "changes": [
            {
                "kind": change.kind,
                "id": change.snippet.id,
                "title": change.snippet.title,
                "document": change.snippet.document,
                "verdict": {"old": change.old.verdict if change.old else None, "new": change.new.verdict if change.new else None},
                "repair": {"old": _ending(change.old), "new": _ending(change.new)},
                "gone": msgspec.to_builtins(change.gone),
                "came": msgspec.to_builtins(change.came),
            }
            for change in found.changes
        ],
    }


def _ending(snippet: PastSnippet | None) -> str | None:
    return snippet.repair.verdict if snippet and snippet.repair else None


def _table(found: Comparison, words: Mapping[str, str], language: str) -> Iterator[Text]:
    for change in found.changes:
        line = Text(set_cell_size(words[f"run {change.kind}"], 9), STYLES[change.kind])
        line.append(f"{short(change.snippet.id, 40)}  {short(change.snippet.title, 80)}  ", "bold")
        line.append(_verdicts(change, words))
        yield line
        for sign, finding in _signed(change):
            style = {"-": "green", "+": "red"}[sign]
            yield Text(f"  {sign} {words[finding.severity]}[{one_line(finding.rule)}] {_said(finding, language)}", style)
    yield Text(_sum(found, words), "bold")


def _markdown(found: Comparison, words: Mapping[str, str], language: str) -> Iterator[str]:
    yield f"# {words['compared']}\n\n{_sum(found, words)}"
    for kind in KINDS:
        changes = [change for change in found.changes if change.kind == kind]
        if changes:
            yield f"\n## {words[f'run {kind}']} ({len(changes)})\n"
        for change in changes:
            yield f"- {code(change.snippet.id)} {escaped(short(change.snippet.title, 120))}: {escaped(_verdicts(change, words))}"
            for sign, finding in _signed(change):
                word = words["run gone" if sign == "-" else "run new"]
                yield f"  - {word}: **{words[finding.severity]}** {code(finding.rule)} {escaped(_said(finding, language))}"


def _signed(change: Change) -> list[tuple[str, PastFinding]]:
    return [*(("+", finding) for finding in change.came), *(("-", finding) for finding in change.gone)][:SHOWN]


def _said(finding: PastFinding, language: str) -> str:
    return short(said(finding.message, language, finding.rule), 200)


def _verdicts(change: Change, words: Mapping[str, str]) -> str:
    """`failing → clean`, and how the repair ended where both runs made one."""
    steps = [[one.verdict if one else None for one in (change.old, change.new)], [_ending(change.old), _ending(change.new)]]
    said_: list[str] = []
    for old, new in steps:
        names = [words.get(name, one_line(name)) for name in dict.fromkeys((old, new)) if name]
        if names:
            said_.append(" → ".join(names))
    return "; ".join(said_)


def _sum(found: Comparison, words: Mapping[str, str]) -> str:
    counts = {kind: sum(change.kind == kind for change in found.changes) for kind in KINDS}
    told = [f"{count} {words[f'run {kind}']}" for kind, count in counts.items() if count]
    return words["comma"].join([*told, f"{found.same} {words['run same']}"])


def _plain(line: Text, *, color: bool) -> str:
    if not color:
        return line.plain.rstrip() + "\n"
    from rich.console import Console

    console = Console(force_terminal=True, color_system="standard", width=10_000, _environ={})
    with console.capture() as captured:
        console.print(line, soft_wrap=True)
    return captured.get()

"""Findings that a project accepts for now: written down once with a reason, then only new ones count.

An entry is known by its document, its rule and the text of the line it stands on, so that it survives lines that move. Of several findings that are
alike in all this, each has an entry of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from snipfix.errors import ConfigError
from snipfix.files import write_atomic
from snipfix.model import Finding, Result, RunReport, Severity, Verdict, Waived

__all__ = ["DEFAULT", "Baseline", "Entry"]

DEFAULT = ".snipfix-baseline.json"
FORMAT_VERSION = 1
UNEXPLAINED = "not looked at yet"


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One accepted finding. `reason` is for people; so are the message and the code, which only say what the fingerprint stands for."""

    document: str
    """From the folder of the baseline, with slashes."""
    rule: str
    code: str
    fingerprint: str
    name: str = ""
    message: str = ""
    reason: str = UNEXPLAINED

    def __str__(self) -> str:
        return f"{self.document}: {self.rule} {self.name} at `{self.code}`"


@dataclass(frozen=True)
class Baseline:
    """The accepted findings in a file."""

    file: Path
    entries: tuple[Entry, ...] = ()
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", self.file.resolve().parent)

    @classmethod
    def load(cls, file: Path) -> Baseline:
        """The baseline in a file.

        Raises:
            ConfigError: when there is no such file, or it is none.
        """
        try:
            written = json.loads(file.read_bytes())
            if written["format_version"] != FORMAT_VERSION:
                raise ConfigError(f"is of format {written['format_version']}", place=str(file), hint="a newer snipfix reads it")
            return cls(file, tuple(Entry(**entry) for entry in written["findings"]))
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", place=str(file), hint="`snipfix baseline` writes one") from error
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"is no baseline: {error}", place=str(file), hint="`snipfix baseline` writes one") from error

    def write(self) -> None:
        """Write the file, its entries in a fixed order."""
        findings = [_as_written(entry) for entry in sorted(self.entries)]
        text = json.dumps({"format_version": FORMAT_VERSION, "findings": findings}, ensure_ascii=False, indent=2)
        write_atomic(self.file, text.encode("utf-8", "backslashreplace") + b"\n")

    def accepting(self, results: Sequence[Result], reason: str = "") -> Baseline:
        """The baseline that accepts every finding of the results. Reasons already given stay, and so do entries of other documents that exist."""
        known = {entry.fingerprint: entry for entry in self.entries}
        looked_at = {self._name(result) for result in results}
        elsewhere = [entry for entry in self.entries if entry.document not in looked_at and (self.folder / entry.document).exists()]
        found = [
            replace(entry, reason=known[entry.fingerprint].reason if entry.fingerprint in known else reason or UNEXPLAINED)
            for entries in self._entries(results)
            for entry, _ in entries
        ]
        return Baseline(self.file, tuple(sorted([*elsewhere, *found])))

    def applied(self, report: RunReport, *, complete: bool = True) -> RunReport:
        """The report without the accepted findings. `complete`: the run looked at all of its documents, so that entries it did not meet are stale."""
        accepted = {entry.fingerprint for entry in self.entries}
        met = set[str]()
        results = list[Result]()
        for result, entries in zip(report.results, self._entries(report.results), strict=True):
            met |= {entry.fingerprint for entry, _ in entries}
            results.append(_without(result, [finding for entry, finding in entries if entry.fingerprint in accepted]))
        looked_at = {self._name(result) for result in report.results}
        stale = [
            str(entry)
            for entry in self.entries
            if entry.fingerprint not in met and (entry.document in looked_at or not (self.folder / entry.document).exists())
        ]
        waived = Waived(self.file.as_posix(), len(accepted & met), tuple(stale) if complete else ())
        return replace(report, results=tuple(results), baseline=waived)

    def _entries(self, results: Sequence[Result]) -> Iterator[list[tuple[Entry, Finding]]]:
        """For each result the entries that its findings would have."""
        alike = Counter[tuple[str, str, str]]()
        for result in results:
            document, lines = self._name(result), result.snippet.code.split("\n")
            entries = list[tuple[Entry, Finding]]()
            for finding in result.findings:
                line = lines[finding.span.line - 1].strip() if 0 < finding.span.line <= len(lines) else ""
                key = (document, finding.rule, line)
                alike[key] += 1
                digest = hashlib.sha256("\0".join([*key, str(alike[key])]).encode("utf-8", "surrogatepass")).hexdigest()[:16]
                entries.append((Entry(document, finding.rule, line, digest, finding.name, finding.message), finding))
            yield entries

    def _name(self, result: Result) -> str:
        """The file that a reader opens, from the folder of the baseline."""
        file = Path(result.snippet.path or result.snippet.document).resolve()
        return Path(os.path.relpath(file, self.folder)).as_posix()


def _as_written(entry: Entry) -> dict[str, Any]:
    order = ("document", "rule", "name", "code", "message", "reason", "fingerprint")
    return {name: getattr(entry, name) for name in order}


def _without(result: Result, accepted: Sequence[Finding]) -> Result:
    """The result as if the accepted findings were none."""
    if not accepted:
        return result
    left = tuple(finding for finding in result.findings if not any(finding is one for one in accepted))
    verdict = result.verdict
    if verdict in (Verdict.FAILING, Verdict.SUSPECT) and not any(finding.is_error for finding in left):
        verdict = Verdict.SUSPECT if any(finding.severity is Severity.WARNING for finding in left) else Verdict.CLEAN
    return replace(result, findings=left, verdict=verdict)

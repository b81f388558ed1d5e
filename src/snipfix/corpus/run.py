"""A corpus through an engine: rows in, records out, in order, never more than a window of them in memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from snipfix.corpus.journal import Journal, Record
from snipfix.corpus.rows import Row, arrow, read
from snipfix.documents.collect import parse
from snipfix.documents.source import Source
from snipfix.errors import SnipfixError, UsageError
from snipfix.model import Result, Skipped, Snippet, Verdict
from snipfix.report.machine import snippet_object

__all__ = ["Engine", "Totals", "run"]

WORST = (Verdict.FAILING, Verdict.NOT_RUNNABLE, Verdict.SUSPECT, Verdict.CLEAN)


class Engine(Protocol):
    """What runs snippets."""

    def results(self, snippets: Iterable[Snippet], *, repair: bool = False) -> Iterator[Result]: ...


@dataclass
class Totals:
    """What came of a corpus. `resumed`: rows that an earlier run had done."""

    verdicts: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    resumed: int = 0


@dataclass
class _Pending:
    """A row whose snippets are not all through."""

    row: Row
    waiting: int
    skipped: tuple[Skipped, ...] = ()
    error: str = ""
    results: list[Result] = field(default_factory=list)

    def record(self) -> Record:
        verdicts = {result.verdict for result in self.results}
        worst = next((verdict.value for verdict in WORST if verdict in verdicts), "no snippet")
        return Record(
            row=self.row.number,
            sha256=self.row.sha256,
            verdict="bad row" if self.error else worst,
            error=self.error,
            snippets=[msgspec.Raw(msgspec.json.encode(snippet_object(result))) for result in self.results],
            skipped=[{"line": one.line, "info": one.info, "reason": one.reason} for one in self.skipped],
        )


def run(
    source: Path, column: str, out: Path, engine: Engine, *,
    markdown: bool = False, repair: bool = False, name: str = "", progress: Callable[[Totals], None] | None = None,
) -> Totals:  # fmt: skip
    """Audit (or repair) the texts of a column, and write a record per row to `out` (.jsonl or .parquet).

    A run that was killed is taken up where it stopped when it is started again with the same `name` (a digest of what decides a record).

    Raises:
        UsageError: input or output cannot be used, or the input is not what the interrupted run had read.
        SandboxError: the sandbox cannot be had as asked.
    """
    if out.suffix not in (".jsonl", ".ndjson", ".parquet"):
        raise UsageError(f"{out} is neither .jsonl nor .parquet")
    if out.suffix == ".parquet":
        arrow()
    totals, rows = Totals(), read(source, column)
    pending, by_snippet = deque[_Pending](), deque[_Pending]()
    with Journal(out, name) as journal:
        for record in journal.before():
            _check_same(record, next(rows, None), source)
            totals.verdicts[record.verdict] += 1
            totals.resumed += 1
        totals.rows = totals.resumed

        def flush() -> None:
            while pending and not pending[0].waiting:
                record = pending.popleft().record()
                journal.add(record)
                totals.verdicts[record.verdict] += 1
                totals.rows += 1
                if progress:
                    progress(totals)

        def snippets() -> Iterator[Snippet]:
            for row in rows:
                found, one = _opened(row, markdown=markdown)
                pending.append(one)
                by_snippet.extend(one for _ in found)
                flush()
                yield from found

        for result in engine.results(snippets(), repair=repair):
            owner = by_snippet.popleft()
            owner.results.append(result)
            owner.waiting -= 1
            flush()
        flush()
        journal.finish()
    return totals


def _check_same(record: Record, row: Row | None, source: Path) -> None:
    if row is None or (row.number, row.sha256) != (record.row, record.sha256):
        raise UsageError(
            f"{source} is not what the interrupted run had read: row {record.row} differs",
            hint="give another --out, or delete the .partial file beside it",
        )


def _opened(row: Row, *, markdown: bool) -> tuple[tuple[Snippet, ...], _Pending]:
    """The snippets of a row, and the row that waits for them."""
    name = f"row-{row.number}"
    if row.error:
        return (), _Pending(row, 0, error=row.error)
    try:
        raw = row.text.encode()
        if not markdown:
            code = row.text.replace("\r\n", "\n").replace("\r", "\n")
            return (Snippet(name, "", name, code),), _Pending(row, 1)
        document = parse(Source.decode(name, raw), "markdown")
    except (SnipfixError, UnicodeError, RecursionError) as error:
        return (), _Pending(row, 0, error=str(error))
    return document.snippets, _Pending(row, len(document.snippets), document.skipped)

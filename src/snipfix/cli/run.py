"""The flow that audit and repair share: collect, run, report, leave the HTML for `snipfix report`."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snipfix import documents, patches
from snipfix.baseline import DEFAULT, Baseline
from snipfix.born import changes
from snipfix.cache import Cache
from snipfix.cli.report import LAST_RUN
from snipfix.cli.voice import asked, complain, say
from snipfix.config import Options
from snipfix.diff import unified
from snipfix.documents import Document, writeback
from snipfix.documents.memory import Memory
from snipfix.engines import make
from snipfix.engines.local import LocalEngine
from snipfix.engines.target import source_digest
from snipfix.errors import DocumentError, SnipfixError, UsageError
from snipfix.files import write_atomic
from snipfix.model import RepairVerdict, Result, RunReport, Stage

if TYPE_CHECKING:
    from snipfix.engines.ray import RayEngine

__all__ = ["Finished", "accepted_in", "emit", "give", "report_of", "run", "run_over", "unread"]


@dataclass(frozen=True)
class Finished:
    """A run that came to its end, with the documents it was made over."""

    report: RunReport
    documents: tuple[Document, ...]

    @property
    def failing(self) -> bool:
        """Findings at error level."""
        return any(finding.is_error for result in self.report.results for finding in result.findings)

    def without(self, accepted: Baseline | None, options: Options, *, whole: bool = True) -> Finished:
        """The same run without the findings that a baseline accepts. `whole`: it looked at all snippets of its documents, not only at changed ones."""
        if accepted is None:
            return self
        complete = whole and options.stage is Stage.PROBE and not (options.select or options.ignore)
        return replace(self, report=accepted.applied(self.report, complete=complete))

    @property
    def unread(self) -> list[SnipfixError]:
        """Why documents could not be read; the others were."""
        return [document.trouble for document in self.documents if document.trouble]

    @property
    def left(self) -> bool:
        """Snippets that the repair could not mend, or whose mending it could not prove."""
        done = (RepairVerdict.UNCHANGED, RepairVerdict.REPAIRED)
        return any(result.repair is not None and result.repair.verdict not in done for result in self.report.results)


def run(
    paths: Sequence[Path] | None,
    options: Options,
    *,
    repair: bool,
    allow_empty: bool = False,
    engine: str = "local",
    check: Callable[[Sequence[Document]], None] | None = None,
) -> Finished:
    """Audit, and repair if asked to, everything at the paths, by the engine of a name. `check` may object to what was found there.

    Raises:
        SnipfixError: for input that cannot be understood; nothing has been run then.
    """
    paths = paths or [_workspace_here()]
    if repair or not options.cache:
        found = documents.collect(paths, allow_empty=allow_empty)
        if check is not None:
            check(found)
        return run_over(found, options, repair=repair, engine=engine)
    with contextlib.closing(Cache()) as cache:
        found = documents.collect(paths, allow_empty=allow_empty, memory=Memory(cache, source_digest()))
    return run_over(found, options, engine=engine)


def run_over(found: Sequence[Document], options: Options, *, repair: bool = False, engine: str = "local") -> Finished:
    """Audit, and repair if asked to, documents that were read."""
    started = time.monotonic()
    if not any(document.snippets for document in found):
        options = replace(options, stage=Stage.STATIC)  # no fork server for nothing
    with make(engine, options) as entered:
        report = report_of(entered, found, repair=repair)
    return Finished(replace(report, seconds=time.monotonic() - started), tuple(found))


def report_of(engine: LocalEngine | RayEngine, found: Sequence[Document], *, repair: bool = False) -> RunReport:
    """What an engine makes of documents that were read.

    Raises:
        WorkspaceError: for a patch that does not fit.
    """
    started = time.monotonic()
    snippets = [snippet for document in found for snippet in document.snippets]
    loaded = patches.load(Path("fixes")) if repair and engine.options.patches else None
    if loaded is not None:
        loaded.check(snippets)
    from snipfix.report.summary import language_of
    from snipfix.report.terminal import Progress

    progress = Progress(language=asked() or language_of(snippets))
    progress.start(len(snippets))
    try:
        results = tuple(in_document_terms(engine.results(snippets, repair=repair, patches=loaded, watcher=progress), found))
    finally:
        progress.close()
    return RunReport(
        results=results,
        skipped=tuple(skipped for document in found for skipped in document.skipped),
        environment=engine.environment(),
        command="repair" if repair else "audit",
        seconds=time.monotonic() - started,
    )


def in_document_terms(results: Iterable[Result], found: Sequence[Document]) -> Iterator[Result]:
    """The results, each diff that of its document, so that `patch -p1` applies it there. A workspace's diffs are those of its files.

    A mend that cannot stand in its document is only a part of a repair: the snippet's own diff shows it, and nothing is written.
    """
    owners = {document.path: document for document in found if document.source is not None}
    for result in results:
        codes, outputs = changes([result])
        document = owners.get(result.snippet.document)
        if document is None or result.repair is None or not (codes or outputs):
            yield result
            continue
        try:
            old, new = document.raw, writeback.rewrite(document, codes, outputs)
        except DocumentError as error:
            reason = f"{error.message}: {error.hint}"
            yield replace(result, repair=replace(result.repair, verdict=RepairVerdict.PARTLY_REPAIRED, reason=reason))
            continue
        encoding = document.encoding
        diff = unified(old.decode(encoding, "replace"), new.decode(encoding, "replace"), document.path)
        yield replace(result, repair=replace(result.repair, diff=diff))


def accepted_in(file: Path | None, *, consulted: bool = True) -> Baseline | None:
    """The baseline named, or the one in the current folder; None where there is none to be consulted.

    Raises:
        ConfigError: for a file that is no baseline.
    """
    if not consulted:
        return None
    if file is None and not Path(DEFAULT).is_file():
        return None
    return Baseline.load(file or Path(DEFAULT))


def unread(finished: Finished) -> int:
    """Say which documents could not be read; returns the exit code that this makes, 0 for none."""
    for error in finished.unread:
        complain(error)
    return max((error.exit_code for error in finished.unread), default=0)


def _workspace_here() -> Path:
    if not Path("snippets/manifest.json").is_file():
        raise UsageError(
            "no PATH given, and the current folder is no workspace", hint="name a document, or make a workspace with `snipfix init`"
        )
    return Path()


def emit(finished: Finished, format: str, output: Path | None, language: str | None = None, *, advise: bool = True) -> None:  # noqa: A002
    """The report in the format asked for, on stdout or into a file; the HTML and the history where `snipfix report` finds them."""
    from snipfix.report import render

    options: dict[str, Any] = {} if format in ("json", "sarif") else {"language": language}

    if Path("snippets/manifest.json").is_file() or Path("pyproject.toml").is_file():
        from snipfix.report import history

        with contextlib.suppress(OSError):  # a checkout that is read-only is audited all the same
            write_atomic(LAST_RUN, render(finished.report, "html", language=language).encode("utf-8", "replace"))
            history.add(finished.report)
    if format == "table" and output is None:
        from snipfix.report import terminal

        options |= {**terminal.options(), "advise": advise}
    give(render(finished.report, format, **options), output)


def give(text: str, output: Path | None) -> None:
    """A report on stdout, or whole into a file.

    Raises:
        UsageError: for a file that cannot be written.
    """
    if output is not None:
        try:
            write_atomic(output, text.encode("utf-8", "replace"))
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror}", place=str(output), hint="name another file with --output") from error
        say(f"report written to {output}")
        return
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()

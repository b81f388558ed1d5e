"""`snipfix audit`: what is wrong, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from snipfix.cli.options import (
    AllowEmptyOption,
    BaselineOption,
    DeviceOption,
    DiffOption,
    EngineName,
    EngineOption,
    ExitZeroOption,
    Format,
    FormatOption,
    IgnoreOption,
    IsolationOption,
    JobsOption,
    LanguageOption,
    MemoryOption,
    NoBaselineOption,
    NoCacheOption,
    NoPatchesOption,
    OutputOption,
    Paths,
    PythonOption,
    QuickOption,
    SandboxOption,
    SelectOption,
    StageOption,
    TimeoutOption,
    UnsafeOption,
    WatchOption,
    resolve,
)
from snipfix.cli.voice import complain, say
from snipfix.errors import SnipfixError, UsageError

if TYPE_CHECKING:
    from snipfix.cli.run import Finished
    from snipfix.config import Options
    from snipfix.documents import Document

__all__ = ["audit"]


def audit(
    paths: Paths = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: OutputOption = None,
    lang: LanguageOption = None,
    engine: EngineOption = EngineName.LOCAL,
    device: DeviceOption = None,
    jobs: JobsOption = None,
    timeout: TimeoutOption = None,
    memory: MemoryOption = None,
    stage: StageOption = None,
    quick: QuickOption = None,
    python: PythonOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    diff: DiffOption = None,
    watch: WatchOption = False,
    allow_empty: AllowEmptyOption = False,
    baseline: BaselineOption = None,
    no_baseline: NoBaselineOption = False,
    no_cache: NoCacheOption = False,
    exit_zero: ExitZeroOption = False,
    no_patches: NoPatchesOption = False,
    unsafe_fixes: UnsafeOption = None,
    require_sandbox: SandboxOption = None,
    isolation: IsolationOption = None,
) -> int:
    """Audit snippets: extract, run, exercise and probe each one, and say what is wrong and why."""
    from snipfix.cli.run import accepted_in, emit, run, run_over, unread

    options = resolve(
        device=device, jobs=jobs, timeout=timeout, memory=memory, stage=stage, quick=quick, python=python, select=select, ignore=ignore,
        cache=False if no_cache else None, patches=False if no_patches else None, unsafe_fixes=unsafe_fixes,
        require_sandbox=require_sandbox, isolation=isolation,
    )  # fmt: skip
    accepted = accepted_in(baseline, consulted=not no_baseline)
    if watch:
        if diff is not None:
            raise UsageError("--watch and --diff do not go together", hint="--watch looks only at documents that change")
        if engine is not EngineName.LOCAL:
            raise UsageError("--watch runs on this machine alone", hint="leave --engine out")
        watching(paths or [Path()], options, lambda one: emit(one.without(accepted, options), format.value, output, lang))
    if diff is None:
        finished = run(paths, options, repair=False, allow_empty=allow_empty, engine=engine.value)
    else:
        finished = run_over(changed_in(paths, diff), options, engine=engine.value)
    finished = finished.without(accepted, options, whole=diff is None)
    emit(finished, format.value, output, lang)
    return unread(finished) or (1 if finished.failing and not exit_zero else 0)


def watching(paths: Sequence[Path], options: Options, show: Callable[[Finished], None]) -> NoReturn:
    """Audit what is there, then each document that is written, until interrupted."""
    import os

    from snipfix import documents
    from snipfix.cli.run import Finished, report_of
    from snipfix.engines.local import LocalEngine
    from snipfix.watch import changes

    files = [list(paths)]
    written = changes(paths)
    with LocalEngine(options) as engine:
        while True:
            for names in files:
                try:
                    found = documents.collect(names, allow_empty=True)
                    show(Finished(report_of(engine, found), tuple(found)))
                except SnipfixError as error:
                    complain(error)
            say("watching, Ctrl-C ends it")
            files = [[Path(os.path.relpath(file))] for file in next(written)]


def changed_in(paths: Sequence[Path] | None, revision: str) -> list[Document]:
    """The documents at the paths that changed since a revision, narrowed to what changed in them."""
    from snipfix.changed import Changes

    changes = Changes(revision)
    found = changes.documents(paths or [Path()])
    count = sum(len(document.snippets) for document in found)
    say(f"{count} changed snippets in {len(found)} changed documents since {changes.revision[:12]}")
    return found

"""`snipfix repair`: mend what is broken, and prove it."""

from __future__ import annotations

from typing import Annotated

import typer

from snipfix.cli.options import (
    DeviceOption,
    ExitZeroOption,
    Format,
    FormatOption,
    IgnoreOption,
    IsolationOption,
    JobsOption,
    LanguageOption,
    MemoryOption,
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
    resolve,
)

__all__ = ["repair"]

WriteOption = Annotated[bool, typer.Option("--write", help="Mend documents in place; in a workspace write reports/.")]
RecordOption = Annotated[bool, typer.Option("--record", help="Write each repair that the search finds as a patch into fixes/.")]

InteractiveOption = Annotated[
    bool, typer.Option("--interactive", help="Show the proven repairs of each snippet, and take the one you choose. Needs a terminal.")
]


def repair(
    paths: Paths = None,
    write: WriteOption = False,
    record: RecordOption = False,
    interactive: InteractiveOption = False,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: OutputOption = None,
    lang: LanguageOption = None,
    device: DeviceOption = None,
    jobs: JobsOption = None,
    timeout: TimeoutOption = None,
    memory: MemoryOption = None,
    stage: StageOption = None,
    quick: QuickOption = None,
    python: PythonOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    no_cache: NoCacheOption = False,
    exit_zero: ExitZeroOption = False,
    no_patches: NoPatchesOption = False,
    unsafe_fixes: UnsafeOption = None,
    require_sandbox: SandboxOption = None,
    isolation: IsolationOption = None,
) -> int:
    """Repair snippets: search for small edits, prove each by running it. Without --write it shows diffs and writes nothing."""
    from snipfix.cli.interactive import chosen, need_a_terminal
    from snipfix.cli.run import emit, run, unread
    from snipfix.cli.write import check_places, record_patches, write_back

    options = resolve(
        device=device, jobs=jobs, timeout=timeout, memory=memory, stage=stage, quick=quick, python=python, select=select, ignore=ignore,
        cache=False if no_cache or interactive else None, patches=False if no_patches else None, unsafe_fixes=unsafe_fixes,
        require_sandbox=require_sandbox, isolation=isolation,
    )  # fmt: skip
    if interactive:
        need_a_terminal()
    finished = run(paths, options, repair=True, check=check_places if write else None)
    if interactive:
        finished = chosen(finished, options, lang)
    emit(finished, format.value, output, lang, advise=not write)
    if record:
        record_patches(finished)
    code = unread(finished)
    if write:
        write_back(finished)
    return code or (1 if finished.left and not exit_zero else 0)

"""`snipfix audit`: what is wrong, and why."""

from __future__ import annotations

from snipfix.cli.options import (
    BaselineOption,
    DeviceOption,
    ExitZeroOption,
    Format,
    FormatOption,
    IgnoreOption,
    IsolationOption,
    JobsOption,
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
    resolve,
)

__all__ = ["audit"]


def audit(
    paths: Paths = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: OutputOption = None,
    device: DeviceOption = None,
    jobs: JobsOption = None,
    timeout: TimeoutOption = None,
    memory: MemoryOption = None,
    stage: StageOption = None,
    quick: QuickOption = None,
    python: PythonOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
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
    from snipfix.cli.run import accepted_in, emit, run

    options = resolve(
        device=device, jobs=jobs, timeout=timeout, memory=memory, stage=stage, quick=quick, python=python, select=select, ignore=ignore,
        cache=False if no_cache else None, patches=False if no_patches else None, unsafe_fixes=unsafe_fixes,
        require_sandbox=require_sandbox, isolation=isolation,
    )  # fmt: skip
    accepted = accepted_in(baseline, consulted=not no_baseline)
    finished = run(paths, options, repair=False).without(accepted, options)
    emit(finished, format.value, output)
    return 1 if finished.failing and not exit_zero else 0

"""`snipfix audit`: what is wrong, and why."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from snipfix.cli.options import (
    AllowEmptyOption,
    BaselineOption,
    DeviceOption,
    DiffOption,
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

if TYPE_CHECKING:
    from snipfix.documents import Document

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
    diff: DiffOption = None,
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
    from snipfix.cli.run import accepted_in, emit, run, run_over

    options = resolve(
        device=device, jobs=jobs, timeout=timeout, memory=memory, stage=stage, quick=quick, python=python, select=select, ignore=ignore,
        cache=False if no_cache else None, patches=False if no_patches else None, unsafe_fixes=unsafe_fixes,
        require_sandbox=require_sandbox, isolation=isolation,
    )  # fmt: skip
    accepted = accepted_in(baseline, consulted=not no_baseline)
    if diff is None:
        finished = run(paths, options, repair=False, allow_empty=allow_empty)
    else:
        finished = run_over(changed_in(paths, diff), options)
    finished = finished.without(accepted, options)
    emit(finished, format.value, output)
    return 1 if finished.failing and not exit_zero else 0


def changed_in(paths: Sequence[Path] | None, revision: str) -> list[Document]:
    """The documents at the paths that changed since a revision, narrowed to what changed in them."""
    from snipfix.changed import Changes

    changes = Changes(revision)
    found = changes.documents(paths or [Path()])
    count = sum(len(document.snippets) for document in found)
    print(f"snipfix: {count} changed snippets in {len(found)} changed documents since {changes.revision[:12]}", file=sys.stderr)
    return found

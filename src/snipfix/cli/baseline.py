"""`snipfix baseline`: accept today's findings, so that only new ones fail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from snipfix.baseline import DEFAULT, Baseline
from snipfix.cli.options import (
    DeviceOption,
    IgnoreOption,
    IsolationOption,
    JobsOption,
    MemoryOption,
    NoCacheOption,
    Paths,
    PythonOption,
    QuickOption,
    SandboxOption,
    SelectOption,
    StageOption,
    TimeoutOption,
    resolve,
)

__all__ = ["baseline"]


def baseline(
    paths: Paths = None,
    file: Annotated[Path, typer.Option("--baseline", help="The file to write.", dir_okay=False)] = Path(DEFAULT),
    reason: Annotated[str, typer.Option("--reason", help="Why what is found now is accepted; edit the file to tell them apart.")] = "",
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
    require_sandbox: SandboxOption = None,
    isolation: IsolationOption = None,
) -> int:
    """Audit, and write every finding down as accepted; `snipfix audit` then shows and fails on new ones only."""
    from snipfix.cli.run import run

    options = resolve(
        device=device, jobs=jobs, timeout=timeout, memory=memory, stage=stage, quick=quick, python=python, select=select, ignore=ignore,
        cache=False if no_cache else None, require_sandbox=require_sandbox, isolation=isolation,
    )  # fmt: skip
    old = Baseline.load(file) if file.exists() else Baseline(file)
    new = old.accepting(run(paths, options, repair=False).report.results, reason)
    new.write()
    before, after = ({entry.fingerprint for entry in one.entries} for one in (old, new))
    print(
        f"snipfix: {file} accepts {len(after)} findings, {len(after - before)} of them new, {len(before - after)} dropped", file=sys.stderr
    )
    return 0

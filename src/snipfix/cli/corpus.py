"""`snipfix corpus`: a column of code or of Markdown, by the million."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from snipfix.cli.options import (
    DeviceOption,
    EngineName,
    EngineOption,
    ExitZeroOption,
    IgnoreOption,
    JobsOption,
    MemoryOption,
    NoCacheOption,
    PythonOption,
    QuickOption,
    SandboxOption,
    SelectOption,
    StageOption,
    TimeoutOption,
    UnsafeOption,
    resolve,
)

__all__ = ["corpus"]


InArgument = Annotated[Path, typer.Argument(metavar="IN", help="A .jsonl, .jsonl.gz or .parquet file.")]
OutOption = Annotated[Path, typer.Option("--out", help="A .jsonl or .parquet file: a record per row.", dir_okay=False)]
ColumnOption = Annotated[str | None, typer.Option("--column", help="The column that holds code.")]
MarkdownOption = Annotated[str | None, typer.Option("--markdown", help="The column that holds Markdown.")]
RepairOption = Annotated[bool, typer.Option("--repair", help="Repair what is broken, too.")]


def corpus(
    source: InArgument,
    out: OutOption,
    column: ColumnOption = None,
    markdown: MarkdownOption = None,
    repair: RepairOption = False,
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
    no_cache: NoCacheOption = False,
    exit_zero: ExitZeroOption = False,
    unsafe_fixes: UnsafeOption = None,
    require_sandbox: SandboxOption = None,
) -> int:
    """Audit a corpus: a column of code or of Markdown in, one record per row out. A run that was killed goes on where it stopped."""
    from snipfix.corpus import Totals, run
    from snipfix.engines import make
    from snipfix.engines.keys import Keys
    from snipfix.errors import UsageError

    if (column is None) == (markdown is None):
        raise UsageError("give either --column or --markdown", hint="the name of the column that holds code, or Markdown")
    options = resolve(
        device=device, jobs=jobs, timeout=timeout, memory=memory, stage=stage, quick=quick, python=python, select=select, ignore=ignore,
        cache=False if no_cache else None, unsafe_fixes=unsafe_fixes, require_sandbox=require_sandbox,
    )  # fmt: skip

    def progress(totals: Totals) -> None:
        if sys.stderr.isatty():
            print(f"\r{totals.rows} rows", end="", file=sys.stderr, flush=True)

    with make(engine.value, options) as entered:
        shared = Keys(options, entered.environment(), None, repair=repair).shared
        name = hashlib.sha256(f"{source.absolute()}\n{column}\n{markdown}\n{shared}".encode()).hexdigest()
        totals = run(
            source, column or markdown or "", out, entered, markdown=markdown is not None, repair=repair, name=name, progress=progress
        )
    resumed = f" ({totals.resumed} of them by an earlier run)" if totals.resumed else ""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in totals.verdicts.most_common())
    print(f"{totals.rows} rows{resumed}: {counts}; written to {out}")
    return 1 if totals.verdicts["failing"] and not exit_zero else 0

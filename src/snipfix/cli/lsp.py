"""`snipfix lsp`: the language server, for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from snipfix.cli.options import (
    DeviceOption,
    IgnoreOption,
    IsolationOption,
    LanguageOption,
    MemoryOption,
    PythonOption,
    QuickOption,
    SandboxOption,
    SelectOption,
    StageOption,
    TimeoutOption,
    UnsafeOption,
    resolve,
)
from snipfix.errors import UsageError

__all__ = ["lsp"]

StdioOption = Annotated[bool, typer.Option("--stdio", hidden=True, help="Editors add it.")]


def lsp(
    device: DeviceOption = None,
    timeout: TimeoutOption = None,
    memory: MemoryOption = None,
    stage: StageOption = None,
    quick: QuickOption = None,
    python: PythonOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    unsafe_fixes: UnsafeOption = None,
    require_sandbox: SandboxOption = None,
    isolation: IsolationOption = None,
    lang: LanguageOption = None,
    stdio: StdioOption = True,  # noqa: ARG001 - it speaks in no other way
) -> int:
    """Serve editors over the Language Server Protocol: findings as you type, those of a run when you save, mends as code actions."""
    options = resolve(
        device=device, timeout=timeout, memory=memory, stage=stage, quick=quick, python=python, select=select, ignore=ignore,
        unsafe_fixes=unsafe_fixes, require_sandbox=require_sandbox, isolation=isolation,
    )  # fmt: skip
    try:
        from snipfix.lsp.server import serve
    except ImportError as error:
        raise UsageError(f"`snipfix lsp` needs {error.name}, which is not installed", hint="pip install 'snipfix[lsp]'") from error
    serve(options, lang.value if lang else None)
    return 0

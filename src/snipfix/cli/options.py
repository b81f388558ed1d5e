"""The options that several commands share, declared once, and how they become Options."""

from __future__ import annotations

from dataclasses import fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from snipfix.config import Options, check_patterns, load
from snipfix.model import Stage

__all__ = ["Device", "Format", "Language", "resolve"]


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    GITHUB = "github"
    HTML = "html"


class Language(StrEnum):
    EN = "en"
    ZH = "zh"


class EngineName(StrEnum):
    LOCAL = "local"
    RAY = "ray"


class Device(StrEnum):
    CPU = "cpu"
    CUDA = "cuda"


Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATH", help="Documents, folders, .py files or a workspace. Default: the workspace here."),
]
FormatOption = Annotated[Format, typer.Option("--format", help="What goes to stdout or --output.")]
OutputOption = Annotated[Path | None, typer.Option("--output", help="Write the report to this file instead of stdout.", dir_okay=False)]
LanguageOption = Annotated[Language | None, typer.Option("--lang", help="The report's language. Default: that of the documents.")]
DeviceOption = Annotated[Device | None, typer.Option("--device", help="Where the snippets run.")]
EngineOption = Annotated[EngineName, typer.Option("--engine", help="This machine, or the Ray cluster that RAY_ADDRESS names.")]
JobsOption = Annotated[int | None, typer.Option("--jobs", min=1, max=256, help="Fork servers side by side. Default: one per core.")]
TimeoutOption = Annotated[float | None, typer.Option("--timeout", min=0.1, help="Seconds for one snippet.")]
MemoryOption = Annotated[int | None, typer.Option("--memory", min=64, help="Megabytes for one snippet.")]
StageOption = Annotated[Stage | None, typer.Option("--stage", help="How deep to look.")]
QuickOption = Annotated[bool | None, typer.Option("--quick", help="Cut module-level training loops short; said in the report.")]
PythonOption = Annotated[
    str | None, typer.Option("--python", metavar="INTERPRETER", help="The interpreter whose packages the snippets use.")
]
SelectOption = Annotated[list[str] | None, typer.Option("--select", help="Only these rules or categories (repeat, or separate by commas).")]
IgnoreOption = Annotated[list[str] | None, typer.Option("--ignore", help="Not these rules or categories.")]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Run everything again.")]
ExitZeroOption = Annotated[bool, typer.Option("--exit-zero", help="Exit 0 even with findings at error level.")]
NoPatchesOption = Annotated[bool, typer.Option("--no-patches", help="Rules alone: fixes/ is not consulted.")]
UnsafeOption = Annotated[bool | None, typer.Option("--unsafe-fixes", help="Also use fixes that change the meaning.")]
BaselineOption = Annotated[
    Path | None,
    typer.Option("--baseline", help="Accepted findings (default: .snipfix-baseline.json here, where there is one).", dir_okay=False),
]
DiffOption = Annotated[
    str | None,
    typer.Option("--diff", metavar="[REV]", help="Only what changed since REV (default: since this branch left the default one)."),
]
AllowEmptyOption = Annotated[bool, typer.Option("--allow-empty", help="Documents without any Python are no error: for hooks.")]
WatchOption = Annotated[bool, typer.Option("--watch", help="Stay, and audit a document again whenever it is written.")]
NoBaselineOption = Annotated[bool, typer.Option("--no-baseline", help="Show accepted findings too.")]
SandboxOption = Annotated[bool | None, typer.Option("--require-sandbox", help="Refuse to run without the full sandbox.")]
IsolationOption = Annotated[str | None, typer.Option("--isolation", hidden=True)]


def resolve(**given: Any) -> Options:
    """Options of the project here, with what the command line gives on top.

    Raises:
        ConfigError: when the configuration, --select or --ignore makes no sense.
    """
    options = load(Path.cwd())
    names = {field.name for field in fields(Options)}
    changes = {name: _plain(value) for name, value in given.items() if name in names and value is not None}
    options = replace(options, **changes)
    if options.select or options.ignore:
        from snipfix.rules.registry import rules

        check_patterns((*options.select, *options.ignore), {rule.id: rule.name for rule in rules()})
    return options


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(part.strip() for item in value for part in str(item).split(",") if part.strip())
    return value.value if isinstance(value, Device) else value

"""Renderings of one RunReport: `render` gives the text of a format, `write_workspace` the files of a workspace's reports/.

Every renderer is pure: the same report gives the same text. Each lives in a file of its own and loads only when it is asked for.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from snipfix.errors import UsageError
from snipfix.model import RunReport

__all__ = ["FORMATS", "render", "write_workspace"]

FORMATS = {
    "table": "terminal",
    "json": "machine",
    "sarif": "sarif",
    "junit": "junit",
    "markdown": "markdown",
    "github": "github",
    "html": "html",
}
"""Each format and the module that renders it."""


def render(report: RunReport, format: str, **options: Any) -> str:  # noqa: A002
    """The report as text. Options: `color` and `width` (table), `language` (html, markdown: `en` or `zh`; default: the document's).

    Raises:
        UsageError: for a format that does not exist.
    """
    if format not in FORMATS:
        raise UsageError(f"there is no format {format!r}", hint=f"one of {', '.join(FORMATS)}")
    module = importlib.import_module(f"{__name__}.{FORMATS[format]}")
    text: str = module.render(report, **options)
    return text


def write_workspace(report: RunReport, folder: Path) -> list[Path]:
    """Write a workspace's reports/ and return the files that changed (see `report.workspace`)."""
    from snipfix.report.workspace import write

    return write(report, folder)

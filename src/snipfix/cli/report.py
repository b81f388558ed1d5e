"""`snipfix report`: the HTML report of the last run."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from snipfix.errors import UsageError

__all__ = ["report"]

LAST_RUN = Path(".snipfix/report.html")
"""Where every run leaves its HTML report, below the folder it was started in."""


def report(open_it: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False) -> int:
    """Print the path of the last run's HTML report, and open it if asked to."""
    committed = Path("reports/index.html")
    file = LAST_RUN if LAST_RUN.is_file() else committed
    if not file.is_file():
        raise UsageError(
            "no run has left a report here", hint="`snipfix audit` leaves one in .snipfix/, `snipfix repair --write` in reports/"
        )
    print(file)
    if open_it:
        webbrowser.open(file.resolve().as_uri())
    return 0

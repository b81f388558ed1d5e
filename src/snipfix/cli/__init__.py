"""The command line: one file per command; each parses, calls one library function, renders and chooses the exit code."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """The `snipfix` command. Answers --version without loading anything else."""
    if sys.argv[1:] == ["--version"]:
        from snipfix import __version__

        print(f"snipfix {__version__}")
        return
    from snipfix.cli.app import run

    sys.exit(run())

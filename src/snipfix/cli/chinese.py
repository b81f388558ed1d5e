"""`--help` in Chinese: the texts of the command line from `zh.toml` beside this file, laid out by the width of their characters."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["help_asked", "put_into_chinese", "texts"]

LANGUAGE = re.compile(r"--lang(=.*)?")
UNIT = re.compile(r"\[[^\]]*\]|[!-~]+|[^\s!-~][，。：；、）”]*|\s+")
"""What a line is not broken in: a note in brackets, a Latin word, a Chinese character with the punctuation that closes it."""
NOTES = re.compile(r"^(.*?)(  \[[^\]]*\])?$", re.DOTALL)
"""A help text, and what Typer puts behind it: the default, the range, that it is required."""
WORDS = {"default: ": "默认：", "required": "必填", "env var: ": "环境变量："}


def help_asked(arguments: Sequence[str], language: str | None) -> list[str] | None:
    """The arguments without --lang, which not every command has, when a Chinese reader asks for help; None for whatever else."""
    locale = next(filter(None, (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    if not (language or locale).lower().startswith("zh") or (arguments and "--help" not in arguments):
        return None
    left, given = list[str](), list(arguments)
    while given:
        argument = given.pop(0)
        if not LANGUAGE.fullmatch(argument):
            left.append(argument)
        elif argument == "--lang" and given:
            given.pop(0)
    return left


def texts(table: str) -> Mapping[str, str]:
    """One table of `zh.toml`: `help` or `headings`."""
    found: Mapping[str, str] = tomllib.loads(Path(__file__).with_name("zh.toml").read_text(encoding="utf-8"))[table]
    return found


def put_into_chinese(command: Any) -> Any:
    """The command and those below it, with their help in Chinese."""
    command.help = command.short_help = texts("help").get(command.help, command.help)
    command.context_class = type(
        "Context", (command.context_class,), {"formatter_class": _formatter(command.context_class.formatter_class)}
    )
    for one in getattr(command, "commands", {}).values():
        put_into_chinese(one)
    return command


def _formatter(base: Any) -> Any:
    """Click's own page, its fixed words and the options in Chinese."""
    helps, headings = texts("help"), texts("headings")

    class Formatter(base):  # type: ignore[misc]
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, "用法： ")

        def write_heading(self, heading: str) -> None:
            self.write(f"{headings.get(heading, heading)}：\n")

        def write_text(self, text: str) -> None:
            super().write_text(_folded(text, self.width - self.current_indent))

        def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
            first = min(max(len(name) for name, _ in rows), col_max) + col_spacing
            super().write_dl([(name, _folded(_spoken(text, helps), self.width - first - 2)) for name, text in rows], col_max, col_spacing)

    return Formatter


def _spoken(text: str, helps: Mapping[str, str]) -> str:
    found = NOTES.match(text)
    said, notes = (found[1], found[2] or "") if found else (text, "")
    for english, chinese in WORDS.items():
        notes = notes.replace(english, chinese)
    return helps.get(said, said) + notes


def _folded(text: str, cells: int) -> str:
    """The text in lines of at most so many cells, marked for Click to leave them as they are."""
    from rich.cells import cell_len

    lines = [""]
    for unit in UNIT.findall(text):
        if cell_len(lines[-1] + unit.rstrip()) > cells and lines[-1].strip():
            lines.append("")
        lines[-1] += unit if lines[-1] else unit.lstrip()
    return "\b\n" + "\n".join(line.rstrip() for line in lines)

"""`snipfix report`: the HTML report of the last run, the runs before it, and what changed between two of them."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from snipfix.cli.options import Format, FormatOption, LanguageOption, OutputOption
from snipfix.errors import UsageError

__all__ = ["report"]

LAST_RUN = Path(".snipfix/report.html")
"""Where every run leaves its HTML report, below the folder it was started in."""

OpenOption = Annotated[bool, typer.Option("--open", help="Open it in a browser.")]
CompareOption = Annotated[
    tuple[str, str] | None,
    typer.Option("--compare", metavar="OLD NEW", help="What got better and worse: JSON reports, numbers of runs, `last`, `last~1`."),
]
HistoryOption = Annotated[bool, typer.Option("--history", help="List the runs that are remembered here.")]


def report(
    open_it: OpenOption = False,
    compare: CompareOption = None,
    history: HistoryOption = False,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: OutputOption = None,
    lang: LanguageOption = None,
) -> int:
    """Print the path of the last run's HTML report; list earlier runs; compare two: exit 1 when something got worse."""
    if compare is not None:
        return compared(*compare, format.value, lang, output)
    if history:
        return listed(lang)
    committed = Path("reports/index.html")
    file = LAST_RUN if LAST_RUN.is_file() else committed
    if not file.is_file():
        raise UsageError(
            "no run has left a report here",
            hint="a run leaves one in .snipfix/ of a workspace or beside a pyproject.toml; elsewhere `--format html --output FILE` writes it",
        )
    print(file)
    if open_it:
        webbrowser.open(file.resolve().as_uri())
    return 0


def compared(old: str, new: str, format: str, language: str | None, output: Path | None = None) -> int:  # noqa: A002
    """Print the comparison of two runs; 1 when something got worse."""
    from snipfix.cli.run import give
    from snipfix.report import terminal
    from snipfix.report.compare import compare, load, render
    from snipfix.report.history import run_file

    before, after = load(run_file(old)), load(run_file(new))
    found, language = compare(before, after), language or after.language
    color = output is None and bool(terminal.options().get("color"))
    give(render(found, format, language=language, color=color), output)
    return int(found.worse)


def listed(language: str | None) -> int:
    """Print the remembered runs, newest first."""
    from rich.cells import set_cell_size

    from snipfix.report.history import runs
    from snipfix.report.texts import texts

    known = runs()
    if not known:
        raise UsageError("no run is remembered here", hint="`snipfix audit` and `snipfix repair` leave one in .snipfix/history/")
    for run in known:
        try:
            command, counts, spoken = run.counts()
        except UsageError as error:
            print(f"{run.number:>4}  {run.when}  {error}")
            continue
        words = texts(language or spoken)
        ended = words["comma"].join(f"{count} {words.get(name, name)}" for name, count in sorted(counts.items()))
        print(f"{run.number:>4}  {run.when}  {set_cell_size(words.get(command, command), 7)} {ended}")
    return 0

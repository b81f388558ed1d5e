"""The application: commands together, and every error turned into words and an exit code."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from snipfix.cli import audit, baseline, cache, chinese, corpus, doctor, explain, extract, init, lsp, new_rule, repair, report, voice
from snipfix.errors import SnipfixError

__all__ = ["app", "run"]

ClickException: type[Any] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
"""The base of Typer's usage errors: Click's own, or that of the Click that newer releases carry inside."""

app = typer.Typer(
    name="snipfix",
    help="Audits the code in documents by running it, and repairs what is broken with proven edits.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("audit")(audit.audit)
app.command("repair")(repair.repair)
app.command("baseline")(baseline.baseline)
app.command("extract")(extract.extract)
app.command("report")(report.report)
app.command("explain")(explain.explain)
app.command("rules")(explain.rules)
app.command("doctor")(doctor.doctor)
app.command("init")(init.init)
app.command("cache")(cache.cache)
app.command("lsp")(lsp.lsp)
app.command("corpus")(corpus.corpus)
app.command("new-rule")(new_rule.new_rule)


@app.callback()
def options(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        from snipfix import __version__

        print(f"snipfix {__version__}")
        raise typer.Exit


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 fine, 1 findings, 2 usage, 3 an error in snipfix, 130 interrupted."""
    try:
        given = spelled_out(sys.argv[1:] if arguments is None else arguments)
        voice.listen(given)
        if (asked := chinese.help_asked(given, voice.asked())) is not None:
            return int(chinese.put_into_chinese(typer.main.get_command(app)).main(asked, "snipfix", standalone_mode=False) or 0)
        return int(app(given, standalone_mode=False) or 0)
    except SnipfixError as error:
        voice.complain(error)
        return error.exit_code
    except typer.Exit as error:
        return error.exit_code
    except ClickException as error:
        error.show(sys.stderr)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        voice.say("interrupted")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception:
        return crashed()


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """The arguments with `--diff [REV]`, whose value may be left out, as `--diff=REV`. What exists as a file is a PATH, not a REV."""
    out, rest = list[str](), list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--diff":
            given = bool(rest) and not rest[0].startswith("-") and not Path(rest[0]).exists()
            argument = f"--diff={rest.pop(0) if given else ''}"
        out.append(argument)
    return out


def crashed() -> int:
    """An error in snipfix itself: the traceback goes into a log, its path to the user."""
    with tempfile.NamedTemporaryFile("w", prefix="snipfix-", suffix=".log", delete=False, encoding="utf-8") as log:
        traceback.print_exc(file=log)
    kind, error, _ = sys.exc_info()
    voice.say(
        f"an error in snipfix itself: {kind.__name__ if kind else ''}: {str(error)[:300]}",
        f"please report it with the log {log.name}",
    )
    return 3

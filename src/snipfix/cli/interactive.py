"""`snipfix repair --interactive`: a person chooses among the proven repairs of each snippet."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from snipfix.cli.run import Finished, in_document_terms
from snipfix.errors import UsageError
from snipfix.model import Repair, RepairVerdict, Result
from snipfix.repair import Candidate

if TYPE_CHECKING:
    from snipfix.config import Options
    from snipfix.engines.local import LocalEngine

__all__ = ["chosen", "need_a_terminal"]

LEFT = "left as it is, as chosen"


def need_a_terminal() -> None:
    """Raise UsageError when there is nobody to ask."""
    if not sys.stdin.isatty():
        raise UsageError(
            "--interactive needs a terminal to ask on", hint="run it in a terminal, or leave it out: the best repair is taken then"
        )


def chosen(finished: Finished, options: Options, language: str | None) -> Finished:
    """The same run with the repairs that the person at the terminal chose. Ctrl-D and q leave all that was not asked for yet as it is."""
    from snipfix.engines.local import LocalEngine
    from snipfix.report.language import chosen as language_of

    spoken = language_of(finished.report, language)
    with LocalEngine(options) as engine:
        results = tuple(in_document_terms(_asked(engine, finished.report.results, spoken), finished.documents))
    return replace(finished, report=replace(finished.report, results=results))


def _asked(engine: LocalEngine, results: Sequence[Result], language: str) -> Iterator[Result]:
    leave_the_rest = False
    for result in results:
        if result.repair is None or result.repair.verdict is not RepairVerdict.REPAIRED:
            yield result
            continue
        taken: Repair | None = None
        if not leave_the_rest:
            taken, leave_the_rest = _one(result, engine.choices(result), language)
        yield replace(result, repair=taken or _left(result))


def _one(result: Result, candidates: Sequence[Candidate], language: str) -> tuple[Repair | None, bool]:
    """The repair chosen for one snippet, or None; and whether nobody is to be asked again."""
    from snipfix.report.choices import shown
    from snipfix.report.texts import texts

    words = texts(language)
    sys.stderr.write(shown(result.snippet, candidates, words, language))
    while True:
        sys.stderr.write(words["which"].format(f"1-{len(candidates)}" if len(candidates) > 1 else "1"))
        sys.stderr.flush()
        line = sys.stdin.readline()
        answer = line.strip().lower()
        if not line or answer == "q":
            return None, True
        if answer == "s":
            return None, False
        if not answer:
            return candidates[0].repair, False
        if answer.isdecimal() and 1 <= int(answer) <= len(candidates):
            return candidates[int(answer) - 1].repair, False


def _left(result: Result) -> Repair:
    return Repair(RepairVerdict.UNREPAIRED, result.snippet.code, "", reason=LEFT, findings_after=result.findings, outcome=result.outcome)

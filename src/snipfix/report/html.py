"""The report as one HTML page: self-contained, no network, light and dark, readable on a phone, on paper and by a screen reader.

Everything a snippet could have written is escaped: Jinja escapes what it prints, `finalize` makes hidden characters visible, and the content
security policy allows only the page's own script.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from snipfix import __version__
from snipfix.errors import UsageError
from snipfix.evidence import Failure, Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Result, RunReport, Verdict
from snipfix.report import dependence, pictures
from snipfix.report.bilingual import TAGS, Words, both
from snipfix.report.facts import described, facts
from snipfix.report.language import chosen
from snipfix.report.listing import highlighted, listing
from snipfix.report.sides import Gap, Line, rows, written
from snipfix.report.summary import by_category, by_severity, document_of, plain, repairs, reproduce, slowest, verdicts
from snipfix.report.text import clean, short
from snipfix.rules.wording import Explanation, explanation, said

__all__ = ["render"]

TEMPLATES = Path(__file__).with_name("templates")
SLOWEST = 10
MANY = 300
"""Snippets above which the details of each are packed."""
MENDED = 4
"""Lines that are shown of what a candidate would write."""
TRAINING = {Category.TRAINING_LOOP, Category.AUTOGRAD}
"""Categories whose findings ask which parameters are trained."""
KEYS = {"exercise": "exercise stage", "skipped": "not reached", "environment": "environment category"}
"""Words that mean something else elsewhere on the page."""


def render(report: RunReport, *, language: str | None = None) -> str:
    """The whole page. `language`: `en` or `zh`; by default that of the documents."""
    language = chosen(report, language)
    words = Words(language)
    script = (TEMPLATES / "script.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        finalize=lambda value: clean(value) if type(value) is str else value,
    )  # fmt: skip
    return environment.get_template("page.html").render(
        t=words,
        tag=TAGS[language],
        say=lambda key: words[KEYS.get(str(key), str(key))],
        said=words.say,
        fact=lambda key: words[f"fact {key}"],
        known=lambda kind, value: words.get(f"{kind} {value}", value),
        facts_of=facts,
        offers_of=_offers,
        counted=lambda count, name: words[f"{name} one" if count == 1 else f"{name} many"].replace("{}", str(count)),
        language=language,
        version=__version__,
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        report=report,
        gradings=[*Applicability, *Meaning],
        overview=_overview(report),
        snippets=[_snippet(number, result, report, words) for number, result in enumerate(report.results, 1)],
        rules=_rules(report),
        packed=_packed if len(report.results) > MANY else None,
    )


def _packed(body: str) -> str:
    """The details of one snippet, small: thousands of them are a page that opens at once, and each is unpacked when it is looked at."""
    return base64.b64encode(zlib.compress(body.encode("utf-8", "replace"), 9)).decode()


def _overview(report: RunReport) -> dict[str, Any]:
    findings = [finding for result in report.results for finding in result.findings]
    categories = by_category(findings)
    used: dict[tuple[str, str], list[str]] = {}
    for result in report.results:
        for one in result.stand_ins:
            used.setdefault((one.what, one.how), []).append(result.snippet.id)
    environment = plain(report.environment)
    layers = environment.pop("layers", {})
    return {
        "documents": sorted({result.snippet.document for result in report.results} - {".", ""}),
        "before": {name: count for name, count in verdicts(report).items() if count},
        "after": {name: count for name, count in (repairs(report) or {}).items() if count},
        "severities": by_severity(findings),
        "categories": categories,
        "most": max(categories.values(), default=1),
        "stand_ins": [(what, how, ids) for (what, how), ids in sorted(used.items())],
        "slowest": slowest(report)[:SLOWEST],
        "environment": environment if isinstance(environment, dict) else {},
        "layers": layers if isinstance(layers, dict) else {},
    }


def _snippet(number: int, result: Result, report: RunReport, words: Words) -> dict[str, Any]:
    snippet, repair, outcome = result.snippet, result.repair, result.outcome
    ended = repair.verdict.value if repair else ""
    rules = {finding.name for finding in result.findings} | {finding.rule for finding in result.findings}
    changed = repair is not None and repair.corrected != snippet.code
    both = rows(snippet.code, repair.corrected) if repair and changed else []
    return {
        "anchor": f"s{number}",
        "result": result,
        "ended": ended,
        "place": f"{document_of(snippet)}:{snippet.line}",
        "reproduce": reproduce(result, report.command),
        "counts": [(name, count) for name, count in by_severity(result.findings).items() if count],
        "haystack": short(
            " ".join([snippet.id, snippet.title, document_of(snippet), *sorted(rules), *_messages(result)]),
            2000,
        ).lower(),
        "lines": listing(snippet.code, result.findings),
        "first": snippet.line,
        "behind": [finding for finding in result.findings if finding.behind],
        "failures": [_failure(stage, failure) for stage, failure in outcome.failures][:4] if outcome else [],
        "exercises": [one for one in outcome.exercises if not one.skipped][:6] if outcome else [],
        "pictures": _pictures(result, repair.outcome if repair and changed else None, words),
        "left": [finding for finding in repair.findings_after if finding.is_error] if repair else [],
        "rows": both,
        "old": _coloured(snippet.code, (row.old for row in both if not isinstance(row, Gap))),
        "new": _coloured(repair.corrected, (row.new for row in both if not isinstance(row, Gap))) if repair and changed else [],
        "is_gap": lambda row: isinstance(row, Gap),
        "quiet": result.verdict is Verdict.CLEAN and not result.findings,
        "stdout": (outcome.stdout if outcome else "")[:2000],
        "stdout_after": (repair.outcome.stdout if repair and repair.outcome and changed else "")[:2000],
    }


def _coloured(text: str, lines: Iterable[Line | None]) -> list[Markup]:
    """One side of a comparison, line by line: in colours, and the words marked that the other side does not have."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    marks = [
        (starts[line.number - 1] + begin, starts[line.number - 1] + end, "word") for line in lines if line for begin, end in line.differing
    ]
    return highlighted(text, marks)


def _offers(fixes: Sequence[Fix], code: str, chosen: str = "") -> Iterator[dict[str, Any]]:
    """Fixes of the code, each with the lines that it would write, but for those of the repair that was chosen."""
    known = {line.text for line in written(code, chosen)} if chosen else set()
    for fix in fixes:
        try:
            lines = [line for line in written(code, fix.apply(code)) if line.text not in known]
        except ValueError:
            lines = []  # it was made on another text
        shown = [{"number": line.number, "html": highlighted(line.text.strip())[0]} for line in lines[:MENDED]]
        yield {"fix": fix, "lines": shown, "more": len(lines) > MENDED}


def _messages(result: Result) -> list[str]:
    """What is said of a snippet, in both languages, for the search."""
    return [text for one in result.findings for text in dict.fromkeys((one.message, said(one.message, "zh", one.rule)))]


def _failure(stage: str, failure: Failure) -> dict[str, Any]:
    operation = failure.operation
    return {
        "stage": stage,
        "type": failure.type,
        "message": failure.message[:1500],
        "operation": operation.name if operation and "." in operation.name else "",
        "module": f"{operation.module.path} ({operation.module.type})" if operation and operation.module else "",
        "given": [described(value) for value in (*operation.args, *operation.kwargs.values())][:6] if operation else [],
        "locals": [
            (name, described(value))
            for name, value in failure.frame.locals.items()
            if name.isidentifier() and name.strip("_") and name != "self"
        ][:8]
        if failure.frame
        else [],
    }


def _pictures(result: Result, after: Outcome | None, words: Words) -> list[tuple[str, list[tuple[str, Markup | str]]]]:
    """Titled groups of drawings, each with what it shows: before, after, or both."""
    before, found = result.outcome, []
    categories = {finding.category for finding in result.findings}
    unmended = [replace(finding, behind="") for finding in result.findings]  # what was told of the old text says nothing of the new one
    groups = {
        "flow": (pictures.flow(before, words), pictures.flow(after, words)),
        "gradients": (pictures.gradients(before, words), pictures.gradients(after, words)) if TRAINING & categories else ("", ""),
        "dependence": (dependence.draw(before, result.findings, words), dependence.draw(after, unmended, words) if after else ""),
    }
    for key, (old, new) in groups.items():
        if after is None or old == new:
            drawings = [("before and after" if after else "", old)]
        else:
            drawings = [("before", old), ("after", new)]
        if shown := [(name, drawing) for name, drawing in drawings if drawing]:
            found.append((key, shown))
    if drawing := pictures.curve(before, after, words):
        found.append(("curve", [("", drawing)]))
    return found


def _rules(report: RunReport) -> list[dict[str, str]]:
    """Each rule that reported something: what it does and why that matters, from its documentation."""
    from snipfix.rules.registry import find

    seen: dict[str, Finding] = {}
    for result in report.results:
        for finding in (*result.findings, *(result.repair.findings_after if result.repair else ())):
            seen.setdefault(finding.rule, finding)
    found = []
    for rule, finding in sorted(seen.items()):
        try:
            english, chinese = (explanation(find(rule), language) for language in ("en", "zh"))
        except UsageError:
            english = chinese = Explanation("", "", "", "")
        texts = {key: both(getattr(english, key), getattr(chinese, key), prose=True) for key in ("summary", "what", "why", "safety")}
        found.append({"id": rule, "name": finding.name, "category": finding.category.value, **texts})
    return found

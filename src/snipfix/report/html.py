"""The report as one HTML page: self-contained, no network, light and dark, readable on a phone, on paper and by a screen reader.

Everything a snippet could have written is escaped: Jinja escapes what it prints, `finalize` makes hidden characters visible, and the content
security policy allows only the page's own script.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from snipfix import __version__
from snipfix.errors import UsageError
from snipfix.evidence import Failure, Outcome, Value
from snipfix.model import Category, Finding, Result, RunReport, Verdict
from snipfix.report import dependence, pictures
from snipfix.report.bilingual import TAGS, Words, both
from snipfix.report.language import chosen
from snipfix.report.listing import listing
from snipfix.report.sides import Gap, rows
from snipfix.report.summary import by_category, by_severity, document_of, plain, repairs, reproduce, verdicts
from snipfix.report.text import clean, short
from snipfix.rules.wording import Explanation, explanation, said

__all__ = ["render"]

TEMPLATES = Path(__file__).with_name("templates")
MANY = 300
"""Snippets above which the details of each are packed."""
LONG = 12
"""Characters above which a fact that the message has word for word is not told twice."""
FACTS = 8
"""Facts of a finding's evidence that are shown; the JSON report has all."""
ELSEWHERE = {"error", "span", "place", "built", "constructor", "definition", "call_span", "pattern"}
"""Facts that the page shows in another way: the failure below the code, places in it."""
SHAPES = {"input", "output", "shape", "given", "expected", "before", "after", "target"}
"""Facts whose lists of numbers are shapes; others are indices or counts."""
PLACES = ("_at", "_built")
"""What the keys of places in the code end with; the page shows line and column."""
TUPLE = re.compile(r"\((\d+(?:, \d+)*,?)\)(?= [a-z]+\d+\b)")
"""A shape before its dtype, as Python writes it; the page writes 64 × 784."""
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
        fact=lambda key: words.get(f"fact {key}", key),
        known=lambda kind, value: words.get(f"{kind} {value}", value),
        facts_of=_facts,
        counted=lambda count, name: words[f"{name} one" if count == 1 else f"{name} many"].replace("{}", str(count)),
        language=language,
        version=__version__,
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        report=report,
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
        "environment": environment if isinstance(environment, dict) else {},
        "layers": layers if isinstance(layers, dict) else {},
    }


def _snippet(number: int, result: Result, report: RunReport, words: Words) -> dict[str, Any]:
    snippet, repair, outcome = result.snippet, result.repair, result.outcome
    ended = repair.verdict.value if repair else ""
    rules = {finding.name for finding in result.findings} | {finding.rule for finding in result.findings}
    changed = repair is not None and repair.corrected != snippet.code
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
        "rows": rows(snippet.code, repair.corrected) if repair and changed else [],
        "is_gap": lambda row: isinstance(row, Gap),
        "quiet": result.verdict is Verdict.CLEAN and not result.findings,
        "stdout": (outcome.stdout if outcome else "")[:2000],
        "stdout_after": (repair.outcome.stdout if repair and repair.outcome and changed else "")[:2000],
    }


def _messages(result: Result) -> list[str]:
    """What is said of a snippet, in both languages, for the search."""
    return [text for one in result.findings for text in dict.fromkeys((one.message, said(one.message, "zh", one.rule)))]


def _facts(finding: Finding) -> list[tuple[str, str]]:
    """What of the evidence reads well on one line."""
    found = []
    for key, value in plain(finding.evidence).items():
        if key in ELSEWHERE:
            continue
        if isinstance(value, list) and all(isinstance(one, int | str | float) for one in value):
            if key.endswith(PLACES) and len(value) == 4:
                value = [f"{value[0]}:{value[1]}"]
            shape = key in SHAPES and all(isinstance(one, int) for one in value)
            text = (" × " if shape else ", ").join(map(str, value))
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            text = str(value)
        elif isinstance(value, dict) and value.get("shape") is not None:
            text = f"{' × '.join(map(str, value['shape']))} {value.get('dtype', '')}"
        else:
            continue
        if text and not (len(text) > LONG and text in finding.message):
            found.append((short(key.replace("_", " "), 40), short(TUPLE.sub(_times, text), 120)))
    return found[:FACTS]


def _times(shape: re.Match[str]) -> str:
    return shape[1].rstrip(",").replace(", ", " × ")


def _failure(stage: str, failure: Failure) -> dict[str, Any]:
    operation = failure.operation
    return {
        "stage": stage,
        "type": failure.type,
        "message": failure.message[:1500],
        "operation": operation.name if operation and "." in operation.name else "",
        "module": f"{operation.module.path} ({operation.module.type})" if operation and operation.module else "",
        "given": [described(value) for value in (*operation.args, *operation.kwargs.values())][:6] if operation else [],
        "locals": [(name, described(value)) for name, value in failure.frame.locals.items() if name.isidentifier() and name.strip("_")][:8]
        if failure.frame
        else [],
    }


def described(value: Value) -> str:
    """A value on one line: shape and dtype for tensors, text for the rest."""
    if value.shape is not None:
        return f"{' × '.join(map(str, value.shape)) or 'scalar'} {value.dtype}".strip()
    if value.items:
        return f"{value.type or value.kind}[{', '.join(described(item) for item in value.items[:4])}]"
    return short(value.text or value.path or value.type or value.kind, 60)


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
    for key, pair in groups.items():
        drawings = list(zip(("before", "after"), pair, strict=True))
        if any(drawing for _, drawing in drawings):
            found.append((key, [(name if after else "", drawing) for name, drawing in drawings if drawing]))
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

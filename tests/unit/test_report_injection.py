"""Whatever a snippet, a document or a file name says stays text in every format: nothing is obeyed, nothing is hidden, nothing links out."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import report_sample as sample
from markdown_it import MarkdownIt
from rich.console import Console

from snipfix.evidence import Call, Exercise, Failure, Frame, ModuleRef, Observation, Operation, Outcome, Span, StandIn, Value
from snipfix.model import (
    Applicability,
    Category,
    Edit,
    Finding,
    Fix,
    Meaning,
    Repair,
    RepairVerdict,
    Result,
    RunReport,
    Severity,
    Skipped,
    Snippet,
    Stage,
    StageResult,
    Verdict,
)
from snipfix.report import FORMATS, render
from snipfix.report import compare as comparison
from snipfix.report.progress import Progress
from snipfix.report.text import HIDDEN

TERMINAL = "\x1b[2J\x1b]0;owned\x07\x9b31m\x08\x7f"
BIDI = "\u202eabc\u202c\u2066x\u2069\u200b\ufeff\U000e0041"
HTML = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\"' onmouseover=alert(3) x='<!--"
MARKDOWN = "[a](javascript:alert(4)) ![b](https://evil.example/p.png) <b>c</b> | `d` ~~~ @everyone https://evil.example/l *e* \\"
XML = "]]> <!ENTITY x> &x; <?x?>"
GITHUB = "\r\n::error::boo %0A::set-output name=x::y"
EVIL = f"E {TERMINAL} {BIDI} {HTML} {MARKDOWN} {XML} {GITHUB}"
CODE = f"x = 1  # {TERMINAL}{BIDI}{HTML}{MARKDOWN}{XML}\n```\n~~~\n" + 'y = """' + GITHUB + '"""\n'


def evil(document: str = "") -> RunReport:
    """A report in which every text that comes from outside is hostile."""
    value = Value(kind="tensor", type=EVIL, shape=(2, 3), dtype=EVIL, text=EVIL, path=EVIL)
    module = ModuleRef(path=EVIL, type=EVIL, parameters=1)
    fix = Fix(EVIL, (Edit(0, 1, EVIL),), Applicability.UNSAFE, Meaning.CHANGES, "SNF201")
    findings = tuple(
        Finding(
            "SNF201", "linear-width-mismatch", Category.BATCH_LAYOUT, severity, EVIL, Span(1, 1, 1, 2), Stage.RUN,
            {EVIL: EVIL, "module": EVIL}, (fix,), behind,
        )
        for severity, behind in ((Severity.ERROR, ""), (Severity.WARNING, EVIL))
    )  # fmt: skip
    failure = Failure(
        type=EVIL, message=EVIL, frames=(Frame(function=EVIL, span=Span.at(1), owner=EVIL, locals={"evil": value, EVIL: value}),),
        operation=Operation(name=f"torch.{EVIL}", args=(value,), module=module),
    )  # fmt: skip
    batch = {
        "module": {"path": EVIL, "type": EVIL},
        "argument": EVIL,
        "dims": {"0": {"size": 4, "index": 2, "moved": {"0": [1]}, "kept": True}},
    }
    outcome = Outcome(
        kind="raised", stdout=EVIL, stderr=EVIL, failure=failure,
        calls=(Call(module=module, inputs=(value,), output=value, depth=0), Call(module=module, inputs=(value,), output=value, depth=0)),
        exercises=(Exercise(target=EVIL, kind=EVIL, call=EVIL, inputs={EVIL: value}, output=value, failure=failure),),
        observations=(
            Observation(probe="batch", facts=batch),
            Observation(probe="gradients", facts={"modules": [{"path": EVIL, "type": EVIL, "parameters": 2, "graded": 1, "held": 1}]}),
        ),
    )  # fmt: skip
    repair = Repair(
        RepairVerdict.PARTLY_REPAIRED, CODE + "z = 2\n", f"--- {EVIL}\n+++ b\n@@ -1 +1 @@\n-x\n+y\n", (fix,), EVIL,
        findings_after=findings, outcome=outcome, alternatives=(fix,), reason=EVIL, tries=2,
    )  # fmt: skip
    snippet = Snippet(EVIL, EVIL, document or EVIL, CODE, path=None, language="en")
    result = Result(
        snippet, Verdict.FAILING, tuple(StageResult(stage, "skipped", EVIL) for stage in Stage), findings, (StandIn(what=EVIL, how=EVIL),),
        outcome, repair, reason=EVIL,
    )  # fmt: skip
    return RunReport((result,), (Skipped(EVIL, 3, EVIL, EVIL),), {EVIL: EVIL, "layers": {EVIL: EVIL}}, "repair", 1.0)


def audited(report: RunReport) -> RunReport:
    return replace(report, command="audit", results=tuple(replace(one, repair=None) for one in report.results))


REPORTS = {"repair": evil(), "audit": audited(evil()), "sample": sample.report()}


def texts(report: RunReport, format: str) -> list[str]:  # noqa: A002
    """The report in a format, in each language that the format has."""
    if format in {"json", "sarif"}:
        return [render(report, format)]
    return [render(report, format, language=language) for language in ("en", "zh")]


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*map(str, value), *(one for item in value.values() for one in strings(item))]
    if isinstance(value, list):
        return [one for item in value for one in strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("format", FORMATS)
def test_nothing_is_hidden_and_no_terminal_is_commanded(format: str, name: str) -> None:  # noqa: A002
    for text in texts(REPORTS[name], format):
        assert not HIDDEN.search(text)


@pytest.mark.parametrize("name", REPORTS)
def test_colours_are_the_only_commands_to_a_terminal(name: str) -> None:
    text = render(REPORTS[name], "table", color=True, width=80)
    assert "\x1b[" in text
    assert not HIDDEN.search(re.sub(r"\x1b\[[\d;]*m", "", text))


def test_the_live_display_obeys_no_snippet() -> None:
    out = io.StringIO()
    progress = Progress(Console(file=out, force_terminal=True, color_system=None, width=400, _environ={}))
    progress.start(2)
    progress.running(EVIL)
    progress._live.refresh()
    progress.close()
    assert "\x1b[2J" not in out.getvalue()
    assert "\x1b]0" not in out.getvalue()
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", out.getvalue())


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.comments = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.comments += 1


@pytest.mark.parametrize("name", REPORTS)
def test_html_has_no_element_attribute_or_comment_of_a_snippet(name: str) -> None:
    for text in texts(REPORTS[name], "html"):
        page = Page(text)
        assert not page.comments
        assert [tag for tag, _ in page.tags].count("script") == 1
        assert not {"img", "link", "iframe", "object", "form", "base"} & {tag for tag, _ in page.tags}
        for _, attributes in page.tags:
            assert not any(attribute.startswith("on") for attribute in attributes)
            assert (attributes.get("href") or "#").startswith("#")


@pytest.mark.parametrize("name", REPORTS)
def test_markdown_has_no_html_link_image_mention_or_broken_fence(name: str) -> None:
    for text in texts(REPORTS[name], "markdown"):
        tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
        kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
        assert not kinds & {"html_block", "html_inline", "link_open", "image"}
        prose = re.sub(r"(`+).*?\1", "", re.sub(r"(?ms)^(`{3,}).*?^\1$", "", text))
        assert not re.search(r"(?<!\\)@", prose)
        assert "://" not in prose


@pytest.mark.parametrize("name", REPORTS)
def test_junit_is_xml_with_the_elements_of_junit_alone(name: str) -> None:
    for text in texts(REPORTS[name], "junit"):
        root = ET.fromstring(text)
        assert {one.tag for one in root.iter()} <= {"testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out"}
        assert "<!ENTITY" not in text
        assert "<?" not in text.removeprefix("<?xml")


@pytest.mark.parametrize("name", REPORTS)
def test_github_has_one_line_for_each_command_of_ours(name: str) -> None:
    report = REPORTS[name]
    findings = sum(len(one.repair.findings_after if one.repair else one.findings) for one in report.results)
    for text in texts(report, "github"):
        lines = text.splitlines()
        assert len(lines) == findings + len(report.skipped) + 1
        assert sum(line.startswith("::") for line in lines) == findings + len(report.skipped)
        for line in lines[:-1]:
            head, _, _ = line.removeprefix("::").partition("::")
            assert re.fullmatch(r"(error|warning|notice) [^:]*", head)
            assert not re.search(r"%(?!25|0A|0D|3A|2C)", line)


@pytest.mark.parametrize("name", REPORTS)
def test_sarif_messages_hold_no_link_and_addresses_are_relative(name: str) -> None:
    data = json.loads(render(REPORTS[name], "sarif"))
    (run,) = data["runs"]
    told = [result["message"] for result in run["results"]]
    told += [fix["description"] for result in run["results"] for fix in result.get("fixes", ())]
    told += [one["message"] for one in run["invocations"][0]["toolExecutionNotifications"]]
    assert told
    for message in told:
        assert set(message) == {"text"}, "no Markdown of a snippet's: only the rules' own help has any"
        assert "](" not in message["text"]
        assert not HIDDEN.search(message["text"])
    for one in re.findall(r'"uri": "([^"]*)"', json.dumps(run)):
        assert re.fullmatch(r"[A-Za-z0-9._~%/-]+", one)
        assert not one.startswith(("/", "javascript"))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("format", ["table", "markdown", "json"])
def test_a_comparison_is_as_harmless(tmp_path: Path, format: str, language: str) -> None:  # noqa: A002
    (tmp_path / "old.json").write_text(render(RunReport((), command="audit"), "json"), encoding="utf-8")
    (tmp_path / "new.json").write_text(render(evil(), "json"), encoding="utf-8")
    found = comparison.compare(comparison.load(tmp_path / "old.json"), comparison.load(tmp_path / "new.json"))
    text = comparison.render(found, format, language=language)
    assert not HIDDEN.search(text)
    if format == "markdown":
        kinds = {child.type for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text) for child in token.children or ()}
        assert not kinds & {"html_inline", "link_open", "image"}
    if format == "json":
        assert EVIL in strings(json.loads(text))

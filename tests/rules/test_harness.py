"""One harness for every rule of the package: its documentation, and its examples kept to the word."""

import ast
import difflib
import inspect
import re
from collections import Counter
from dataclasses import replace

import pytest

from snipfix.code import Code
from snipfix.engines.local import LocalEngine
from snipfix.errors import UsageError
from snipfix.model import Category, Finding, Fix, Result, Severity, Snippet, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.registry import find, rules
from snipfix.rules.syntax.base import SyntaxRule
from snipfix.rules.wording import said

HEADINGS = ["What it does", "Why is this bad?", "Example", "Use instead", "Fix safety", "References"]
ROUNDS = 10
NOT_HERE = {"SNF260", "SNF262", "SNF350", "SNF351", "SNF352", "SNF353", "SNF370", "SNF371", "SNF372", "SNF373"}
"""Rules on what a test cannot have: a card, a network, a limit that is reached. Their examples are run elsewhere."""
AS_PYTHON_SAYS = {"SNF049", "SNF317", "SNF900"}
"""Rules that hand on the words of Python, which stay as they are where the catalogue does not know them."""


def overrides(rule: Rule, *hooks: str) -> bool:
    return any(getattr(type(rule), hook) is not getattr(Rule, hook) for hook in hooks)


def reads_text(rule: Rule) -> bool:
    """Whether the rule judges by the text alone, so that its examples need no run."""
    return overrides(rule, "static", "on_syntax") and not overrides(rule, "on_failure", "on_outcome")


GOODS = [pytest.param(rule, good, id=f"{rule.id}-{rule.name}-{n}") for rule in rules() for n, good in enumerate(rule.GOOD)]
BADS = [pytest.param(rule, bad, id=f"{rule.id}-{rule.name}-{n}") for rule in rules() for n, bad in enumerate(rule.BAD)]
TEXT_BADS = [param for param in BADS if reads_text(param.values[0])]


def snippet(code: str, example: Bad | Good | None = None) -> Snippet:
    documented = example.documented_output if isinstance(example, Bad) else None
    before = (
        (Snippet(id="before", title="", document="example.md", code=example.before),) if isinstance(example, Bad) and example.before else ()
    )
    return Snippet(
        id="example",
        title="Example",
        document="example.md",
        code=code,
        documented_output=documented,
        before=before,
        expect_error=example is not None and example.expect_error,
    )


def context_of(code: str, example: Bad | Good | None = None) -> Context:
    made = snippet(code, example)
    return Context(made, Code(code, tuple(one.code for one in made.before)))


def from_text(rule: Rule, context: Context) -> list[Finding]:
    error = context.code.syntax_error
    return list(rule.on_syntax(context, error) if error else rule.static(context))


def comments(text: str) -> Counter[str]:
    return Counter(Code(text).comments.values())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
class TestDocumentation:
    def test_identity(self, rule: Rule):
        assert re.fullmatch(r"SNF\d{3}", rule.id)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
        assert isinstance(rule.category, Category)
        assert isinstance(rule.severity, Severity)

    def test_sections_in_order(self, rule: Rule):
        text = inspect.getdoc(type(rule)) or ""
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
        first = text.split("\n", 1)[0]
        assert first.endswith("."), "the first line is one sentence"
        assert all(section.strip() for section in re.split(r"^## .+$", text, flags=re.MULTILINE))

    def test_near_misses_and_examples(self, rule: Rule):
        assert len(rule.GOOD) >= 2
        assert rule.BAD

    def test_found_by_id_and_name(self, rule: Rule):
        assert find(rule.id.lower()) is find(rule.name) is rule


def test_unknown_rule_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        find("undefined-nam")
    assert "undefined-name" in caught.value.hint


def test_ids_and_names_are_unique():
    assert len({rule.id for rule in rules()}) == len({rule.name for rule in rules()}) == len(rules())


@pytest.mark.parametrize(("rule", "good"), GOODS)
def test_good_is_silent(rule: Rule, good: Good):
    assert from_text(rule, context_of(good.code, good)) == []


@pytest.mark.parametrize(("rule", "bad"), TEXT_BADS)
class TestBadByText:
    def test_reported_at_the_place(self, rule: Rule, bad: Bad):
        found = [(finding.span.line, finding.span.column) for finding in from_text(rule, context_of(bad.code, bad))]
        assert bad.at in found

    def test_first_fix_is_the_stated_text(self, rule: Rule, bad: Bad):
        assert fixed_by(rule, bad) == bad.fixed

    def test_mended(self, rule: Rule, bad: Bad):
        """Fixing again and again ends, in text that parses, is silent under the rule and has every comment."""
        if bad.fixed is None:
            pytest.skip("the rule offers no fix here")
        text = converged(rule, bad)
        assert ast.parse(text)
        assert from_text(rule, context_of(text, bad)) == []
        if not isinstance(rule, SyntaxRule):
            assert not comments(bad.code) - comments(text)


def converged(rule: Rule, bad: Bad) -> str:
    """The text after the rule's first fixes until it offers none."""
    assert bad.fixed is not None
    text, seen = bad.fixed, {bad.code}
    for _ in range(ROUNDS):
        assert text not in seen, "the fix goes in circles"
        seen.add(text)
        context = context_of(text, bad)
        left = [fix for finding in from_text(rule, context) for fix in rule.fixes(context, finding)]
        if not left:
            break
        text = left[0].apply(text)
    return text


def fixed_by(rule: Rule, bad: Bad) -> str | None:
    context = context_of(bad.code, bad)
    finding = next(one for one in from_text(rule, context) if (one.span.line, one.span.column) == bad.at)
    fixes = list(rule.fixes(context, finding))
    return fixes[0].apply(bad.code) if fixes else None


# Executed examples -----------------------------------------------------------------------------------------------------


def audited(engine: LocalEngine, code: str, example: Bad | Good) -> Result:
    return engine.auditor.audit(snippet(code, example))


def not_in_chinese(finding: Finding, *fixes: Fix) -> list[str]:
    """The sentences of a finding and its fixes that no catalogue has (see `rules.wording`)."""
    texts = [*(fix.title for fix in fixes), *([] if finding.rule in AS_PYTHON_SAYS else [finding.message])]
    return [text for text in texts if said(text, "zh", finding.rule) == text]


def of_rule(result: Result, rule: Rule) -> list[Finding]:
    return [finding for finding in result.findings if finding.rule == rule.id]


def must_run(rule: Rule, bad: Bad) -> bool:
    """Whether only a run can show the defect: else an example that the text says nothing about would be tested by nothing."""
    return bad.runs or (rule.id not in NOT_HERE and not from_text(rule, context_of(bad.code, bad)))


def went_well(result: Result) -> bool:
    return result.outcome is not None and result.outcome.kind == "ok" and not result.outcome.failures


@pytest.mark.torch
@pytest.mark.parametrize(("rule", "good"), [param for param in GOODS if param.values[1].runs])
def test_good_runs_in_silence(engine: LocalEngine, rule: Rule, good: Good):
    result = audited(engine, good.code, good)
    assert of_rule(result, rule) == []
    assert went_well(result), result.outcome


@pytest.mark.torch
@pytest.mark.parametrize(("rule", "bad"), [param for param in BADS if must_run(*param.values)])
def test_bad_misbehaves_and_fixed_runs(engine: LocalEngine, rule: Rule, bad: Bad):
    result = audited(engine, bad.code, bad)
    found = of_rule(result, rule)
    assert bad.at in [(finding.span.line, finding.span.column) for finding in found], result.findings
    assert not [text for finding in found for text in not_in_chinese(finding, *finding.fixes)], "add these to the zh.toml beside the rule"
    if found[0].severity is Severity.ERROR and reads_text(rule) and found[0].stage is Stage.STATIC:
        assert not went_well(result), "what fails from the text alone fails when it runs"
    if bad.fixed is None:
        return
    fixes = next(one for one in found if (one.span.line, one.span.column) == bad.at).fixes
    assert fixes, "a fixed text is stated and no fix is offered"
    diff = "\n".join(difflib.unified_diff(bad.fixed.splitlines(), fixes[0].apply(bad.code).splitlines(), "stated", "offered", lineterm=""))
    assert not diff, diff
    after = audited(engine, converged(rule, bad) if reads_text(rule) else bad.fixed, replace(bad, documented_output=None))
    assert of_rule(after, rule) == []
    assert went_well(after) or not bad.runs, after.outcome

"""A finding seen behind a mending is reported where the author's own text has it."""

from collections.abc import Iterable

import pytest

from snipfix.audit import Auditor
from snipfix.behind import look_behind, original_span
from snipfix.config import Options
from snipfix.evidence import Job, Outcome, Span
from snipfix.model import Category, Edit, Finding, Fix, Snippet
from snipfix.rules.base import Context, Rule

OLD = "import torch\n\nx = F.relu(y)\nz = x + 1"


@pytest.mark.parametrize(
    ("new", "at", "expected"),
    [
        pytest.param("import torch\nimport F\n\nx = F.relu(y)\nz = x + 1", Span(5, 5, 5, 6), Span(4, 5, 4, 6), id="below an inserted line"),
        pytest.param("import torch\nimport F\n\nx = F.relu(y)\nz = x + 1", Span(2, 1, 2, 4), None, id="in the inserted line"),
        pytest.param(
            "import torch\n\nx = F.gelu(y)\nz = x + 1", Span(3, 5, 3, 11), Span(3, 1, 3, 14), id="in a changed line: the whole line"
        ),
        pytest.param("import torch\n\nx = F.relu(y)\nz = x + 1", Span(1, 8, 1, 13), Span(1, 8, 1, 13), id="nothing changed"),
    ],
)
def test_places_are_mapped_back(new: str, at: Span, expected: Span | None) -> None:
    assert original_span(OLD, new, at) == expected


class Wrong(Rule):
    """Reports a word once another stands in the text; its fixes replace it."""

    def __init__(self, id: str, word: str, once: str, *replacements: str, category: Category = Category.SHAPE) -> None:  # noqa: A002
        self.id, self.name, self.word, self.once, self.replacements = id, f"wrong-{word}", word, once, replacements
        self.category = category  # type: ignore[misc]

    def static(self, context: Context) -> Iterable[Finding]:
        for number, line in enumerate(context.code.lines, 1):
            if self.word in line and self.once in context.code.text:
                yield self.finding(f"{self.word} does not fit", Span(number, 1, number, len(self.word) + 1))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        start, end = context.code.range(finding.span)
        for text in self.replacements:
            yield self.fix(f"write {text}", Edit(start, end, text))


@pytest.mark.parametrize("category", [Category.SHAPE, Category.AUTOGRAD])
@pytest.mark.parametrize(
    ("mendings", "word", "behind"),
    [
        pytest.param(("narrow", "other"), "second", [], id="another mending of the first does not meet it"),
        pytest.param(("narrow",), "second", ["SNF601"], id="there is no other mending"),
        pytest.param(("narrow", "narrower"), "second", ["SNF601"], id="every mending meets it"),
        pytest.param(("narrow", "narrower"), "narrow", [], id="it stands in what the mending put in"),
    ],
)
def test_a_fault_behind_another_is_reported_unless_the_mending_brought_it(
    mendings: tuple[str, ...], word: str, behind: list[str], category: Category
) -> None:
    def passes(job: Job) -> Outcome:
        return Outcome(kind="ok")

    rules = (Wrong("SNF600", "first", "first", *mendings, category=category), Wrong("SNF601", word, "narrow"))
    auditor = Auditor(passes, rules, Options())
    result = look_behind(auditor, auditor.audit(Snippet("s", "", "page.md", "first = 1\nsecond = 2\n")))
    assert [finding.rule for finding in result.findings if finding.behind] == behind

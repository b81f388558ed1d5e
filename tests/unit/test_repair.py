"""The search: chained faults, dead ends, unnecessary edits, patches. Rules and runs are played here; the real ones are tested end to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import pytest

from snipfix.audit import Auditor
from snipfix.cli.run import in_document_terms
from snipfix.config import Options
from snipfix.documents.collect import parse
from snipfix.documents.source import Source
from snipfix.engines.spare import Spare
from snipfix.evidence import Failure, Frame, Job, Outcome, Span
from snipfix.model import (
    Applicability,
    Category,
    Edit,
    Finding,
    Fix,
    Meaning,
    RepairVerdict,
    Result,
    Severity,
    Snippet,
    Stage,
    Verdict,
)
from snipfix.patches import LoadedPatch, Patch, Patches
from snipfix.repair import Repairer
from snipfix.rules.base import Context, Rule
from snipfix.rules.wording import said
from snipfix.search import State, same_fault


class Word(Rule):
    """Reports a word wherever it stands; its fixes replace it."""

    category = Category.API_MISUSE

    def __init__(self, id: str, word: str, *replacements: Fix | str, hidden_by: str = "") -> None:  # noqa: A002
        self.id, self.name, self.word, self.replacements, self.hidden_by = id, f"word-{word}", word, replacements, hidden_by

    def static(self, context: Context) -> Iterable[Finding]:
        if self.hidden_by and self.hidden_by in context.code.text:
            return
        for number, line in enumerate(context.code.lines, 1):
            if self.word in line:
                at = line.index(self.word) + 1
                yield self.finding(f"{self.word} stands here", Span(number, at, number, at + len(self.word)))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        start, end = context.code.range(finding.span)
        for text in self.replacements:
            yield self.fix(f"write {text}", Edit(start, end, str(text)))


def passes(job: Job) -> Outcome:
    return Outcome(kind="ok")


def repair(text: str, *rules: Rule, patches: Patches | None = None, **options: object):
    snippet = Snippet("s", "title", "doc.md", text)
    auditor = Auditor(passes, rules, Options(**options))
    return Repairer(auditor, patches).repair(auditor.audit(snippet))


def test_right_code_is_left_alone() -> None:
    result = repair("good = 1\n", Word("SNF600", "bad", "good"))
    assert result.verdict is Verdict.CLEAN
    assert result.repair.verdict is RepairVerdict.UNCHANGED
    assert result.repair.diff == ""


def test_a_fault_that_hides_behind_another_is_mended_too() -> None:
    rules = (Word("SNF600", "first", "one"), Word("SNF601", "second", "two", hidden_by="first"))
    result = repair("first = 1\nsecond = 2\n", *rules)
    assert result.repair.verdict is RepairVerdict.REPAIRED
    assert result.repair.corrected == "one = 1\ntwo = 2\n"


def test_an_alternative_is_a_whole_repair_of_the_text_as_it_stood() -> None:
    text = "first = 1\nsecond = 2\n"
    result = repair(text, Word("SNF600", "first", "one"), Word("SNF601", "second", "two", "zwei", hidden_by="first"))
    assert result.repair.corrected == "one = 1\ntwo = 2\n"
    assert [(other.title, other.apply(text)) for other in result.repair.alternatives] == [("write zwei", "one = 1\nzwei = 2\n")]


def test_a_dead_end_is_left_for_the_next_candidate() -> None:
    rules = (Word("SNF600", "bad", "worse", "good"), Word("SNF601", "worse"))
    result = repair("bad = 1\n", *rules)
    assert result.repair.corrected == "good = 1\n"


def test_what_no_candidate_mends_is_said() -> None:
    result = repair("bad = 1\n", Word("SNF600", "bad"))
    assert result.repair.verdict is RepairVerdict.UNREPAIRED
    assert "bad stands here" in result.repair.reason
    assert result.repair.corrected == "bad = 1\n"


def test_part_of_the_way_is_called_partly_repaired() -> None:
    result = repair("bad = 1\nodd = 2\n", Word("SNF600", "bad", "good"), Word("SNF601", "odd"))
    assert result.repair.verdict is RepairVerdict.PARTLY_REPAIRED
    assert [finding.rule for finding in result.repair.findings_after] == ["SNF601"]


def test_a_fix_that_turns_out_to_be_unnecessary_is_taken_back_whole() -> None:
    """The first fix helps at first; the second makes it needless. Both of its lines go."""
    rules = (
        Word("SNF600", "bad", "good = 0\nextra"),
        Word("SNF601", "odd", "even"),
    )
    rules[0].hidden_by = "even"
    result = repair("bad = 1\nodd = 2\n", *rules)
    assert result.repair.corrected == "bad = 1\neven = 2\n"
    assert [fix.rule for fix in result.repair.fixes] == ["SNF601"]


def test_a_mending_that_brings_an_earlier_fault_to_light_is_followed() -> None:
    """Only `early` reaches the end, and it must be mended in its turn."""
    rules = (Word("SNF600", "early", "good"), Word("SNF601", "late", "early"))
    result = repair("late = 1\n", *rules)
    assert result.repair.corrected == "good = 1\n"
    assert [fix.rule for fix in result.repair.fixes] == ["SNF601", "SNF600"]


def test_every_unnecessary_fix_is_taken_back() -> None:
    """Two fixes help at first, and the third makes both needless."""
    rules = [Word("SNF600", "aa", "a1", hidden_by="even"), Word("SNF601", "bb", "b1", hidden_by="even"), Word("SNF602", "odd", "even")]
    result = repair("aa = 1\nbb = 2\nodd = 3\n", *rules)
    assert result.repair.corrected == "aa = 1\nbb = 2\neven = 3\n"
    assert [fix.rule for fix in result.repair.fixes] == ["SNF602"]


def test_fixes_that_go_round_in_circles_end() -> None:
    result = repair("ping = 1\n", Word("SNF600", "ping", "pong"), Word("SNF601", "pong", "ping"))
    assert result.repair.verdict is not RepairVerdict.REPAIRED


class Changing(Word):
    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        for fix in super().fixes(context, finding):
            yield Fix(fix.title, fix.edits, Applicability.UNSAFE, Meaning.CHANGES, self.id)


@pytest.mark.parametrize(("unsafe", "verdict"), [(False, RepairVerdict.UNREPAIRED), (True, RepairVerdict.REPAIRED)])
def test_a_change_of_meaning_needs_consent(unsafe: bool, verdict: RepairVerdict) -> None:
    assert repair("bad = 1\n", Changing("SNF600", "bad", "good"), unsafe_fixes=unsafe).repair.verdict is verdict


def test_a_patch_goes_before_the_rules() -> None:
    text = "bad = 1\n"
    sha256 = Snippet("s", "", "", text).sha256
    patch = Patch(snippet="s", sha256=sha256, answers="what is asked", why="intent cannot be inferred")
    patches = Patches({sha256: LoadedPatch(patch, "s.py", (lambda code: (Edit(0, 3, "best"),),))})
    result = repair(text, Word("SNF600", "bad", "good"), patches=patches)
    assert (result.repair.corrected, result.repair.patch) == ("best = 1\n", "s.py")


def test_a_reviewed_patch_may_do_what_no_search_may_and_the_report_says_so() -> None:
    text = "for _ in range(3):\n    print(bad)\n"
    sha256 = Snippet("s", "", "", text).sha256
    patch = Patch(snippet="s", sha256=sha256, answers="", why="")
    patches = Patches({sha256: LoadedPatch(patch, "s.py", (lambda code: (Edit(0, len(text), "good = 1\n"),),))})
    repair_ = repair(text, Word("SNF600", "bad", "good"), patches=patches).repair
    assert repair_.verdict is RepairVerdict.REPAIRED
    assert repair_.reason == (
        "a person reviewed the patch, which does what no search may: it drops a loop; besides, it drops a call of print()"
        "; besides, it changes how often a loop runs"
    )
    assert said(repair_.reason, "zh") == (
        "补丁经人工审核，它做了搜索不可以做的事：它去掉了一个循环；此外，它去掉了对 print() 的一次调用；此外，它改变了循环的次数"
    )


def test_a_patch_that_leaves_findings_is_not_called_a_repair() -> None:
    text = "bad = 1\n"
    sha256 = Snippet("s", "", "", text).sha256
    patch = Patch(snippet="s", sha256=sha256, answers="", why="")
    patches = Patches({sha256: LoadedPatch(patch, "s.py", (lambda code: (Edit(0, 0, "# noted\n"),),))})
    assert repair(text, Word("SNF600", "bad"), patches=patches).repair.verdict is RepairVerdict.PARTLY_REPAIRED


def test_a_proof_that_was_cut_off_proves_nothing() -> None:
    snippet = Snippet("s", "title", "doc.md", "bad = 1\n")
    auditor = Auditor(lambda job: Outcome(kind="ok" if "bad" in job.code else "timeout"), (Word("SNF600", "bad", "good"),), Options())
    repair = Repairer(auditor).repair(auditor.audit(snippet)).repair
    assert (repair.verdict, repair.reason) == (RepairVerdict.PARTLY_REPAIRED, "not proven: the run ended as timeout")


def test_a_long_training_is_proven_with_its_loops_cut_short() -> None:
    snippet = Snippet("s", "title", "doc.md", "bad = 1\n")
    auditor = Auditor(
        lambda job: Outcome(kind="ok" if job.quick or "bad" in job.code else "timeout"), (Word("SNF600", "bad", "good"),), Options()
    )
    repair = Repairer(auditor).repair(auditor.audit(snippet)).repair
    assert (repair.verdict, repair.outcome.kind) == (RepairVerdict.REPAIRED, "ok")
    assert "loops cut short" in repair.reason


def test_a_mend_that_cannot_stand_in_its_document_is_no_repair() -> None:
    document = parse(Source.decode("a.md", b"```python\nbad = 1\n```\n"), "markdown")
    auditor = Auditor(passes, (Word("SNF600", "bad", 's = """\n```\n"""; good'),), Options())
    result = Repairer(auditor).repair(auditor.audit(document.snippets[0]))
    assert result.repair.verdict is RepairVerdict.REPAIRED
    (told,) = in_document_terms([result], [document])
    assert told.repair.verdict is RepairVerdict.PARTLY_REPAIRED
    assert "cannot be written back" in told.repair.reason


def test_an_ignore_mark_silences_its_rule_on_its_line() -> None:
    result = repair("bad = 1  # snipfix: ignore[word-bad] shown on purpose\n", Word("SNF600", "bad"))
    assert result.verdict is Verdict.CLEAN


def test_stages_that_were_not_reached_say_why() -> None:
    auditor = Auditor(passes, (), Options(stage=Stage.STATIC))
    stages = {stage.stage: stage for stage in auditor.audit(Snippet("s", "", "", "x = 1\n")).stages}
    assert stages[Stage.STATIC].status == "passed"
    assert (stages[Stage.RUN].status, stages[Stage.RUN].reason) == ("skipped", "--stage static")


class Both(Word):
    """A fix of two edits: the word, and a line in front of everything that nobody may need."""

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        start, end = context.code.range(finding.span)
        yield self.fix("write both", Edit(0, 0, "import extra\n"), Edit(start, end, str(self.replacements[0])))


def printing(job: Job) -> Outcome:
    if "raise AssertionError" in job.code and "unreached" not in job.code:
        return Outcome(kind="raised")
    return Outcome(kind="ok", stdout="extra\n" if "import extra" in job.code and "counts" in job.code else "")


@pytest.mark.parametrize(("replacement", "corrected"), [("good", "good = 1\n"), ("counts", "import extra\ncounts = 1\n")])
def test_a_single_edit_that_changes_nothing_is_left_out_of_its_fix(replacement: str, corrected: str) -> None:
    auditor = Auditor(printing, (Both("SNF600", "bad", replacement),), Options())
    result = Repairer(auditor).repair(auditor.audit(Snippet("s", "title", "doc.md", "bad = 1\n")))
    assert result.repair.corrected == corrected


class Parts(Word):
    """A fix of two edits in two statements."""

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        start, end = context.code.range(finding.span)
        other = context.code.text.index("old")
        yield self.fix("write both", Edit(start, end, "good"), Edit(other, other + 3, str(self.replacements[0])))


@pytest.mark.parametrize(
    ("text", "replacement", "corrected"),
    [
        ("bad = 1\nx = old\n", "new", "good = 1\nx = old\n"),
        ("bad = 1\nunreached = old\n", "new", "good = 1\nunreached = new\n"),
        ("bad = 1  # old\n", "new", "good = 1  # new\n"),
        ("bad = old\n", "new", "good = new\n"),
        ("import old\nbad = 1\n", "new", "import new\ngood = 1\n"),
    ],
    ids=["changes nothing", "no run gets there", "a comment", "the same statement", "what nothing would use"],
)
def test_each_part_of_a_fix_must_be_needed_where_a_run_can_tell(text: str, replacement: str, corrected: str) -> None:
    auditor = Auditor(printing, (Parts("SNF600", "bad", replacement),), Options())
    result = Repairer(auditor).repair(auditor.audit(Snippet("s", "title", "doc.md", text)))
    assert result.repair.corrected == corrected


def many() -> Iterable[Word]:
    yield Word("SNF600", "bad", *(f"bad{number}" for number in range(6)), "good")
    yield Word("SNF602", "odd", "strange", "even", hidden_by="bad")
    yield Word("SNF603", "strange")


@pytest.mark.parametrize("size", [1, 2, 5])
def test_what_is_found_does_not_hang_on_how_many_search(size: int) -> None:
    """Candidates are tried ahead on fork servers that are free; tries, alternatives and the text are those of one alone."""
    busy, most, lock = set[int](), [0], threading.Lock()

    def slowly(job: Job) -> Outcome:
        with lock:
            busy.add(threading.get_ident())
            most[0] = max(most[0], len(busy))
        time.sleep(0.005)
        with lock:
            busy.discard(threading.get_ident())
        return Outcome(kind="ok")

    snippet = Snippet("s", "title", "doc.md", "bad = 1\nodd = 2\n")
    auditor = Auditor(slowly, tuple(many()), Options())
    alone = Repairer(auditor).repair(auditor.audit(snippet)).repair
    assert alone.corrected == "good = 1\neven = 2\n"
    spare = Spare(size)
    with spare.one_busy():
        together = Repairer(auditor, ahead=spare).repair(auditor.audit(snippet)).repair
    spare.close()
    assert (together.corrected, together.tries, together.alternatives) == (alone.corrected, alone.tries, alone.alternatives)
    assert most[0] == 1 if size == 1 else 2 <= most[0] <= size


def test_nobody_is_lent_a_fork_server_that_a_snippet_needs() -> None:
    spare = Spare(2)
    with spare.one_busy(), spare.one_busy():
        assert spare.begin(lambda: None) is None
    future = spare.begin(lambda: "done")
    assert future is not None
    assert future.result() == "done"
    spare.close()


def stopping_at(*lines: int) -> Failure:
    return Failure(
        type="RuntimeError", message="m", frames=tuple(Frame(function=f"f{n}", span=Span.at(line)) for n, line in enumerate(lines))
    )


class Stops(Word):
    """Reports where the run stops, always under the same name."""

    def static(self, context: Context) -> Iterable[Finding]:
        return ()

    def on_failure(self, context: Context, failure: Failure, exercise: object) -> Iterable[Finding]:
        at = context.code.lines[failure.frames[-1].span.line - 1].index(self.word) + 1
        yield self.finding("stops here", Span(failure.frames[-1].span.line, at, failure.frames[-1].span.line, at + 3), stage=Stage.RUN)


def test_the_same_fault_further_on_in_the_same_function_is_progress() -> None:
    """Both wrong lines of a function that is called once are mended, one after the other, though each time one error is left."""

    def run(job: Job) -> Outcome:
        wrong = next((number for number, line in enumerate(job.code.split("\n"), 1) if "bad" in line), None)
        return Outcome(kind="raised", failure=stopping_at(4, wrong)) if wrong else Outcome(kind="ok")

    auditor = Auditor(run, (Stops("SNF600", "bad", "good"),), Options())
    text = "def f():\n    bad = 1\n    bad = 2\nf()\n"
    assert Repairer(auditor).repair(auditor.audit(Snippet("s", "", "d.md", text))).repair.corrected == text.replace("bad", "good")


class Safe(Word):
    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        for fix in super().fixes(context, finding):
            yield Fix(fix.title, fix.edits, Applicability.SAFE, Meaning.RESTORES, self.id)


def test_a_rival_of_a_safe_fix_is_tried_where_the_safe_one_led_nowhere() -> None:
    result = repair("bad = 1\n", Safe("SNF600", "bad", "worse", "good"), Word("SNF601", "worse"))
    assert result.repair.corrected == "good = 1\n"


def test_lines_put_in_bring_nothing_further() -> None:
    """A line put in front moves the failing one down; the run still stops at the same line of the author's."""
    snippet = Snippet("s", "", "d.md", "a = 1\nbad = 2\n")
    outcome = Outcome(kind="raised", failure=stopping_at(3))
    finding = Finding("SNF600", "bad", Category.SHAPE, Severity.ERROR, "stops", Span.at(3), Stage.RUN)
    result = Result(snippet, Verdict.FAILING, (), (finding,), outcome=outcome)
    moved = State("new = 0\na = 1\nbad = 2\n", result, texts=(snippet.code, "new = 0\na = 1\nbad = 2\n"))
    assert moved.stops(Stage.RUN) == [[("f0", 2)]]
    assert [moved.author_line(line) for line in (1, 2, 3, 4)] == [1, 1, 2, 3]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"module": "Net.fc1"}, {"module": "Net.fc1"}, True),
        ({"module": "Net.fc1"}, {"module": "Net.fc2"}, False),
        ({"operation": "torch.cat"}, {"operation": "torch.matmul"}, False),
        ({}, {}, True),
    ],
)
def test_another_layer_on_the_same_line_is_another_fault(one: dict[str, str], other: dict[str, str], *, same: bool) -> None:
    first, second = (
        Finding("SNF600", "bad", Category.SHAPE, Severity.ERROR, "stops", Span.at(3), Stage.RUN, evidence=evidence)
        for evidence in (one, other)
    )
    assert same_fault(first, second) is same


def test_what_parses_only_after_a_mend_is_kept_from_cheating_from_there_on() -> None:
    """The colon is mended, and then an error would go away with the whole training: the comparison starts where the text first parsed."""
    text = "for _ in range(3)\n    bad.backward()\n"
    rules = (Word("SNF600", "range(3)\n", "range(3):\n"), Word("SNF601", "bad.backward()", "pass", hidden_by="range(3)\n"))
    result = repair(text, *rules)
    assert result.repair.verdict is not RepairVerdict.REPAIRED

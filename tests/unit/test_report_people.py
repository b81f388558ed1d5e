"""The formats for people: table, Markdown, HTML. Complete, in both languages, and nothing a snippet writes becomes markup."""

from __future__ import annotations

import base64
import io
import re
import string
import zlib
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import report_sample as sample
from markdown_it import MarkdownIt
from rich.cells import cell_len
from rich.console import Console

from snipfix.errors import UsageError
from snipfix.evidence import Call, Exercise, Failure, ModuleRef, Observation, Operation, Outcome, Span, Value
from snipfix.model import Category, Finding, RepairVerdict, RunReport, Severity, Stage, Verdict
from snipfix.report import FORMATS, dependence, pictures, render
from snipfix.report.bilingual import Words
from snipfix.report.facts import facts as _facts
from snipfix.report.frames import frame
from snipfix.report.listing import listing
from snipfix.report.progress import Progress
from snipfix.report.sides import Gap, rows, written
from snipfix.report.text import HIDDEN, clean, steady
from snipfix.report.texts import TEXTS, texts

GOLDEN = Path(__file__).parents[1] / "golden/report"


class Page(HTMLParser):
    """What a browser would see: tags with attributes, and ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("format", ["table", "html"])
def test_what_took_long_is_named_slowest_first(format: str) -> None:  # noqa: A002
    report = sample.report()
    timed = tuple(replace(result, seconds=11.0 * number) for number, result in enumerate(report.results))
    text = render(replace(report, results=timed), format, language="en")
    said = text[text.rindex("slowest") if format == "table" else text.index("slowest") :]
    places = [said.index(f"{result.seconds:.1f} s") for result in reversed(timed[1:])]
    assert places == sorted(places)
    assert "slowest" not in render(replace(report, results=timed[:1]), format, language="en")


@pytest.mark.parametrize("command", ["audit", "repair"])
@pytest.mark.parametrize(("format", "language"), [("table", "en"), ("table", "zh"), ("markdown", "zh")])
def test_text_is_the_golden_one(format: str, language: str, command: str) -> None:  # noqa: A002
    """To update after a wanted change: delete the file, run the test twice, and read the difference."""
    file = GOLDEN / (f"{command}.zh.table" if (format, language) == ("table", "zh") else f"{command}.{format}")
    text = render(sample.report(command), format, language=language)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
        pytest.fail(f"{file.name} was missing and is written now")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_report_renders(format: str) -> None:  # noqa: A002
    assert render(RunReport(()), format).endswith("\n")


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"json", "sarif"}))
def test_nothing_hidden_or_obeyed_by_a_terminal_is_left(format: str) -> None:  # noqa: A002
    assert not HIDDEN.search(render(sample.report(), format))


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="no format 'pdf'"):
        render(RunReport(()), "pdf")


def test_the_table_is_as_wide_as_asked() -> None:
    lines = render(replace(sample.report(), results=(sample.clean(),)), "table", width=80).splitlines()
    assert max(map(len, lines)) <= 80


def test_colour_only_when_asked() -> None:
    assert "\x1b[" in render(sample.report(), "table", color=True)


@pytest.mark.parametrize(
    ("line", "span", "caret"),
    [
        ("x = foo(1)", Span(1, 5, 1, 8), "    ^^^"),
        ("\tx = 1", Span(1, 2, 1, 3), "    ^"),
        ("量 = 损失", Span(1, 5, 1, 7), "     ^^^^"),
        ("x = (1", Span(1, 5, 2, 3), "    ^^"),
        ("x", Span(1, 9, 1, 9), " ^"),
    ],
)
def test_carets_stand_under_the_place(line: str, span: Span, caret: str) -> None:
    result = sample.repaired()
    shown = frame(replace(result.snippet, code=line), replace(result.findings[0], span=span, fixes=())).plain.split("\n")
    assert shown[4] == "  | " + caret


def test_progress_is_silent_without_a_terminal() -> None:
    out = io.StringIO()
    progress = Progress(Console(file=out))
    progress.start(2)
    progress.running("q01")
    progress.done(sample.clean())
    progress.close()
    progress.close()
    assert out.getvalue() == ""


def test_progress_says_what_runs_and_what_remains() -> None:
    out = io.StringIO()
    progress = Progress(Console(file=out, force_terminal=True, width=100, _environ={}))
    progress.start(2)
    progress.running("q02")
    progress.done(sample.clean())
    progress._live.refresh()
    progress.close()
    assert "1/2" in out.getvalue()
    assert "now: q02" in out.getvalue()


def test_progress_speaks_the_language_of_the_documents() -> None:
    out = io.StringIO()
    progress = Progress(Console(file=out, force_terminal=True, color_system=None, width=100, _environ={}), language="zh")
    progress.start(9)
    for number in range(6):
        progress.running(f"q0{number}")
    progress.done(sample.clean())
    progress._live.refresh()
    progress.close()
    assert "1/9  1 正确" in out.getvalue()
    assert "正在运行：q00，q02，q03，q04，另有 1 个" in out.getvalue()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_frame_fits_the_terminal_and_carets_stay_below_their_place(width: int, language: str) -> None:
    result = sample.repaired()
    line = "结果 = 网络(" + "输入, " * 40 + "不存在的名称) + " + "x + " * 60 + "1"
    at = line.index("不存在") + 1
    finding = replace(result.findings[0], span=Span(1, at, 1, at + 6), message="短")
    bad = replace(result, snippet=replace(result.snippet, code=line, title="很长的标题" * 40), findings=(finding,), repair=None)
    text = render(replace(sample.report("audit"), results=(bad,), skipped=()), "table", width=width, language=language, fit=True)
    lines = text.splitlines()
    shown = next(number for number, one in enumerate(lines) if one.startswith("1 | "))
    code, carets = lines[shown], lines[shown + 1]
    assert cell_len(code) <= width
    assert cell_len(code[: code.index("不存在")]) == cell_len(carets[: carets.index("^")])
    assert carets.count("^") == cell_len("不存在的名称")
    assert all(cell_len(one) <= width for one in lines[: shown - 3] if "─" in one or "很长" not in one)


def test_the_summary_ends_with_what_to_do_next() -> None:
    audited, repaired = (render(sample.report(command), "table", language="en").splitlines()[-1] for command in ("audit", "repair"))
    assert audited.startswith("next: `snipfix repair` looks for mends, `snipfix explain SNF201`")
    assert repaired.startswith("next: `snipfix repair --write` writes what is proven; mend the rest by hand")
    document = replace(sample.repaired(), snippet=replace(sample.repaired().snippet, document="a guide.md", path=None))
    report = replace(sample.report(), results=(document,))
    assert render(report, "table", language="zh").splitlines()[-1] == "下一步：`snipfix repair 'a guide.md' --write` 写入已验证的修复"
    assert "下一步" not in render(report, "table", language="zh", advise=False)


def test_what_to_do_next_names_the_files_that_were_given() -> None:
    elsewhere = replace(sample.repaired().snippet, document="/lessons", path="/lessons/snippets/q02_cnn.py")
    report = replace(sample.report("audit"), results=(replace(sample.repaired(), snippet=elsewhere, repair=None),))
    assert "`snipfix repair /lessons/snippets/q02_cnn.py` looks" in render(report, "table", language="en")
    many = tuple(
        replace(one, snippet=replace(elsewhere, path=f"/lessons/snippets/q{number}.py")) for number in range(9) for one in report.results
    )
    assert "`snipfix repair /lessons` looks" in render(replace(report, results=many), "table", language="en")


def test_a_column_that_nothing_stands_in_is_left_out() -> None:
    report = replace(sample.report("audit"), results=(sample.clean(),))
    with_long_title = replace(report, results=(replace(sample.clean(), snippet=replace(sample.clean().snippet, title="PyTorch " * 4)),))
    assert "stand-ins" not in render(report, "table", language="en")
    assert "stand-ins" in render(sample.report("audit"), "table", language="en")
    assert "PyTorch PyTorch PyTorch PyTorch" in render(with_long_title, "table", language="en", width=80)


def test_markdown_renders_no_html_and_no_link_of_a_snippet() -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(render(sample.report(), "markdown"))
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    assert not kinds & {"html_block", "html_inline", "link_open", "image"}


def test_markdown_has_a_row_for_each_snippet() -> None:
    text = render(sample.report(), "markdown", language="en")
    assert len(re.findall(r"^\| `\w\d\d` \|", text, re.MULTILINE)) == 5


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_loads_nothing_and_runs_only_its_own_script(language: str) -> None:
    page = Page(render(sample.report(), "html", language=language))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not {"img", "link", "iframe", "object", "form", "base"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert not attributes.get("src")
        assert (attributes.get("href") or "#").startswith("#")


def test_every_link_of_the_page_leads_somewhere() -> None:
    page = Page(render(sample.report(), "html"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"] for tag, attributes in page.tags if tag == "a"} <= {f"#{name}" for name in ids}


def test_the_page_says_what_matters_of_a_repair() -> None:
    text = render(replace(sample.report(), results=(sample.repaired(),)), "html", language="en")
    for part in (
        "set in_features to 16 * 14 * 14",
        "mat1 and mat2",
        "4 × 16 × 14 × 14 → 4 × 3136",
        "256 learnable images",
        '<span class="en" lang="en">7 candidates tried</span>',
    ):
        assert part in text


def test_the_details_of_thousands_are_packed_and_complete() -> None:
    one = sample.repaired()
    few = render(replace(sample.report(), results=(one,)), "html")
    results = tuple(replace(one, snippet=replace(one.snippet, id=f"n{number}")) for number in range(400))
    many = render(replace(sample.report(), results=results), "html")
    packed = re.findall(r'<div class="body" data-packed="([A-Za-z0-9+/=]+)">', many)
    assert len(packed) == 400
    body = zlib.decompress(base64.b64decode(packed[0])).decode()
    assert "set in_features to 16 * 14 * 14" in body
    assert body.count("<rect") == few.count("<rect") - many.count("<rect")
    assert len(many) < 400 * 12_000
    assert "<script" not in body


def test_a_patch_gives_its_reason_in_the_language_of_the_reader() -> None:
    done = sample.patched()
    why = replace(done.repair.fixes[0], chinese="说明批次在前")
    report = replace(sample.report(), results=(replace(done, repair=replace(done.repair, fixes=(why,))),))
    for format in ("table", "markdown"):  # noqa: A001
        assert "说明批次在前" in render(report, format, language="zh")
        assert "say that the batch comes first" in render(report, format, language="en")
    page = render(report, "html", language="zh")
    assert '<span class="zh" lang="zh-Hans">说明批次在前</span>' in page
    assert "只检查到运行结束之处" in render(sample.report(), "html", language="zh")


def test_shapes_are_written_one_way() -> None:
    found = replace(
        sample.repaired().findings[0], evidence={"given": ["(64, 1600) float32", "(1,) int64"], "input": [4, 3], "moved": [1, 2]}
    )
    assert _facts(replace(found, evidence={"position": 3, "given": [1]})) == [("given", "1")], "what has no name for people is not for them"
    assert dict(_facts(found)) == {"given": "64 × 1600 float32, 1 int64", "input": "4 × 3", "moved": "1, 2"}


def test_code_in_a_message_is_shown_as_code_and_nothing_else_is() -> None:
    one = sample.repaired()
    found = replace(one.findings[0], message="`a <b>` is <i>not</i> `c", evidence={"head_at": [3, 5, 3, 9], "why": "`a <b>` is <i>not</i>"})
    page = render(replace(sample.report(), results=(replace(one, findings=(found,)),)), "html", language="en")
    assert "<code>a &lt;b&gt;</code> is &lt;i&gt;not&lt;/i&gt; `c" in page
    assert _facts(found) == [("head at", "3:5")], "a place is a line and a column, and what the message says is not told twice"


def test_the_language_is_that_of_the_documents() -> None:
    assert 'lang="zh-Hans"' in render(sample.report(), "html")
    assert 'lang="en"' in render(replace(sample.report(), results=(sample.hostile(),)), "html")


@pytest.mark.parametrize("key", TEXTS)
def test_every_word_is_there_in_both_languages(key: str) -> None:
    english, chinese = TEXTS[key]
    assert english
    assert chinese
    fields = [[name for _, name, *_ in string.Formatter().parse(words) if name is not None] for words in TEXTS[key]]
    assert fields[0] == fields[1]


def test_every_value_of_the_model_has_a_word() -> None:
    elsewhere = {"exercise", "environment", "skipped"}
    for value in (*Verdict, *RepairVerdict, *Severity, *Stage, *Category):
        assert value.value in TEXTS or value.value in elsewhere


def test_words_of_an_unknown_language_are_english() -> None:
    assert texts("fr") == texts("en")


def test_marks_stand_on_the_characters_of_the_finding() -> None:
    result = sample.repaired()
    line = listing(result.snippet.code, result.findings)[9]
    marked = re.findall(r'<span class="[^"]*mark error">([^<]*)</span>', line.html)
    assert "".join(marked) == "16 * 28 * 28"
    assert line.severity == "error"


def test_a_listing_loses_no_character() -> None:
    text = "a = 1\r\n\n\tb = '''x\ny'''  # <&>\n)("
    shown = "\n".join(re.sub("<[^>]*>", "", line.html) for line in listing(text))
    assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("&#39;", "'") == clean(text)


def test_a_mended_line_keeps_its_colours_and_marks_the_words_that_differ() -> None:
    card = re.search(r'<details class="card" id="s2".*?class="scroll unified"', render(sample.report(), "html", language="en"), re.DOTALL)
    assert card
    assert re.findall(r'<td class="new">.*?</td>', card[0])[0].count('<span class="m word">14</span>') == 2
    assert '<span class="m">10</span>' in re.findall(r'<td class="old">.*?</td>', card[0])[0]


def test_the_lines_that_a_fix_would_write() -> None:
    old = "a = 1\n\nb = f(x)\n\nc = 3\n"
    new = "a = 2\n\nb = f(x)\n\n\nimport g\nc = g(3)\n"
    assert [(line.number, line.text) for line in written(old, new)] == [(1, "a = 2"), (6, "import g"), (7, "c = g(3)")]


def test_fixes_with_one_title_are_told_apart_by_their_lines() -> None:
    page = render(sample.report(), "html", language="en")
    shown = [re.sub("<[^>]*>", "", line) for line in re.findall(r'<div class="would">(.*?)</li>', page)]
    assert "10self.fc1 = nn.Linear(16 * 14 * 14, 10)  # 展平后的宽度" in shown
    assert "10self.fc1 = nn.Linear(3136, 10)  # 展平后的宽度" in shown


def test_candidates_beyond_the_first_are_counted() -> None:
    result = sample.repaired()
    many = replace(result, findings=(replace(result.findings[0], fixes=result.findings[0].fixes[:1] * 15),))
    page = render(replace(sample.report(), results=(many,)), "html", language="en")
    assert "3 more</span>" in page


def test_lines_that_belong_together_stand_side_by_side() -> None:
    old, new = "a = 1\nb = f(x)\nc = 3\n", "a = 1\nimport f\nb = f(x, 2)\nc = 3\n"
    sides = [(row.old and row.old.number, row.new and row.new.number) for row in rows(old, new) if not isinstance(row, Gap)]
    assert sides == [(1, 1), (None, 2), (2, 3), (3, 4)]


def test_both_sides_keep_their_text() -> None:
    old, new = sample.NET, sample.NET_RIGHT.replace("class Net", "class Other")
    for side, text in (("old", old), ("new", new)):
        shown = [getattr(row, side) for row in rows(old, new) if not isinstance(row, Gap)]
        lines = text.split("\n")
        assert all("".join(piece for piece, _ in line.pieces) == lines[line.number - 1] for line in shown if line)


def test_pictures_are_left_out_where_there_is_nothing_to_draw() -> None:
    words = Words("en")
    assert pictures.flow(None, words) == pictures.curve(None, None, words) == dependence.draw(None, (), words) == ""


@pytest.mark.parametrize(
    ("facts", "ends", "last"),
    [
        ({"values": [3.0, 2.0, 1.0], "every": 1, "passes": 3}, "3 → 1, step 3", "424,"),
        ({"values": [3.0, 2.0, 1.0], "every": 2, "passes": 6}, "3 → 1, step 6", "355,"),
        ({"values": [3.0, 2.0, 1.0], "passes": 9, "nonfinite": 4}, "3 → NaN, ∞, step 9", "164,"),
        ({"values": [3.0, 2.0, 1.0], "passes": "<b>", "every": -1}, "3 → 1, step 3", "424,"),
    ],
    ids=["every step", "every second step", "no number in the end", "nonsense"],
)
def test_the_loss_is_drawn_over_all_its_steps(facts: dict[str, object], ends: str, last: str) -> None:
    outcome = Outcome(kind="ok", observations=(Observation(probe="backward", facts={**facts, "steps": 9}),))
    drawing = str(pictures.curve(None, outcome, Words("en")))
    assert f"After {ends}" in drawing
    assert f" {last}" in drawing.partition("points=")[2]
    assert ("NaN" in drawing) == ("nonfinite" in facts)
    assert "<b>" not in drawing


def test_a_picture_is_told_in_the_language_of_the_reader() -> None:
    drawing = str(pictures.curve(None, sample.repaired().repair.outcome, Words("zh")))
    assert 'aria-label="损失变化: 修复后 2.3 → 0.5, 步数 6"' in drawing
    assert 'data-aria-label-en="Loss, step by step: After 2.3 → 0.5, step 6"' in drawing


def test_the_loss_is_drawn_only_where_something_was_trained() -> None:
    trained = sample.repaired().repair.outcome
    called = Outcome(kind="ok", observations=(Observation(probe="backward", facts={"values": [3.0, 2.0, 1.0], "steps": 0}),))
    assert "polyline" in pictures.curve(None, trained, Words("en"))
    assert pictures.curve(None, called, Words("en")) == ""


def cells(outcome: Outcome | None, finding: Finding) -> list[str]:
    """The matrix that is drawn: a letter for each cell, o its own, L a leak, f fair, ? not tried."""
    drawing = str(dependence.draw(outcome, (finding,), Words("en")))
    found = re.findall(r'<rect class="cell ([a-z]*)" x="(\d+)" y="(\d+)" width="20"', drawing)
    rows: dict[str, str] = {}
    for state, _, y in found:
        rows[y] = rows.get(y, "") + {"own": "o", "leak": "L", "fair": "f", "unseen": "?", "": "."}[state]
    return list(rows.values())


def told(category: Category, name: str = "samples-mixed", **more: object) -> Finding:
    return Finding("SNF501", name, category, Severity.ERROR, "leaks", Span(1, 1, 1, 2), Stage.PROBE, **more)


def batch(pattern: object, moved: Sequence[int], size: int = 4) -> Outcome:
    dims = {"0": {"size": size, "index": size // 2, "moved": {"0": list(moved)}, "kept": True, "pattern": pattern}}
    return Outcome(kind="ok", observations=(Observation(probe="batch", facts={"module": {"path": "net"}, "dims": dims}),))


def test_each_sample_is_drawn_against_each_other():
    mixing = batch({"of": 64, "moved": [[0, 1, 2], [1, 2], [2]]}, [32, 33], 64)
    assert cells(mixing, told(Category.BATCH_LAYOUT)) == ["o..", "Lo.", "LLo"]
    drawing = str(dependence.draw(mixing, (told(Category.BATCH_LAYOUT),), Words("en")))
    assert "3 / 64" in drawing
    assert "net, sample by sample: 3 × depends on it and must not: a leak; changed 0, moved with it 0, 1, 2;" in drawing
    assert "a leak" in drawing
    assert cells(batch({"of": 3, "moved": [[0], [1], [2]]}, [1], 3), told(Category.BATCH_LAYOUT)) == ["o..", ".o.", "..o"]


def test_what_was_tried_of_one_sample_only_is_drawn_of_that_one():
    assert cells(batch(None, [0, 2]), told(Category.BATCH_LAYOUT)) == ["??L?", "??.?", "??o?", "??.?"]
    far = batch({"of": 64, "moved": [[0], [1]]}, [0, 32, 33], 64)
    assert cells(far, told(Category.BATCH_LAYOUT))[4:6] == ["????o???", "????L???"], "the cut input shows no leak, the whole one does"
    assert cells(batch(None, []), told(Category.LOSS)) == []


@pytest.mark.parametrize(("name", "mark"), [("future-visible", "L"), ("token-order-unknown", "f")])
def test_an_earlier_position_leaks_only_where_the_future_must_not_be_seen(name: str, mark: str):
    seen = {"t": 1, "earlier": [0], "later": [], "own": True, "pattern": {"of": 3, "moved": [[0, 1, 2], [0, 1, 2], [0, 1, 2]]}}
    facts = {
        "module": {"type": "GPT"},
        "main": "ids",
        "stacks": [{"first": True}],
        "arguments": {"ids": {"shape": [2, 3], "future": {"1": seen}}},
    }
    outcome = Outcome(kind="ok", observations=(Observation(probe="order", facts=facts),))
    assert cells(outcome, told(Category.CAUSALITY, name)) == [f"o{mark}{mark}", f"fo{mark}", "ffo"]


def test_a_leak_behind_an_error_is_drawn_from_what_was_found():
    found = told(
        Category.BATCH_LAYOUT, evidence={"layer": "net.attn", "pattern": {"of": 2, "moved": [[0, 1], [0, 1]]}}, behind="Rename mask"
    )
    assert cells(Outcome(kind="raised"), found) == ["oL", "Lo"]
    assert cells(Outcome(kind="raised"), replace(found, behind="")) == []


@pytest.mark.parametrize(
    "evil", [{"of": "<b>", "moved": [["<b>"]]}, {"of": 3, "moved": "<b>"}, {"of": 10**9, "moved": [[0]] * 4000}, "<b>", [[]]]
)
def test_odd_facts_draw_no_odd_picture(evil: object):
    drawing = str(dependence.draw(batch(evil, [0, 2]), (told(Category.BATCH_LAYOUT),), Words("en")))
    assert "<b>" not in drawing
    assert drawing.count("<rect") < 200


def call(path: str, given: tuple[int, ...], out: tuple[int, ...] | None) -> Call:
    return Call(module=sample.module(path, "Layer"), inputs=(sample.tensor(*given),), output=out and sample.tensor(*out), depth=1)


def failing(operation: str, *args: Value, path: str = "", config: dict[str, Value] | None = None, stage: str = "run") -> dict[str, object]:
    module = ModuleRef(path=path, type="Layer", config=config or {}) if path else None
    failure = Failure(type="RuntimeError", message="", operation=Operation(name=operation, args=args, module=module))
    return {"failure": failure} if stage == "run" else {"exercises": (Exercise(target="x", kind="module", call="x()", failure=failure),)}


NUMBER = Value(kind="int", type="int", text="1")
FED = (call("net", (4, 9), None), call("net.fc", (4, 9), (4, 6)))
TRIED = (call("block", (2, 3), (2, 5)), call("block.conv", (2, 3), (2, 5)))


@pytest.mark.parametrize(
    ("calls", "failed", "names", "clash"),
    [
        ((), failing("torch.nn.functional.linear", sample.tensor(4, 6), path="net.fc", config={"in_features": NUMBER}), ["net.fc"], "Layer in_features=1"),
        (FED, failing("Tensor.view", sample.tensor(4, 6), NUMBER, NUMBER, path="net"), ["net.fc", "Tensor.view(1, 1)"], "net"),
        ((*FED, *TRIED), failing("Tensor.view", sample.tensor(4, 6), path="net"), ["net.fc", "Tensor.view()"], "net"),
        ((*FED, *TRIED), failing("Tensor.view", sample.tensor(2, 5), path="block", stage="exercise"), ["block.conv", "Tensor.view()"], "block"),
        (TRIED, failing("call", path="net"), [], ""),
    ],
    ids=["alone", "operation of a module", "not after what is tried later", "while it is tried", "given no tensor"],
)  # fmt: skip
def test_the_clash_is_drawn_behind_what_led_to_it(calls: tuple[Call, ...], failed: dict[str, object], names: list[str], clash: str):
    drawing = str(pictures.flow(Outcome(kind="raised", calls=calls, **failed), Words("en")))  # type: ignore[arg-type]
    assert re.findall(r'class="name">([^<]*)</tspan>', drawing) == names
    assert re.findall(r'class="kind">([^<]*)</tspan></text><text class="clash"', drawing) == [clash] * bool(clash)


def test_an_edge_says_what_came_out_and_what_went_in():
    calls = (call("net.conv", (4, 1, 28, 28), (4, 8, 14, 14)), call("net.fc", (4, 1568), (4, 10)))
    drawing = str(pictures.flow(Outcome(kind="ok", calls=calls), Words("en")))
    assert "4 × 8 × 14 × 14 → 4 × 1568" in drawing
    width = int(re.search(r'width="(\d+)"', drawing)[1])
    assert width >= 40 + 8 * len("4 × 8 × 14 × 14 → 4 × 1568"), "nothing is cut off"


def test_a_deep_model_is_drawn_at_a_level_that_fits() -> None:
    def call(path: str, depth: int) -> Call:
        return Call(module=sample.module(path, "Block"), inputs=(sample.tensor(2, 8),), output=sample.tensor(2, 8), depth=depth)

    calls = [call("Net", 0)]
    for layer in range(4):
        calls += [call(f"Net.layers.{layer}", 1), *(call(f"Net.layers.{layer}.part{part}", 2) for part in range(5))]
    drawing = str(pictures.flow(Outcome(kind="ok", calls=tuple(calls)), Words("en")))
    assert re.findall(r'class="name">([^<]*)<', drawing) == [f"Net.layers.{layer}" for layer in range(4)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<object at 0x7f12ab34cd56>", "<object at 0x…>"),
        ("/home/me/.venv/lib/python3.11/site-packages/torch/nn.py", "lib/python3.11/site-packages/torch/nn.py"),
        ("No such file: '/tmp/scratch-12/data/train.json'", "No such file: 'train.json'"),
        ("a/b and 3 / 4 in https://example.org/tmp/x", "a/b and 3 / 4 in https://example.org/tmp/x"),
        ("0x1F", "0x1F"),
    ],
)
def test_what_changes_from_run_to_run_is_left_out(text: str, shown: str) -> None:
    assert steady(text) == shown


def test_the_parameters_that_are_not_trained_are_drawn_first() -> None:
    modules = [
        {"path": "net.fc1", "type": "Linear", "parameters": 2, "graded": 2, "held": 2},
        {"path": "net.fc2", "type": "Linear", "parameters": 2, "graded": 1, "held": 2},
        {"path": "<b>", "type": "Linear", "parameters": 2, "graded": 2, "held": 0},
        {"path": "odd", "type": "Linear", "parameters": "many", "graded": 2, "held": 0},
    ]
    outcome = Outcome(kind="ok", observations=(Observation(probe="gradients", facts={"modules": modules}),))
    drawing = str(pictures.gradients(outcome, Words("en")))
    assert drawing.index("net.fc2") < drawing.index("&lt;b&gt;") < drawing.rindex("net.fc1")
    assert "net.fc2: 1 gradient and step, 1 no gradient" in drawing
    assert "odd" not in drawing
    assert pictures.gradients(None, Words("en")) == pictures.gradients(Outcome(kind="ok"), Words("en")) == ""

"""Everything a rule says is there in Chinese too: its documentation, its messages, the titles of its fixes."""

import ast
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from test_harness import TEXT_BADS, context_of, from_text, not_in_chinese

from snipfix.cli.app import run
from snipfix.cli.new_rule import _home
from snipfix.model import Category
from snipfix.patches import load
from snipfix.report.facts import ELSEWHERE
from snipfix.report.texts import TEXTS
from snipfix.rules import wording
from snipfix.rules.base import Bad, Rule
from snipfix.rules.registry import find, rules
from snipfix.rules.wording import catalogue, documentation, explanation, said, summary

CHINESE = re.compile("[\u4e00-\u9fff]")
FOLDERS = sorted({file.parent.name if file.parent != wording.ROOT else "" for file in wording.ROOT.rglob("zh.toml")})
EXTRACTION = Path(__file__).parents[1] / "documents" / "cases" / "extraction"
MISSING = "add these sentences to [says] in the zh.toml beside the rule, with {fields} for what the rule puts in"


def fields(sentence: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in Formatter().parse(sentence) if name is not None)


def says() -> list[tuple[str, str, str]]:
    return [(folder, english, chinese) for folder in FOLDERS for english, chinese in wording._read(folder).get("says", {}).items()]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_documentation_is_in_both_languages(rule: Rule):
    english, chinese = explanation(rule, "en"), explanation(rule, "zh")
    for part in ("summary", "what", "why", "safety"):
        assert CHINESE.search(getattr(chinese, part)), f"{rule.id} has no Chinese {part}: add it to the zh.toml beside the rule"
        assert getattr(english, part)
    assert documentation(rule, "zh").startswith(summary(rule, "zh"))


@pytest.mark.parametrize(("folder", "english", "chinese"), says(), ids=lambda value: str(value)[:40])
def test_a_sentence_has_the_same_fields_in_both_languages(folder: str, english: str, chinese: str):
    assert chinese
    assert fields(english) == fields(chinese)
    assert english.strip("{}") not in fields(english), "a sentence of nothing but a field fits everything"


def test_catalogues_hold_no_rule_that_is_not_there():
    assert {rule for folder in FOLDERS for rule in catalogue(folder).rules} <= {rule.id for rule in rules()}


@pytest.mark.parametrize(("rule", "bad"), TEXT_BADS)
def test_what_is_said_of_the_text_is_in_chinese(rule: Rule, bad: Bad):
    context = context_of(bad.code, bad)
    for finding in from_text(rule, context):
        assert not not_in_chinese(finding, *rule.fixes(context, finding)), MISSING


def strings(file: Path) -> list[str]:
    """Every text in a file but its documentation; 7 stands for what an f-string puts in."""
    found = []
    tree = ast.parse(file.read_text(encoding="utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node) if part is not node}
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (inside | prose):
            found.append(node.value)
    return found


def test_what_stands_in_is_said_in_chinese():
    files = sorted((wording.ROOT.parent / "child/world").glob("*.py"))
    told = [text for file in files for text in strings(file) if re.search(r"made by rule|by rule;|^random[ ,]", text)]
    assert len(told) > 15
    assert not [text for text in told if not CHINESE.search(said(text, "zh"))], "add these to [says] in src/snipfix/rules/zh.toml"


@pytest.mark.parametrize(
    ("message", "chinese"),
    [
        ("backward() needs a single number, this tensor (3,) has several", "backward() 需要单个数，这个张量 (3,) 有多个元素"),
        ("Let Block take stride and downsample", "让 Block 接受 stride 和 downsample"),
        ("the width is not a multiple of the number of heads: 512 and 1024", "宽度不是头数的整数倍：512 和 1024"),
        (
            "the reconstruction is a mean over all elements, the KL divergence a sum over all: on two scales the divergence drowns the rest",
            "重建误差是对所有元素的平均，KL 散度却是总和：尺度不同，散度会淹没其余部分",
        ),
        ("`a and b` is used but never defined or imported", "使用了 `a and b`，但从未定义或导入"),
    ],
)
def test_what_a_rule_puts_in_reads_as_one_sentence(message: str, chinese: str):
    """A blank between Chinese and Latin, none between Chinese and Chinese, names listed with the language's own word, code as it is."""
    assert said(message, "zh") == chinese


def test_what_the_sandbox_enforces_is_said_in_chinese():
    (layers,) = [
        ast.literal_eval(node.value)
        for node in ast.walk(ast.parse((wording.ROOT.parent / "child/confine.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PLAIN"
    ]
    for text in layers.values():
        assert CHINESE.search(said(text.format("by control groups"), "zh")), "add it to [says] in src/snipfix/rules/zh.toml"


def evidence_keys(tree: ast.AST) -> Iterator[str]:
    """The keys of what a rule gives as evidence: at once, put together before, or added later."""
    names = {"evidence", "facts"}
    for node in ast.walk(tree):
        given = isinstance(node, ast.keyword) and node.arg in names
        made = isinstance(node, ast.Assign) and names & {ast.unparse(target) for target in node.targets}
        if (given or made) and isinstance(node.value, ast.Dict):
            yield from (key.value for key in node.value.keys if isinstance(key, ast.Constant))
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) in names:
            yield ast.literal_eval(node.slice)


def test_a_fact_has_a_name_in_both_languages():
    """What the page shows of a finding's evidence is named by a word of the reader's language."""
    keys = {key for file in wording.ROOT.rglob("*.py") for key in evidence_keys(ast.parse(file.read_text(encoding="utf-8")))}
    assert len(keys) > 60
    assert not [key for key in keys - ELSEWHERE if f"fact {key.replace('_', ' ')}" not in TEXTS], "add `fact NAME` to report/texts.py"


def test_every_patch_of_this_workspace_says_why_in_chinese():
    """Its document is Chinese."""
    patches = load(Path(__file__).parents[2] / "fixes").by_sha256.values()
    assert patches
    assert not [one.file for one in patches if not CHINESE.search(one.patch.why_zh)]


ERRORS = ("UsageError", "ConfigError", "DocumentError", "WorkspaceError", "SandboxError", "SnipfixError")


def spelled(node: ast.expr | None) -> str:
    """A text as a reader meets it, 7 where a value stands; empty for what another place spells."""
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
        return text if re.search(r"[a-z]{2}", text) else ""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_every_error_and_its_hint_is_there_in_chinese():
    told = set()
    for file in wording.ROOT.parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in (*ERRORS, "say") and node.args:
                hints = [keyword.value for keyword in node.keywords if keyword.arg == "hint"] + list(node.args[1:2])
                told |= {spelled(one) for one in (node.args[0], *hints)} - {""}
    assert len(told) > 100
    missing = [text for text in sorted(told) if not CHINESE.search(said(text, "zh"))]
    assert not missing, "add these to [says] in src/snipfix/rules/zh.toml"


def test_every_reason_for_not_looking_is_there_in_chinese():
    cases = Path(__file__).parents[1] / "documents/cases"
    told = {one["reason"] for file in cases.rglob("*.json") for one in skipped(json.loads(file.read_text(encoding="utf-8")))}
    assert len(told) > 20
    assert not [text for text in sorted(told) if not CHINESE.search(said(text, "zh"))], "add these to [says] in src/snipfix/rules/zh.toml"


def skipped(data: object) -> list[dict[str, str]]:
    found = data.get("skipped") if isinstance(data, dict) else None
    return [one for one in found if isinstance(one, dict) and "reason" in one] if isinstance(found, list) else []


def test_an_error_is_said_in_the_language_asked_for(capsys: pytest.CaptureFixture[str]):
    for given in (["--lang", "zh"], ["--lang=zh"]):
        assert run(["audit", "gone.md", *given]) == 2
        assert capsys.readouterr().err == "snipfix: gone.md: 没有这个文件\n  建议: 检查拼写，或在该路径起始的文件夹中运行\n"
    assert run(["audit", "gone.md"]) == 2
    assert "no such file\n  hint: check" in capsys.readouterr().err


def test_code_in_backticks_gets_no_blank():
    assert said("`未定义` is used but never defined or imported", "zh", "SNF100") == "使用了 `未定义`，但从未定义或导入"


def test_fields_are_found_from_left_to_right_and_translated_too():
    message = "cross-entropy takes the softmax itself, but it is fed the output of a softmax (values from 0.1 to 0.4): the softmax is applied twice"
    assert said(message, "zh", "SNF400") == "交叉熵自带 softmax，传入的却是 softmax 的输出（取值在 0.1 到 0.4 之间）：softmax 做了两次"


def test_names_and_code_stay_as_they_are():
    assert said("`__全名{0}` is used but never defined or imported", "zh", "SNF100") == "使用了 `__全名{0}`，但从未定义或导入"


def test_code_between_backticks_gets_no_blanks() -> None:
    assert said("`损失` is used but never defined or imported", "zh", "SNF100") == "使用了 `损失`，但从未定义或导入"


def test_what_no_catalogue_has_stays_as_it_is():
    assert said("a sentence nobody wrote", "zh", "SNF100") == "a sentence nobody wrote"
    assert said("the loss is built with data", "en", "SNF307") == "the loss is built with data"


def test_a_title_without_its_rule_is_found_in_any_folder():
    assert said("leave the scores to the loss", "zh") == "直接把分数交给损失函数"
    assert said("Use an encoder with a causal mask: a decoder without memory", "zh").startswith("改用带因果掩码的编码器")


def test_a_hostile_message_costs_no_time():
    assert said("`" * 200_000, "zh", "SNF100") == "`" * 200_000


def test_documentation_keeps_examples():
    assert "```python" in documentation(find("SNF100"), "zh")


def test_a_new_rule_has_its_place(tmp_path: Path):
    (tmp_path / "zh.toml").write_text('[says]\n"old" = "旧"\n', encoding="utf-8")
    assert run(["new-rule", "some-odd-thing", "--into", str(tmp_path)]) == 0
    data = tomllib.loads((tmp_path / "zh.toml").read_text(encoding="utf-8"))
    assert data.pop("says") == {"old": "旧"}
    assert [set(texts) for texts in data.values()] == [{"summary", "what", "why", "safety"}]


@pytest.mark.parametrize(("category", "folder"), [(Category.SHAPE, "shapes"), (Category.UNDEFINED_NAME, "names")])
def test_a_new_rule_goes_where_the_rules_of_its_category_are(category: Category, folder: str):
    assert _home(category).name == folder


@pytest.mark.parametrize(("command", "shown"), [(["explain", "SNF400"], "为什么不好"), (["rules"], "从未定义或导入的名称")])
def test_the_command_line_speaks_chinese_when_asked(command: list[str], shown: str, capsys: pytest.CaptureFixture[str]):
    assert run(command) == 0
    assert shown not in capsys.readouterr().out
    assert run([*command, "--lang", "zh"]) == 0
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(EXTRACTION.glob("*.json")), ids=lambda path: path.stem)
def test_why_a_block_was_not_looked_at_is_said_in_chinese(path: Path) -> None:
    reasons = [one["reason"] for one in json.loads(path.read_text(encoding="utf-8")).get("skipped", ())]
    assert [reason for reason in reasons if said(reason, "zh") == reason] == []

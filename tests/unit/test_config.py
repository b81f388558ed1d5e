"""Options come from defaults, then [tool.snipfix], then the command line; whatever makes no sense is refused with its place."""

import pytest

from snipfix.config import Options, check_patterns, from_table, load
from snipfix.errors import ConfigError
from snipfix.evidence import Span
from snipfix.model import Category, Finding, Severity, Stage


def test_a_table_changes_only_what_it_names() -> None:
    options = from_table({"stage": "static", "timeout": 5, "ignore": ["SNF1"], "unsafe-fixes": True}, "pyproject.toml")
    assert options == Options(stage=Stage.STATIC, timeout=5.0, ignore=("SNF1",), unsafe_fixes=True)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"stages": "run"}, "no key 'stages'"),
        ({"stage": "deep"}, "stage = 'deep'"),
        ({"timeout": "long"}, "timeout = 'long'"),
        ({"jobs": True}, "jobs = True"),
        ({"select": "SNF1"}, "select = 'SNF1'"),
    ],
)
def test_what_does_not_fit_is_refused(table: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=r"pyproject\.toml") as raised:
        from_table(table, "pyproject.toml")
    assert said in str(raised.value)
    assert raised.value.hint


def test_the_nearest_pyproject_counts(tmp_path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.snipfix]\njobs = 3\n")
    deep = tmp_path / "docs" / "guide"
    deep.mkdir(parents=True)
    assert load(deep).jobs == 3


def test_broken_toml_names_its_file(tmp_path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.snipfix\n")
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        load(tmp_path)


def finding(rule: str = "SNF100", name: str = "undefined-name", category: Category = Category.UNDEFINED_NAME) -> Finding:
    return Finding(rule, name, category, Severity.ERROR, "seen", Span(1, 1, 1, 2), Stage.STATIC)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (Options(), True),
        (Options(select=("undefined-name",)), True),
        (Options(select=("SNF1",)), True),
        (Options(select=("shape",)), False),
        (Options(ignore=("snf100",)), False),
        (Options(select=("SNF1",), ignore=("undefined-name",)), False),
    ],
)
def test_select_and_ignore_take_ids_prefixes_names_and_categories(options: Options, wanted: bool) -> None:
    assert options.wants(finding()) is wanted


def test_a_pattern_that_names_nothing_is_refused() -> None:
    check_patterns(("SNF1", "shape", "undefined-name"), {"SNF100": "undefined-name"})
    with pytest.raises(ConfigError, match="undefind-name"):
        check_patterns(("undefind-name",), {"SNF100": "undefined-name"})

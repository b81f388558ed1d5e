"""`--help` reads as well in Chinese as in English, and is asked for as one asks a program of one's own language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from rich.cells import cell_len
from typer.main import get_command

from snipfix.cli.app import app, run
from snipfix.cli.chinese import texts

COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]
OWN = "Show this message and exit."
"""Click's text, not one of ours."""


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")


def said(command: Any) -> Iterator[str]:
    """Every text that the help of a command and of those below it shows."""
    yield command.help
    yield from (text for param in command.params if (text := getattr(param, "help", None)))
    for one in getattr(command, "commands", {}).values():
        yield from said(one)


def test_every_text_has_its_chinese_and_none_is_left_over():
    spoken = {" ".join(text.split()) for text in said(get_command(app))}
    assert spoken | {OWN} == set(texts("help")), "keep src/snipfix/cli/zh.toml up with the help of commands and options"
    assert all(re.search("[\u4e00-\u9fff]", chinese) for chinese in texts("help").values())


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_in_chinese_and_fits_the_terminal(command: str, capsys: pytest.CaptureFixture[str]):
    assert run([*filter(None, [command]), "--help", "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(("用法： ", "用法："))
    assert "显示本帮助并退出。" in shown
    assert not re.findall(r"^\s*(?:Usage|Options|Arguments|Commands):|default: |required", shown, re.MULTILINE)
    assert max(map(cell_len, shown.splitlines())) <= 80
    assert not [line for line in shown.splitlines() if line.strip()[:1] in tuple("，。：；、）")]


@pytest.mark.parametrize(
    ("environment", "arguments", "chinese"),
    [
        ({}, ["--help"], False),
        ({"LANG": "zh_CN.UTF-8"}, ["--help"], True),
        ({"LANG": "zh_CN.UTF-8"}, [], True),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, ["--help"], False),
        ({"LC_ALL": "zh_TW.UTF-8"}, ["audit", "--help"], True),
        ({"LC_ALL": "zh_CN.UTF-8"}, ["audit", "--help", "--lang", "en"], False),
        ({}, ["--lang=zh", "--help"], True),
        ({}, ["extract", "--lang", "zh", "--help"], True),
    ],
    ids=str,
)
def test_who_is_answered_in_chinese(
    environment: dict[str, str], arguments: list[str], *, chinese: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run(arguments)
    shown = capsys.readouterr()
    assert ("用法" in shown.out + shown.err) is chinese

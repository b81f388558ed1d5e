"""Texts that do not parse, of the kinds that documents hold: each is mended to what a careful reader would write."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from snipfix.audit import Auditor
from snipfix.config import Options
from snipfix.model import RepairVerdict, Snippet, Stage
from snipfix.repair import Repairer
from snipfix.rules.registry import rules

TEXT = Path(__file__).with_name("broken_syntax.md").read_text(encoding="utf-8")
CASES = re.findall(r"^## ([^\n]+)\n~~~broken\n(.*?)^~~~\n~~~right\n(.*?)^~~~$", TEXT, re.MULTILINE | re.DOTALL)


def repaired(text: str):
    auditor = Auditor(None, rules(), Options(stage=Stage.STATIC))
    return Repairer(auditor).repair(auditor.audit(Snippet("s", "", "page.md", text))).repair


def test_there_are_enough_of_them() -> None:
    assert len(CASES) == TEXT.count("\n## ") >= 30


@pytest.mark.parametrize(("broken", "right"), [pytest.param(broken, right, id=title) for title, broken, right in CASES])
def test_a_broken_text_becomes_the_right_one(broken: str, right: str) -> None:
    with pytest.raises(SyntaxError):
        ast.parse(broken)
    repair = repaired(broken)
    assert repair.corrected == right
    assert repair.verdict is RepairVerdict.REPAIRED
    assert repaired(right).verdict is RepairVerdict.UNCHANGED

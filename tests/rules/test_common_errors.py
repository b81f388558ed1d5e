"""The eighty commonest errors are known: each to rules that are shown by programs which are run."""

import re
import tomllib
from pathlib import Path

import pytest

from snipfix.rules.registry import rules

ROOT = Path(__file__).resolve().parents[2]
ERRORS = tomllib.loads((ROOT / "docs" / "common_errors.toml").read_text(encoding="utf-8"))["error"]
BROKEN = set(
    re.findall(r"^## [^`\n]+: `([^`\n]+)`", (Path(__file__).parent / "broken_programs.md").read_text(encoding="utf-8"), re.MULTILINE)
)
RULES = {rule.id: rule for rule in rules()}


def test_there_are_eighty() -> None:
    assert [error["row"] for error in ERRORS] == list(range(1, 81))


FROM_THE_TEXT = {62, 79}
"""What no program can show: torchtext is not loaded, and freezing nothing goes unnoticed. The harness shows them on their texts."""
ON_A_CARD = {31, 34}
"""What only a GPU shows; tests/engines/test_card.py has the card that is none."""


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{error['row']} {error['what']}")
def test_it_is_shown_by_a_program_that_is_run(error) -> None:
    known = [RULES[name] for name in error["rules"]]
    assert all(rule.BAD or rule.name in BROKEN for rule in known)
    run = any(rule.name in BROKEN or any(bad.runs for bad in rule.BAD) for rule in known)
    assert run or error["row"] in FROM_THE_TEXT | ON_A_CARD

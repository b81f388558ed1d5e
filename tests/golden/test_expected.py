"""The expert's marks fit the snippets, and every patch fits its snippet."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from snipfix import patches
from snipfix.model import Category, Severity

ROOT = Path(__file__).parents[2]
EXPECTED = json.loads(Path(__file__).with_name("expected.json").read_text(encoding="utf-8"))["snippets"]
PATCHES = sorted(patches.load(ROOT / "fixes").by_sha256.values(), key=lambda loaded: loaded.file)


def text_of(stem: str) -> str:
    return (ROOT / "snippets" / f"{stem}.py").read_bytes().decode()


def test_every_snippet_is_judged() -> None:
    assert sorted(EXPECTED) == sorted(path.stem for path in (ROOT / "snippets").glob("*.py"))
    assert sum(not defects for defects in EXPECTED.values()) == 7


@pytest.mark.parametrize("stem", EXPECTED)
def test_marks_name_a_category_and_a_line_with_code(stem: str) -> None:
    lines = text_of(stem).splitlines()
    for defect in EXPECTED[stem]:
        Severity(defect["severity"])
        for category in (defect["category"], *defect.get("or", ())):
            Category(category)
        for line in (defect["line"], *defect.get("also", ())):
            assert lines[line - 1].strip(), f"line {line} is empty"


@pytest.mark.parametrize("loaded", PATCHES, ids=lambda loaded: loaded.patch.snippet)
def test_a_patch_mends_a_broken_snippet_and_keeps_most_of_it(loaded: patches.LoadedPatch) -> None:
    stem = loaded.patch.snippet
    before = text_of(stem)
    after = loaded.apply(before)
    assert EXPECTED[stem], "only broken snippets are patched"
    assert loaded.file == f"{stem}.py"
    ast.parse(after)
    kept = [line for line in before.splitlines() if "#" in line and "torchtext" not in line]
    lost = [line for line in kept if line.partition("#")[2].strip() not in after]
    assert len(lost) <= 1, f"comments lost: {lost}"

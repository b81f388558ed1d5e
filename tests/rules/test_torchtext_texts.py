"""Texts as tutorials have them, in every style of torchtext: rewritten in plain Python and torch, and run."""

import re
from pathlib import Path

import pytest

from snipfix.model import Snippet
from snipfix.repair import Repairer

TEXTS = re.findall(
    r"^## ([^\n]+)\n+```python\n(.*?)```$",
    (Path(__file__).parent / "torchtext_texts.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.torch
@pytest.mark.parametrize("text", [text for _, text in TEXTS], ids=[name for name, _ in TEXTS])
def test_it_is_moved_and_runs(engine, text):
    result = engine.auditor.audit(Snippet("text", "Text", "d.md", text))
    assert {finding.rule for finding in result.findings if finding.is_error} in ({"SNF180"}, {"SNF142", "SNF180"})
    repair = Repairer(engine.auditor).repair(result, "text.py").repair
    assert (repair.verdict, repair.reason) == ("repaired", "")
    assert "torchtext" not in repair.corrected
    assert {fix.rule for fix in repair.fixes} == {finding.rule for finding in result.findings if finding.is_error}

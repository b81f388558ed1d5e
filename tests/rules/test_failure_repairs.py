"""Programs that crash are explained by one rule and mended as a teacher would, the crash and the mending both run for real."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from snipfix.model import Snippet, Stage
from snipfix.repair import Repairer

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
PROGRAM = re.compile(r"^## ([^\n`]+): `([^\n`]+)`\n\n```python\n(.*?)```\n\n```diff\n(.*?)```$", re.MULTILINE | re.DOTALL)
PROGRAMS = PROGRAM.findall((Path(__file__).parent / "broken_programs.md").read_text(encoding="utf-8"))


@pytest.mark.torch
@pytest.mark.parametrize(("rule", "program", "changes"), [case[1:] for case in PROGRAMS], ids=[case[0] for case in PROGRAMS])
def test_explained_and_mended(engine, rule, program, changes):
    auditor = replace(engine.auditor, options=replace(engine.auditor.options, stage=Stage.RUN))
    result = auditor.audit(Snippet("program", "Program", "d.md", HEAD + program))
    assert rule in [finding.name for finding in result.findings]
    repair = Repairer(auditor).repair(result, "program.py").repair
    changed = [line for line in repair.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert (repair.verdict, changed) == ("repaired", changes.splitlines())

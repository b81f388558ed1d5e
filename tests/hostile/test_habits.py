"""Programs that patch, replace or forget things by habit or by accident get the outcome they have earned, with nothing of the audit lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from snipfix.evidence import Block, Job
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import Policy

PROGRAMS = sorted((Path(__file__).parent / "habits").glob("*.py"))
UNUSED = """
import torch
class Unused(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(2, 3), torch.nn.Linear(4, 5)
    def forward(self, x):
        return self.second(self.first(x))
"""
pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Policy()) as sandbox:
        yield sandbox


def _head(code: str, name: str, default: str = "") -> str:
    lines = (line.removeprefix(f"# {name}: ") for line in code.splitlines() if line.startswith(f"# {name}: "))
    return next(lines, default)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_its_outcome_is_honest(path: Path, sandbox: Sandbox) -> None:
    code = path.read_text(encoding="utf-8")
    outcome = sandbox.run(Job(code=UNUSED + code, timeout=float(_head(code, "timeout", "20"))))
    assert (outcome.kind, outcome.detail, outcome.stderr) == (_head(code, "expect"), _head(code, "says"), ""), outcome
    assert outcome.stdout.split() == code.rpartition("# prints:")[2].split()
    if outcome.kind != "exited":
        assert [exercise.failure is not None for exercise in outcome.exercises if exercise.target == "Unused"] == [True]
    if outcome.kind == "raised":
        assert outcome.failure is not None
        assert outcome.failure.operation is not None
        assert outcome.failure.operation.name == "torch.nn.functional.linear"


def test_a_failing_block_before_leaves_the_streams_as_they_were(sandbox: Sandbox) -> None:
    job = Job(code="print('never')", before=(Block(name="first.py", code="print('unheard')\n1 / 0"),))
    outcome = sandbox.run(job)
    assert (outcome.kind, outcome.stopped_in, outcome.stdout) == ("raised", "first.py", "")

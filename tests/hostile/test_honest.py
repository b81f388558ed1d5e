"""Programs that mean no harm run as they would outside, through the real executor."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from snipfix.evidence import Job
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import Policy

PROGRAMS = sorted((Path(__file__).parent / "honest").glob("*.py"))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Policy()) as sandbox:
        yield sandbox


@pytest.mark.torch
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_it_works_inside(path: Path, sandbox: Sandbox) -> None:
    code = path.read_text(encoding="utf-8")
    if "# needs: torch" in code and importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch")
    if sandbox.isolation().mode == "nons" and "subprocess" in code:
        pytest.skip("programs are not started where namespaces are missing")
    outcome = sandbox.run(Job(code=code, timeout=60, stage="run"))
    assert (outcome.kind, outcome.stdout.split()) == ("ok", code.rpartition("# prints: ")[2].split()), outcome


def test_input_ends(sandbox: Sandbox) -> None:
    outcome = sandbox.run(Job(code="input()", stage="run"))
    assert outcome.kind == "raised"
    assert outcome.failure is not None
    assert outcome.failure.type == "EOFError"


def test_input_can_be_given(sandbox: Sandbox) -> None:
    assert sandbox.run(Job(code="print(input(), input())", stdin="a\nb\n", stage="run")).stdout == "a b\n"

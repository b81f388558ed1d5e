"""Programs that mean no harm run as they would outside, through the real executor."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from snipfix.errors import SandboxError
from snipfix.evidence import Job
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import Policy

PROGRAMS = sorted((Path(__file__).parent / "honest").glob("*.py"))


STARTS_PROGRAMS = ("shared_memory", "subprocess", "spawn", "distributed")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Policy()) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def without_namespaces() -> Iterator[Sandbox]:
    with Sandbox(Policy(isolation="nons")) as sandbox:
        try:
            sandbox.isolation()
        except SandboxError as error:
            pytest.skip(str(error))
        yield sandbox


@pytest.mark.torch
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_it_works_inside(path: Path, sandbox: Sandbox) -> None:
    code = path.read_text(encoding="utf-8")
    if "# needs: torch" in code and importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch")
    if sandbox.isolation().mode != "full" and any(word in code for word in STARTS_PROGRAMS):
        pytest.skip("programs are started, and networks made, only where there are namespaces")
    outcome = sandbox.run(Job(code=code, timeout=60, stage="run"))
    if sandbox.isolation().mode == "nons" and outcome.failure and outcome.failure.type == "PermissionError":
        pytest.skip("without namespaces a socket that others may write to lies within reach here, so connecting is refused")
    assert (outcome.kind, outcome.stdout.split()) == ("ok", code.rpartition("# prints: ")[2].split()), outcome


@pytest.mark.torch
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_it_works_without_namespaces(path: Path, without_namespaces: Sandbox) -> None:
    test_it_works_inside(path, without_namespaces)


def test_input_ends(sandbox: Sandbox) -> None:
    outcome = sandbox.run(Job(code="input()", stage="run"))
    assert outcome.kind == "raised"
    assert outcome.failure is not None
    assert outcome.failure.type == "EOFError"


def test_input_can_be_given(sandbox: Sandbox) -> None:
    assert sandbox.run(Job(code="print(input(), input())", stdin="a\nb\n", stage="run")).stdout == "a b\n"

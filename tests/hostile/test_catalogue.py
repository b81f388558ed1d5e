"""Every attack of the catalogue is contained, as root and as an ordinary user; and where it is safe to show, it succeeds without its layer."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from arena import ALONE, CONTAINED, HOLDS_WITHOUT_NAMESPACES, Arena, Attack, load, outlived

from snipfix.errors import SandboxError
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import ISOLATIONS, Policy

HERE = Path(__file__).parent
ATTACKS = load()
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox's layers are Linux's")


NETWORK = ("060", "062", "067", "069", "070", "072", "073", "074", "110")
"""Attacks that a network, or the call that makes one, might help."""


def policy(isolation: str) -> Policy:
    return CONTAINED if isolation == "full" else Policy(isolation=isolation, executor=ALONE, preload=())


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    with Arena() as arena:
        yield arena


@pytest.fixture(scope="module")
def boxes() -> Iterator[dict[str, Sandbox]]:
    """Sandboxes by mode, made when first asked for."""
    made: dict[str, Sandbox] = {}
    yield made
    for sandbox in made.values():
        sandbox.close()


def box(boxes: dict[str, Sandbox], mode: str) -> Sandbox:
    if mode not in boxes:
        boxes[mode] = Sandbox(policy(mode))
    try:
        boxes[mode].isolation()
    except SandboxError as error:
        pytest.skip(str(error))
    return boxes[mode]


def need(attack: Attack) -> None:
    if attack.needs == "torch" and importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch")
    if attack.needs == "x86_64" and platform.machine() != "x86_64":
        pytest.skip("written for x86-64")


def test_the_catalogue_is_whole() -> None:
    assert [int(attack.id) for attack in ATTACKS] == list(range(1, len(ATTACKS) + 1))
    assert len(ATTACKS) >= 115
    assert [attack.id for attack in ATTACKS if bool(attack.succeeds_without) == bool(attack.unshown)] == []


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.id}-{attack.name}")
def test_it_is_contained(attack: Attack, arena: Arena, boxes: dict[str, Sandbox]) -> None:
    need(attack)
    assert arena.check(box(boxes, "full"), attack) == []


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack.id in HOLDS_WITHOUT_NAMESPACES], ids=lambda attack: f"{attack.id}-{attack.name}"
)
def test_it_is_contained_without_namespaces(attack: Attack, arena: Arena, boxes: dict[str, Sandbox]) -> None:
    need(attack)
    assert arena.check(box(boxes, "nons"), attack) == []


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.id in NETWORK], ids=lambda attack: f"{attack.id}-{attack.name}")
def test_a_network_of_its_own_reaches_nothing_else(attack: Attack, arena: Arena, boxes: dict[str, Sandbox]) -> None:
    distributed = dataclasses.replace(attack, code=attack.code + "\n# as for torch.distributed")
    complaints = arena.check(box(boxes, "full"), distributed)
    assert [words for words in complaints if not words.startswith("ESCAPED: sent")] == []  # to itself: the listeners outside heard nothing


@pytest.mark.long
@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack.succeeds_without], ids=lambda attack: f"{attack.id}-{attack.succeeds_without}"
)
def test_it_succeeds_without_its_layer(attack: Attack, arena: Arena, boxes: dict[str, Sandbox]) -> None:
    need(attack)
    box(boxes, attack.succeeds_without if attack.succeeds_without in ISOLATIONS else "full")
    assert arena.succeeds(attack), getattr(arena, "last", None)


def test_an_auditor_in_one_process_outlives_what_is_no_attack() -> None:
    assert not outlived("print('x' * 100)\n1 / 0")


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="already runs as an ordinary user")
def test_an_ordinary_user_is_as_safe(tmp_path: Path, boxes: dict[str, Sandbox]) -> None:
    box(boxes, "full")
    command = [sys.executable, str(HERE / "ordinary_user.py"), str(tmp_path), sys.executable, str(HERE / "arena.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr[-2000:]

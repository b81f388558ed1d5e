"""What a sandbox is asked to be: the interpreter, the layers wanted and the limits that hold for every job."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from snipfix.errors import SandboxError

__all__ = ["CHILD", "ISOLATIONS", "Isolation", "Layer", "Policy", "cards", "hints", "talks_to_itself"]

CHILD = Path(__file__).resolve().parent.parent / "child"
"""The folder that runs in the target interpreter."""

ISOLATIONS = ("auto", "full", "nons", "nsonly", "process")
"""full: namespaces, Landlock and seccomp. nons: without namespaces. nsonly: namespaces alone. process: limits alone. auto: the best that works."""

HEAVY = frozenset({"torch", "torchvision", "torchtext", "torchaudio", "torch_geometric", "torchcrf", "transformers", "numpy", "scipy", "pandas", "sklearn", "matplotlib"})  # fmt: skip
"""Packages worth importing once in the fork server rather than in every job."""

_IMPORT = re.compile(r"^[ \t>.]*import[ \t]+([\w., \t]+)", re.MULTILINE)
_FROM = re.compile(r"^[ \t>.]*from[ \t]+([\w.]+)[ \t]+import[ \t]+\(?([\w, \t\n]*)", re.MULTILINE)
_MOST_HINTS = 64
_DISTRIBUTED = re.compile(r"\btorch\.distributed\b|\btorch[ \t]+import[ \t]+[^\n]*\bdistributed\b|\binit_process_group\b")


@dataclass(frozen=True, slots=True)
class Policy:
    """How jobs are run. Sizes are megabytes; a job brings its own `timeout` and `memory_mb`."""

    python: str = sys.executable
    device: str = "cpu"
    card: int = 0
    """Which of the machine's cards, where the device is one."""
    isolation: str = "auto"
    require: bool = False
    """Refuse to run with anything less than the full set of layers."""
    threads: int = 1
    preload: tuple[str, ...] = ("torch",)
    """Imported when the fork server starts, where installed; other heavy packages are imported when the first job needs them."""
    processes: int = 64
    """Processes and threads that one job may have at a time."""
    files: int = 256
    file_mb: int = 256
    """Of one file; `disk_mb` of all together, so that it shows which of the two was reached."""
    disk_mb: int = 512
    shm_mb: int = 256
    output_kb: int = 256
    """How much of each output stream is kept."""
    flood_mb: int = 16
    """How much a job may write to a stream before it is ended as an output flood."""
    visible: tuple[str, ...] = ()
    """Further files and folders that jobs may read."""
    executor: str = str(CHILD / "execute.py")
    """The file whose run(job, send) does the work of one job."""
    ahead: bool = True
    """Keep one confined process forked ahead of need."""
    recycle: int = 1000
    """Jobs after which the fork server is replaced."""

    def __post_init__(self) -> None:
        if self.isolation not in ISOLATIONS:
            raise SandboxError(f"unknown isolation {self.isolation!r}", hint=f"one of {', '.join(ISOLATIONS)}")


@dataclass(frozen=True, slots=True)
class Layer:
    """One means of confinement, whether it is in force, and in plain words what it does or why it is missing."""

    name: str
    on: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Isolation:
    """What the sandbox enforces here."""

    mode: str
    layers: tuple[Layer, ...] = field(default=())

    @property
    def missing(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if not layer.on)


def hints(texts: Iterable[str]) -> tuple[str, ...]:
    """What the fork server should have loaded for these texts: heavy packages that they import, `torch` first, and their parts by name.

    A guess from the text, never a judgement.
    """
    found: set[str] = set()
    for text in texts:
        for match in _IMPORT.finditer(text):
            found.update(part.split()[0] for part in match[1].split(",") if part.strip())
        for match in _FROM.finditer(text):
            found.update(f"{match[1]}.{part.split()[0]}" for part in match[2].split(",") if part.strip())
            found.add(match[1])
    heavy = {name for name in found if name.split(".")[0] in HEAVY and not any(part[:1] in ("_", "") for part in name.split("."))}
    heavy |= {name.split(".")[0] for name in heavy}
    return tuple(sorted(heavy, key=lambda name: (name != "torch", name.count("."), name))[:_MOST_HINTS])


def cards() -> int:
    """The NVIDIA cards that the driver shows, by their device files: asking CUDA would start it."""
    try:
        return sum(1 for path in Path("/dev").iterdir() if re.fullmatch(r"nvidia\d+", path.name))
    except OSError:
        return 0


def talks_to_itself(texts: Iterable[str]) -> bool:
    """Whether the processes of these texts may want to reach each other over the loopback interface, as those of torch.distributed do."""
    return any(_DISTRIBUTED.search(text) for text in texts)

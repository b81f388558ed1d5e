"""The World: stand-ins that let a snippet run offline, each one named in the report.

Nothing heavy is imported for a snippet that needs none: every stand-in waits for the import of the library that it serves,
and takes the place of that library's download alone, so that all of its loading code is the real one.
"""

from __future__ import annotations

from typing import Any

from . import data_files, geometric, hub, record, spacy, text_library, vectors, vision
from .hooks import Hooks

__all__ = ["install", "prepare", "used"]


def prepare() -> None:
    """Let packages import that would not as they stand: for a fork server that loads them once for every job."""
    hooks = Hooks()
    vision.prepare(hooks)
    hooks.start()


def install(job: dict[str, Any]) -> None:
    """Put the stand-ins in place for one job. Called once, in the forked child, in its scratch folder, before the snippet runs."""
    hooks = Hooks()
    for room in (vision, text_library, geometric, hub, spacy):
        room.install(hooks)
    hooks.start()
    texts = [block.get("code", "") for block in job.get("before") or ()]
    code = "\n".join([*texts, job.get("code", "")])
    vectors.ask(code)
    data_files.install(code)


def used() -> list[dict[str, str]]:
    """What the snippet really used, as StandIn dicts in the order of first use."""
    return record.used()

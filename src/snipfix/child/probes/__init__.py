"""Probes: what shows wrong behaviour where nothing crashes. Each module of this package watches one thing and reports facts; rules judge.

A probe module has `install(recorder)`; it subscribes there and may return a function that is called when the snippet has ended.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

NAMES = (
    "losses",
    "attention",
    "reductions",
    "gradients",
    "steps",
    "hidden",
    "unregistered",
    "overwritten",
    "reshapes",
    "likelihood",
    "adversaries",
    "evaluation",
    "predictions",
    "comparisons",
    "unstated",
    "printed",
    "randomness",
    "batches",
    "order",
    "padding",
)
MODULES = [importlib.import_module(f"{__name__}.{name}") for name in NAMES]

_finishers: list[Callable[[], None]] = []


def install(recorder: Any) -> None:
    """Lets every probe subscribe. A probe that cannot is left out."""
    _finishers.clear()
    for module in MODULES:
        try:
            finish = module.install(recorder)
        except Exception:
            continue
        if finish is not None:
            _finishers.append(finish)


def finish(recorder: Any) -> None:
    """Lets the probes that look once more do so, each sending what it found."""
    for finisher in _finishers:
        try:
            finisher()
        except Exception:
            continue
        recorder.flush(lazily=True)

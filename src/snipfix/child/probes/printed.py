"""What the snippet printed, with the place of each print: so that a documented output that is false can be shown at its line."""

from __future__ import annotations

import builtins
from typing import Any

LINES = 200
TEXT = 2_000


def install(recorder: Any) -> Any:
    original = builtins.print
    lines = []

    def show(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        if kwargs.get("file") is None and len(lines) < LINES and recorder.stage == "run":
            try:
                remember(args, kwargs)
            except Exception:
                return

    def remember(args: tuple, kwargs: dict) -> None:
        end = kwargs.get("end")
        text = _joined(args, kwargs.get("sep")) + ("\n" if end is None else end)
        lines.append((recorder.place(), text[:TEXT]))

    def finish() -> None:
        if lines:
            facts = {"printed": [{"span": place, "text": text} for place, text in lines]}
            recorder.observe("printed", facts)

    show.__name__, show.__qualname__, show.__doc__, show.__module__ = "print", "print", original.__doc__, "builtins"
    builtins.print = show
    return finish


def _joined(args: tuple, separator: Any) -> str:
    return (" " if separator is None else separator).join(str(one) for one in args)

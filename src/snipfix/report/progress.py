"""What is running now and what remains, live on stderr. Without a terminal there is nothing to see."""

from __future__ import annotations

import threading
from collections import Counter

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from snipfix.model import Result, Verdict
from snipfix.report.text import short
from snipfix.report.texts import texts

__all__ = ["Progress"]

STYLES = {Verdict.CLEAN: "green", Verdict.SUSPECT: "yellow", Verdict.FAILING: "red", Verdict.NOT_RUNNABLE: "magenta"}
SHOWN = 4
"""Running snippets that are named."""


class Progress:
    """A live display that is told what happens, from any thread; it disappears when closed."""

    def __init__(self, console: Console | None = None, *, language: str = "en") -> None:
        self._console = console or Console(stderr=True)
        self._words = texts(language)
        self._lock = threading.Lock()
        self._running: dict[str, None] = {}
        self._verdicts: Counter[Verdict] = Counter()
        self._total = 0
        self._live: Live | None = None
        self._spinner = Spinner("dots")

    def start(self, total: int) -> None:
        """Begin; `total` snippets are to come."""
        self._total = total
        if total and self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(
                console=self._console, get_renderable=self._view, refresh_per_second=10, transient=True,
                redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip
            self._live.start()

    def running(self, id: str) -> None:  # noqa: A002
        """A snippet has begun."""
        with self._lock:
            self._running[id] = None

    def done(self, result: Result) -> None:
        """A snippet is through."""
        with self._lock:
            self._running.pop(result.snippet.id, None)
            self._verdicts[result.verdict] += 1

    def close(self) -> None:
        """End the display; may be called twice."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _view(self) -> RenderableType:
        with self._lock:
            running, verdicts = list(self._running), dict(self._verdicts)
        through = sum(verdicts.values())
        counts = Text(f" {through}/{self._total} ")
        for verdict, style in STYLES.items():
            if verdicts.get(verdict):
                counts.append(f" {verdicts[verdict]} {self._words[verdict.value]}", style)
        row = Table.grid(padding=(0, 1))
        row.add_row(self._spinner, ProgressBar(total=max(self._total, 1), completed=through, width=30), counts)
        more = self._words["more running"].format(len(running) - SHOWN) if len(running) > SHOWN else ""
        now = Text(f"  {self._words['now']}" + self._words["comma"].join(short(name, 40) for name in running[:SHOWN]) + more, "dim")
        return Group(row, now) if running else row

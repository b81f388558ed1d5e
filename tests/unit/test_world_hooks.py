"""Two watchers, that of the fork server and that of a job, patch one module once each and never ask each other in circles."""

import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).resolve().parents[2] / "src/snipfix/child"


def test_two_watchers_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CHILD))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    (tmp_path / "watched_module.py").write_text("x = 1\n")
    from world.hooks import Hooks

    seen = []
    for name in ("server", "job"):
        watcher = Hooks()
        watcher.after("watched_module", lambda module, name=name: seen.append((name, module.x)))
        watcher.start()
    import watched_module

    assert watched_module.x == 1
    assert sorted(seen) == [("job", 1), ("server", 1)]

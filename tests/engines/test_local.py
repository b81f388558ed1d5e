"""What the engine remembers, and what it must not; the same results whatever the number of jobs."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from snipfix.config import Options
from snipfix.engines import target
from snipfix.engines.keys import Keys
from snipfix.engines.local import LocalEngine
from snipfix.errors import SandboxError
from snipfix.model import Result, RunReport, Snippet, Stage
from snipfix.report import render
from snipfix.report.workspace import settled

pytestmark = pytest.mark.torch

CODES = {
    "clean": "print(1 + 1)\n",
    "names": "import math\nprint(mth.pi)\n",
    "syntax": "print('a'\n",
    "torch": "import torch\nprint(torch.zeros(2) @ torch.zeros(3))\n",
    "exit": "import sys\nsys.exit(3)\n",
    "slow": "import time\ntime.sleep(0.5)\nprint('late')\n",
    "loop": "total = 0\nfor i in range(5):\n    total += i\nprint(totl)\n",
}
SNIPPETS = [Snippet(name, name, "page.md", code) for name, code in CODES.items()]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNIPFIX_CACHE_DIR", str(tmp_path))


def timeless(result: Result) -> Result:
    """The result without what differs between two runs of the same."""

    def still(one):
        return one and type(one)(**{name: getattr(one, name) for name in one.__struct_fields__ if name != "usage"})

    repair = result.repair and replace(result.repair, outcome=still(result.repair.outcome))
    return replace(result, seconds=0.0, outcome=still(result.outcome), repair=repair)


def run(snippets: list[Snippet], *, repair: bool = False, **options: object) -> tuple[list[Result], bool]:
    """The results, and whether a fork server was started."""
    with LocalEngine(Options(**options)) as engine:
        results = list(engine.results(snippets, repair=repair))
        engine.environment()
        return results, engine.target is not None and engine.target._pool is not None


@pytest.mark.parametrize("repair", [False, True])
def test_a_second_run_gives_the_same_and_starts_nothing(repair: bool):
    first, started = run(SNIPPETS, repair=repair, jobs=2)
    again, restarted = run(SNIPPETS, repair=repair, jobs=2)
    assert (again, started, restarted) == (first, True, False)


def test_the_number_of_jobs_changes_neither_results_nor_report():
    reports = []
    for jobs in (1, 3):
        with LocalEngine(Options(jobs=jobs, cache=False)) as engine:
            reports.append(RunReport(tuple(engine.results(SNIPPETS)), environment=engine.environment()))
    one, three = reports
    assert list(map(timeless, one.results)) == list(map(timeless, three.results))
    assert [result.snippet.id for result in three.results] == list(CODES)
    assert render(settled(one, Path()), "json") == render(settled(three, Path()), "json")


def test_without_the_cache_everything_runs_again():
    run(SNIPPETS[:1], jobs=1, stage=Stage.RUN)
    assert run(SNIPPETS[:1], jobs=1, stage=Stage.RUN, cache=False)[1]


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("while True: pass\n", {"timeout": 1.0}),
        ("import os\nos.abort()\n", {}),
        ("x = bytearray(1 << 34)\ny = bytes(x)\n", {"memory": 256}),
    ],
    ids=["timeout", "crash", "memory"],
)
def test_what_may_be_the_machines_doing_is_not_remembered(code: str, options: dict[str, object]):
    snippets = [Snippet("s", "s", "page.md", code)]
    results, _ = run(snippets, jobs=1, stage=Stage.RUN, **options)
    remembered = not run(snippets, jobs=1, stage=Stage.RUN, **options)[1]
    assert remembered == (results[0].outcome.kind in ("ok", "raised"))


def test_a_wrong_interpreter_is_an_error_also_with_a_full_cache():
    run(SNIPPETS[:1], jobs=1, stage=Stage.RUN)
    with pytest.raises(SandboxError):
        run(SNIPPETS[:1], jobs=1, stage=Stage.RUN, python="/no/such/python")


BASE = SNIPPETS[0]


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, code="print(3)\n"),
        replace(BASE, before=(SNIPPETS[1],)),
        replace(BASE, documented_output="2\n"),
        replace(BASE, expect_error=True),
        replace(BASE, language="zh"),
    ],
)
def test_what_decides_a_result_is_in_its_key(other: Snippet):
    keys = Keys(Options(), {}, None, repair=False)
    assert keys.of(BASE) != keys.of(other)


def test_the_place_of_a_snippet_is_not_in_its_key():
    keys = Keys(Options(), {}, None, repair=False)
    assert keys.of(BASE) == keys.of(replace(BASE, id="other", title="other", document="other.md", line=99))


@pytest.mark.parametrize(
    "changed",
    [
        {"options": Options(seed=1)},
        {"options": Options(quick=True)},
        {"options": Options(ignore=("shape",))},
        {"environment": {"torch": "1"}},
        {"repair": True},
    ],
)
def test_what_decides_a_run_is_in_every_key(changed: dict[str, object]):
    given = {"options": Options(), "environment": {}, "patches": None, "repair": False}
    assert Keys(**given).of(BASE) != Keys(**{**given, **changed}).of(BASE)


def test_another_snipfix_remembers_nothing(monkeypatch: pytest.MonkeyPatch):
    run(SNIPPETS[:1], jobs=1, stage=Stage.RUN)
    monkeypatch.setattr(target, "source_digest", lambda: "changed")
    assert run(SNIPPETS[:1], jobs=1, stage=Stage.RUN)[1]


FIRST_THREADS = """
import importlib, sys, threading
from snipfix.config import Options
from snipfix.engines.local import LocalEngine
from snipfix.model import Snippet, Stage

loading, load = set(), importlib.import_module
def noted(name):
    if name.startswith("snipfix.rules.") and name not in sys.modules:
        loading.add(threading.current_thread().name)
    return load(name)

importlib.import_module = noted
with LocalEngine(Options(stage=Stage.STATIC, jobs=2, cache=False)) as engine:
    list(engine.results([Snippet(name, name, "page.md", "print(1)") for name in "ab"], repair=False))
print(loading)
"""


def test_rules_are_loaded_before_there_are_threads():
    """Two threads that import at once may each be given half of a module: rules would be missing, and broken snippets clean.

    In a process of its own, where no rule is loaded yet.
    """
    shown = subprocess.run([sys.executable, "-c", FIRST_THREADS], capture_output=True, text=True, timeout=60, check=True)
    assert shown.stdout == "{'MainThread'}\n"

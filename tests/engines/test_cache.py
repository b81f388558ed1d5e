"""The store survives kills and parallel runs, stays bounded, and gives back exactly what was kept."""

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import msgspec
import pytest

from snipfix.cache import Cache, folder, pack, unpack
from snipfix.evidence import Failure, Frame, Outcome, Span, Value
from snipfix.model import (
    Category,
    Edit,
    Finding,
    Fix,
    Repair,
    RepairVerdict,
    Result,
    Severity,
    Snippet,
    Stage,
    StageResult,
    Verdict,
)

SNIPPET = Snippet("q01", "代码", "page.md", "x = 1\n", line=7)


def a_result(**evidence: object) -> Result:
    fix = Fix("rename", (Edit(0, 1, "y"),), preference=2)
    finding = Finding(
        "SNF100", "undefined-name", Category.UNDEFINED_NAME, Severity.ERROR, "no `y`", Span.at(1), Stage.RUN, evidence, fixes=(fix,)
    )
    failure = Failure(type="NameError", message="y", frames=(Frame(function="f", span=Span.at(1), locals={"x": Value(kind="int")}),))
    outcome = Outcome(kind="raised", failure=failure, stdout="行\x00\n")
    repair = Repair(RepairVerdict.REPAIRED, "y = 1\n", "diff", (fix,), findings_after=(), outcome=Outcome(kind="ok"))
    return Result(SNIPPET, Verdict.FAILING, (StageResult(Stage.RUN, "failed"),), (finding,), outcome=outcome, repair=repair, seconds=0.25)


def test_a_result_comes_back_exactly():
    result = a_result(name="y", lines=[1, 2])
    data = pack(result)
    assert data is not None
    assert unpack(data, SNIPPET) == result


@pytest.mark.parametrize(("value", "back"), [((1, 2), [1, 2]), ({1: "a"}, {"1": "a"}), ((Span.at(3),), [[3, 1, 3, 2]])])
def test_what_json_writes_in_its_own_way_is_kept_in_that(value: object, back: object):
    data = pack(a_result(value=value))
    assert data is not None
    found = unpack(data, SNIPPET)
    assert found is not None
    assert found.findings[0].evidence == {"value": back}


@pytest.mark.parametrize("value", [float("nan"), "\ud800", object()])
def test_what_json_cannot_hold_is_not_kept(value: object):
    assert pack(a_result(value=value)) is None


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"verdict": "fine"}', msgspec.json.encode({"snippet": 1})])
def test_what_is_no_result_is_nothing(data: bytes):
    assert unpack(data, SNIPPET) is None


def test_values_outlive_the_process_that_kept_them(tmp_path: Path):
    first = Cache(tmp_path)
    first.put(b"key", b"value")
    first.close()
    again = Cache(tmp_path)
    assert (again.get(b"key"), again.get(b"other")) == (b"value", None)
    assert again.held().entries == 1
    again.clear()
    assert (again.get(b"key"), again.held().entries) == (None, 0)
    again.close()


def test_the_store_stays_bounded_and_forgets_what_was_unused_for_longest(tmp_path: Path):
    cache = Cache(tmp_path, limit_mb=1)
    for number in range(512):
        cache.put(b"%d" % number, os.urandom(8192))
    assert cache.held().size_mb <= 2
    cache.close()
    with sqlite3.connect(tmp_path / "results.sqlite3") as store:
        store.execute("UPDATE held SET used = 1 WHERE key = ?", (b"511",))
    store.close()
    cache = Cache(tmp_path, limit_mb=0)
    cache.close()
    assert cache.held().entries == 0


@pytest.mark.parametrize("rubbish", [b"no database at all" * 100, b"SQLite format 3\x00" + bytes(4096)])
def test_a_torn_file_is_replaced(tmp_path: Path, rubbish: bytes):
    (tmp_path / "results.sqlite3").write_bytes(rubbish)
    cache = Cache(tmp_path)
    cache.put(b"key", b"value")
    assert cache.get(b"key") == b"value"
    cache.close()


def test_a_folder_that_cannot_be_made_means_no_cache(tmp_path: Path):
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "below")
    cache.put(b"key", b"value")
    assert cache.get(b"key") is None
    cache.clear()
    cache.close()


def fill(place: Path, name: str) -> None:
    cache = Cache(place)
    for number in range(200):
        cache.put(f"{name}{number}".encode(), name.encode())
    cache.close()


def test_parallel_runs_share_it(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=fill, args=(tmp_path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    cache = Cache(tmp_path)
    assert cache.held().entries == 400
    cache.close()


def fill_and_die(place: Path) -> None:
    cache = Cache(place)
    cache.put(b"before", b"kept")
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_kill_costs_nothing_that_was_kept(tmp_path: Path):
    writer = multiprocessing.get_context("spawn").Process(target=fill_and_die, args=(tmp_path,))
    writer.start()
    writer.join()
    cache = Cache(tmp_path)
    assert cache.get(b"before") == b"kept"
    cache.close()


def test_it_lies_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SNIPFIX_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert folder() == Path("/somewhere/snipfix")

"""A corpus in, a record per row out: streamed, resumable, bad rows told."""

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from snipfix.config import Options
from snipfix.corpus import run
from snipfix.corpus.rows import read
from snipfix.engines.local import LocalEngine
from snipfix.errors import UsageError
from snipfix.model import Result, Snippet, Stage

ROWS = ["print(1)\n", "print(x\n", "import math\n", None, "print(undefined_name)\n", "a = 1\r\nprint(a)\r\n"]
MARKDOWN = [
    "# A\n\n```python\nprint(1)\n```\n\n```python\nprint(x\n```\n",
    "no code here\n",
    "```python\nnever closed\n",
    "```bash\nls\n```\n",
]


class BrokenOffError(Exception):
    pass


class Engine:
    """The local engine at the static stage; it breaks off after so many results."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self.limit, self.seen = limit, list[str]()

    def results(self, snippets: Iterable[Snippet], *, repair: bool = False) -> Iterator[Result]:
        with LocalEngine(Options(stage=Stage.STATIC, jobs=1, cache=False)) as engine:
            for result in engine.results(snippets, repair=repair):
                if len(self.seen) == self.limit:
                    raise BrokenOffError
                self.seen.append(result.snippet.code)
                yield result


def jsonl(path: Path, values: Iterable[object], column: str = "code") -> Path:
    path.write_text("".join(json.dumps({column: value, "other": 1}) + "\n" for value in values), encoding="utf-8")
    return path


def parquet(path: Path, values: Iterable[object], column: str = "code") -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({column: pyarrow.array(list(values), pyarrow.string())})
    __import__("pyarrow.parquet").parquet.write_table(table, path)
    return path


def records(path: Path) -> list[dict]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = __import__("pyarrow.parquet").parquet.read_table(path).to_pylist()
    return [{**row, "snippets": json.loads(row["snippets"]), "skipped": json.loads(row["skipped"])} for row in rows]


VERDICTS = ["clean", "failing", "clean", "bad row", "failing", "clean"]


@pytest.mark.parametrize("make", [jsonl, parquet])
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_record_for_every_row_in_order(tmp_path: Path, make, suffix: str):
    source, out = make(tmp_path / f"in.{make.__name__}", ROWS), tmp_path / f"out.{suffix}"
    totals = run(source, "code", out, Engine())
    found = records(out)
    assert [one["row"] for one in found] == list(range(len(ROWS)))
    assert [one["verdict"] for one in found] == VERDICTS
    assert (totals.rows, sum(totals.verdicts.values())) == (len(ROWS), len(ROWS))
    assert found[1]["snippets"][0]["findings"][0]["category"] == "syntax"
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_markdown_gives_a_record_with_all_its_snippets(tmp_path: Path):
    out = tmp_path / "out.jsonl"
    run(jsonl(tmp_path / "in.jsonl", MARKDOWN, "text"), "text", out, Engine(), markdown=True)
    found = records(out)
    assert [len(one["snippets"]) for one in found] == [2, 0, 0, 0]
    assert [one["verdict"] for one in found] == ["failing", "no snippet", "bad row", "no snippet"]
    assert found[2]["error"]
    assert found[3]["skipped"]


@pytest.mark.parametrize("line", ["{", "[]", "17", '{"other": 1}', '{"code": 5}', '{"code": "\\ud800"}', '"\xff', ""])
def test_a_bad_row_is_told_and_not_fatal(tmp_path: Path, line: str):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b'{"code": "print(1)"}\n' + line.encode("latin-1") + b'\n{"code": "print(2)"}\n')
    run(source, "code", out, Engine())
    assert [one["verdict"] for one in records(out)] == ["clean", "bad row", "clean"]
    assert records(out)[1]["error"]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("torn", [b"", b'{"row": 3, "sha2', b"\x00\x00\n"])
def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path, torn: bytes, suffix: str):
    values = [f"print({number})\n" for number in range(9)]
    source, out = jsonl(tmp_path / "in.jsonl", values), tmp_path / f"out.{suffix}"
    first, second = Engine(limit=3), Engine()
    with pytest.raises(BrokenOffError):
        run(source, "code", out, first)
    assert not out.exists()
    (partial,) = tmp_path.glob(".out*.partial")
    partial.write_bytes(partial.read_bytes() + torn)
    totals = run(source, "code", out, second)
    assert first.seen + second.seen == values
    assert (totals.resumed, totals.rows) == (3, 9)
    assert [one["row"] for one in records(out)] == list(range(9))


def test_another_run_does_not_go_on_with_it(tmp_path: Path):
    source, out = jsonl(tmp_path / "in.jsonl", ["print(1)\n"] * 5), tmp_path / "out.jsonl"
    with pytest.raises(BrokenOffError):
        run(source, "code", out, Engine(limit=3), name="one")
    assert run(source, "code", out, Engine(), name="two").resumed == 0


def test_a_changed_input_is_refused(tmp_path: Path):
    source, out = jsonl(tmp_path / "in.jsonl", ["print(1)\n"] * 5), tmp_path / "out.jsonl"
    with pytest.raises(BrokenOffError):
        run(source, "code", out, Engine(limit=3))
    jsonl(source, ["print(1)\n", "print(2)\n"] * 3)
    with pytest.raises(UsageError, match="row 1 differs"):
        run(source, "code", out, Engine())


@pytest.mark.parametrize(("name", "column"), [("none.jsonl", "code"), ("in.csv", "code"), ("in.parquet", "other"), ("bad.parquet", "code")])
def test_input_that_cannot_be_used(tmp_path: Path, name: str, column: str):
    parquet(tmp_path / "in.parquet", ROWS)
    (tmp_path / "in.csv").write_text("code\n")
    (tmp_path / "bad.parquet").write_text("no parquet")
    with pytest.raises(UsageError):
        run(tmp_path / name, column, tmp_path / "out.jsonl", Engine())


def test_a_line_without_end_is_one_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("snipfix.corpus.rows.LINE_LIMIT", 64)
    source = tmp_path / "in.jsonl"
    source.write_bytes(b'{"code": "' + b"x" * 500 + b'"}\n{"code": "print(1)"}\n')
    assert [bool(row.error) for row in read(source, "code")] == [True, False]


def test_a_compressed_corpus_is_read_as_it_is(tmp_path: Path):
    plain = jsonl(tmp_path / "in.jsonl", ROWS)
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert list(read(tmp_path / "in.jsonl.gz", "code")) == list(read(plain, "code"))


def test_a_torn_compressed_corpus_keeps_its_rows_and_tells_of_the_rest(tmp_path: Path):
    noise = random.Random(1)
    values = [f"x = {noise.random()}\n" for _ in range(5000)]
    whole = gzip.compress(jsonl(tmp_path / "in.jsonl", values).read_bytes())
    (tmp_path / "in.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    rows = list(read(tmp_path / "in.jsonl.gz", "code"))
    assert len(rows) > 1000
    assert [row.text for row in rows[:-1]] == values[: len(rows) - 1]
    assert "cannot be decompressed" in rows[-1].error


SCRIPT = """\
import sys, time
from pathlib import Path
from snipfix.config import Options
from snipfix.corpus import run
from snipfix.engines.local import LocalEngine
from snipfix.model import Stage
class Slow(LocalEngine):
    def results(self, snippets, *, repair=False):
        for result in super().results(snippets, repair=repair):
            time.sleep(float(sys.argv[3]))
            yield result
with Slow(Options(jobs=2, cache=False, stage=Stage.STATIC)) as engine:
    print(run(Path(sys.argv[1]), "code", Path(sys.argv[2]), engine).resumed)
"""


@pytest.mark.long
def test_kills_at_any_moment_lose_nothing_and_do_nothing_twice(tmp_path: Path):
    """Killed again and again, each time further on, until a run comes to its end: every row is there once, in order."""
    noise, rows, kills = random.Random(8), 300, 4
    source, out = jsonl(tmp_path / "in.jsonl", [f"print({number})\n" for number in range(rows)]), tmp_path / "out.jsonl"

    def done() -> int:
        return sum(len(file.read_bytes().splitlines()) for file in tmp_path.glob(".out*.partial"))

    command, killed_at = [sys.executable, "-c", SCRIPT, str(source), str(out)], list[int]()
    for kill in range(kills):
        running = subprocess.Popen([*command, "0.01"], stdout=subprocess.DEVNULL)
        enough, deadline = (killed_at or [0])[-1] + noise.randint(1, rows // (kills + 1)), time.monotonic() + 120
        while done() < enough and time.monotonic() < deadline:
            time.sleep(0.002 * noise.random())
        running.kill()
        running.wait()
        killed_at.append(done())
        assert not out.exists(), kill
    again = subprocess.run([*command, "0"], capture_output=True, text=True, check=True)
    assert killed_at == sorted(killed_at)
    assert killed_at[-1] - 1 <= int(again.stdout) <= killed_at[-1]  # at most the record that the kill tore
    assert [(one["row"], one["verdict"]) for one in records(out)] == [(number, "clean") for number in range(rows)]


@pytest.mark.torch
def test_a_run_that_is_killed_loses_nothing_and_does_nothing_twice(tmp_path: Path):
    source = jsonl(tmp_path / "in.jsonl", [f"print({number})\n" for number in range(40)])
    out = tmp_path / "out.jsonl"
    script = (
        "import sys, time; from pathlib import Path\n"
        "from snipfix.config import Options; from snipfix.corpus import run; from snipfix.engines.local import LocalEngine\n"
        "class Slow(LocalEngine):\n"
        "    def results(self, snippets, *, repair=False):\n"
        "        for result in super().results(snippets, repair=repair):\n"
        "            time.sleep(float(sys.argv[1])); yield result\n"
        f"with Slow(Options(jobs=1, cache=False)) as engine:\n    print(run(Path({str(source)!r}), 'code', Path({str(out)!r}), engine).resumed)\n"
    )
    first = subprocess.Popen([sys.executable, "-c", script, "0.2"], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not any(len(file.read_bytes().splitlines()) >= 5 for file in tmp_path.glob(".out*.partial")):
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert not out.exists()
    again = subprocess.run([sys.executable, "-c", script, "0"], capture_output=True, text=True, check=True)
    assert 5 <= int(again.stdout) < 40
    assert [(one["row"], one["verdict"]) for one in records(out)] == [(number, "clean") for number in range(40)]

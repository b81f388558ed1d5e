"""Work is taken longest first, and whoever waits for another never stands in its way."""

import threading
from pathlib import Path

import pytest

from snipfix.cache import Cache
from snipfix.config import Options
from snipfix.engines.local import LocalEngine
from snipfix.engines.longest import LongestFirst, Times
from snipfix.model import Snippet, Stage

TRAINING = "import torch\nloss.backward()\n"


def snippet(name: str, code: str) -> Snippet:
    return Snippet(name, "", "page.md", code)


def test_the_longest_goes_first_and_equals_keep_their_order():
    done, threads = list[str](), LongestFirst(1)
    futures = [threads.submit(cost, done.append, name) for name, cost in [("a", 0), ("b", 3), ("c", 0), ("d", 7.5)]]
    assert not done
    threads.start()
    for future in futures:
        future.result(10)
    threads.close()
    assert done == ["d", "b", "a", "c"]


def test_what_fails_fails_alone_and_what_waits_at_the_end_is_forgotten():
    gate, threads = threading.Event(), LongestFirst(1)
    failing = threads.submit(9, lambda: 1 / 0)
    running = threads.submit(5, gate.wait, 10)
    waiting = threads.submit(1, int)
    threads.start()
    with pytest.raises(ZeroDivisionError):
        failing.result(10)
    while not running.running():
        pass
    closing = threading.Thread(target=threads.close)
    closing.start()
    gate.set()
    closing.join(10)
    assert running.result(0)
    assert waiting.cancelled()


def test_more_epochs_and_convolutions_are_thought_to_take_longer(tmp_path: Path):
    times = Times(cache := Cache(tmp_path))
    codes = [TRAINING, TRAINING + "num_epochs = 10\n", TRAINING + "range(100)\n", TRAINING + "range(100)\nnn.Conv2d(3, 32, 3)\n"]
    expected = [times.expected(snippet(str(number), code)) for number, code in enumerate(codes)]
    assert expected == sorted(set(expected))
    assert times.expected(snippet("endless", TRAINING + "range(100000)\n")) == expected[2]
    cache.close()


def test_times_are_remembered_and_guessed_where_nobody_knows(tmp_path: Path):
    cache = Cache(tmp_path)
    times = Times(cache)
    light, training = snippet("a", "print(1)\n"), snippet("b", TRAINING)
    assert times.expected(light) == 0 < times.expected(training)
    times.took(training, 12.34)
    times.took(light, 0.01)
    cache.close()
    again = Cache(tmp_path)
    assert (Times(again).expected(training), Times(again).expected(light)) == (12.3, 0)
    again.close()


@pytest.mark.torch
def test_dependents_that_are_thought_to_be_long_do_not_lock_out_what_they_wait_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SNIPFIX_CACHE_DIR", str(tmp_path))
    first = snippet("first", "value = 1\n")
    others = [Snippet(f"s{number}", "", "page.md", f"print(value + {number})\n", before=(first,)) for number in range(4)]
    with LocalEngine(Options(jobs=2)) as engine:
        assert engine.times is not None
        for other in others:
            engine.times.took(other, 100.0)
        results = list(engine.results([first, *others], repair=True))
    assert [result.snippet.id for result in results] == ["first", "s0", "s1", "s2", "s3"]
    assert all(result.verdict.value == "clean" for result in results)


@pytest.mark.torch
def test_a_snippet_without_torch_that_is_only_run_does_not_wait_for_it():
    """The fork server loads torch with the first job that needs it."""
    with LocalEngine(Options(jobs=1, cache=False, stage=Stage.RUN)) as engine:
        assert engine.target is not None
        (light,) = engine.results([snippet("a", "import sys\nprint('tor' + 'ch' in sys.modules)\n")])
        (heavy,) = engine.results([snippet("b", "import torch\nimport sys\nprint(torch.zeros(1).item())\n")])
        (after,) = engine.results([snippet("a", "import sys\nprint('tor' + 'ch' in sys.modules)\n")])
    assert [one.outcome.stdout for one in (light, heavy, after)] == ["False\n", "0.0\n", "True\n"]

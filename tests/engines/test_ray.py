"""The Ray engine on a real cluster of several nodes on this machine: the local engine's results, also when a node dies under it."""

import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from snipfix.cli.app import run
from snipfix.config import Options
from snipfix.engines.local import LocalEngine
from snipfix.engines.ray import BATCH, RayEngine, batches
from snipfix.errors import SandboxError
from snipfix.model import Snippet, Stage

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'snipfix[ray]'")
cluster_utils = pytest.importorskip("ray.cluster_utils")

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

MIX = ("print({0})\n", "print(unknown_{0})\n", "print({0}\n", "import time\ntime.sleep(0.05)\nprint({0})\n")


def snippets(count: int) -> list[Snippet]:
    return [Snippet(f"s{number}", "", f"d{number}", MIX[number % len(MIX)].format(number)) for number in range(count)]


def summary(results) -> list[tuple]:
    return [(one.snippet.id, one.verdict, one.stages, [finding.message for finding in one.findings]) for one in results]


def joined(made: object, nodes: int = 2) -> None:
    """Wait until the driver, too, sees every node: one that is told of later would neither be counted nor be missed."""
    made.wait_for_nodes()
    deadline = time.monotonic() + 60
    while ray.cluster_resources().get("CPU", 0) < nodes:
        assert time.monotonic() < deadline, ray.nodes()
        time.sleep(0.1)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A head that places nothing and two nodes of one core; all ended afterwards."""
    monkeypatch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    monkeypatch.setenv("SNIPFIX_CACHE_DIR", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 100 << 20})
        for _ in range(2):
            made.add_node(num_cpus=1, object_store_memory=100 << 20)
        ray.init(address=made.address, log_to_driver=False)
        try:
            joined(made)
            yield made
        finally:
            ray.shutdown()
            made.shutdown()


def test_batches_are_bounded_and_keep_together_what_builds_on_each_other():
    plain = snippets(40)
    chain = [Snippet(f"c{number}", "", "chain", "x = 1\n", before=(plain[0],)) for number in range(40)]
    assert [len(batch) for batch in batches(plain, together=True)] == [BATCH, BATCH, 40 - 2 * BATCH]
    assert [len(batch) for batch in batches(chain, together=True)] == [40]
    assert [one for batch in batches(plain + chain, together=False) for one in batch] == plain + chain


def test_a_node_that_dies_costs_no_result(cluster):
    options, given = Options(cache=False), snippets(96)
    with LocalEngine(replace(options, jobs=2)) as local:
        expected = summary(local.results(given))
    with RayEngine(options) as engine:
        found = engine.results(given)
        first = [next(found) for _ in range(8)]
        cluster.remove_node(min(cluster.worker_nodes, key=str), allow_graceful=False)
        results = summary([*first, *found])
        environment = engine.environment()
    assert results == expected
    assert environment["python"]


def test_documents_are_audited_on_a_cluster_as_on_this_machine(cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("page.md").write_text("# A\n\n```python\nx = 1\n```\n\n```python\nprint(x + y)\n```\n\n```bash\nls\n```\n")
    reports = list[object]()
    for engine in ("local", "ray"):
        assert run(["audit", "page.md", "--no-cache", "--engine", engine, "--format", "json", "--output", f"{engine}.json"]) == 1
        reports.append(json.loads(Path(f"{engine}.json").read_text()))
    assert reports[0] == reports[1]
    assert reports[0]["totals"]["verdicts"]["failing"] == 1


def test_an_error_of_the_sandbox_is_told_as_by_the_local_engine(cluster):
    with (
        RayEngine(Options(python="/no/such/python", cache=False)) as engine,
        pytest.raises(SandboxError, match="cannot start the interpreter"),
    ):
        list(engine.results(snippets(1)))


def test_few_are_begun_ahead_of_the_reader(cluster):
    taken = list[str]()

    def source() -> Iterator[Snippet]:
        for snippet in snippets(5000):
            taken.append(snippet.id)
            yield snippet

    with RayEngine(Options(stage=Stage.PARSE, cache=False, jobs=2)) as engine:
        found = engine.results(source())
        next(found)
        time.sleep(1)
        assert len(taken) < 1000

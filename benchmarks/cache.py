"""A second audit of N unchanged snippets: reading the documents, looking up, rendering, each by itself.

python benchmarks/cache.py [N]
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from snipfix import documents
from snipfix.cache import Cache, pack
from snipfix.config import Options
from snipfix.documents.memory import Memory
from snipfix.engines.keys import Keys
from snipfix.engines.local import LocalEngine
from snipfix.engines.target import source_digest
from snipfix.model import RunReport, Snippet
from snipfix.report import render

PER_DOCUMENT = 100
SNIPPET = "values_{0} = [{0}, 2, 3]\ntotal = 0\nfor value in values_{0}:\n    total += value\nprint(total)\n"


def write(folder: Path, count: int) -> None:
    """Documents with `count` different snippets."""
    for start in range(0, count, PER_DOCUMENT):
        blocks = (f"## Part {number}\n\n```python\n{SNIPPET.format(number)}```\n" for number in range(start, start + PER_DOCUMENT))
        (folder / f"doc{start:07}.md").write_text("# Document\n\n" + "\n".join(blocks))


def fill(snippets: list[Snippet], options: Options) -> None:
    """The cache as a first audit leaves it, from one true result: running them all is not what is measured."""
    with LocalEngine(options) as engine:
        (result,) = engine.results(snippets[:1])
        keys = Keys(options, engine.environment(), None, repair=False)
    cache, data = Cache(), pack(result)
    assert data is not None
    for snippet in snippets:
        cache.put(keys.of(snippet), data)
    cache.close()


def read(folder: Path) -> list[Snippet]:
    """The snippets as `snipfix audit` reads them: documents that were read before are remembered."""
    with contextlib.closing(Cache()) as cache:
        found = documents.collect([folder], memory=Memory(cache, source_digest()))
    return [snippet for document in found for snippet in document.snippets]


def main() -> None:
    count, options = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, Options(jobs=2)
    with tempfile.TemporaryDirectory() as place:
        os.environ["SNIPFIX_CACHE_DIR"] = place
        folder = Path(place, "documents")
        folder.mkdir()
        write(folder, count)
        fill(read(folder), options)
        moments, spent = [time.perf_counter()], [time.process_time()]

        def done() -> None:
            moments.append(time.perf_counter())
            spent.append(time.process_time())

        snippets = read(folder)
        done()
        with LocalEngine(options) as engine:
            results = tuple(engine.results(snippets))
            started = engine.target is not None and engine.target._pool is not None
        done()
        render(RunReport(results), "json")
        done()
    steps = ("read the documents", "audit from the cache", "render JSON")
    print(f"{count} snippets, fork servers started: {started}\n\n| step | seconds | of the processor |\n|---|--:|--:|")
    for at, step in enumerate(steps):
        print(f"| {step} | {moments[at + 1] - moments[at]:.2f} | {spent[at + 1] - spent[at]:.2f} |")
    print(f"| together | {moments[-1] - moments[0]:.2f} | {spent[-1] - spent[0]:.2f} |")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()

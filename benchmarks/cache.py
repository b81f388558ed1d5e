"""A second audit of N unchanged snippets: reading the documents, looking up, rendering, each by itself.

python benchmarks/cache.py [N]
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from snipfix import documents
from snipfix.cache import Cache, pack
from snipfix.config import Options
from snipfix.engines.keys import Keys
from snipfix.engines.local import LocalEngine
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


def main() -> None:
    count, options = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, Options(jobs=2)
    with tempfile.TemporaryDirectory() as place:
        os.environ["SNIPFIX_CACHE_DIR"] = place
        folder = Path(place, "documents")
        folder.mkdir()
        write(folder, count)
        fill([snippet for document in documents.collect([folder]) for snippet in document.snippets], options)
        moments = [time.perf_counter()]
        snippets = [snippet for document in documents.collect([folder]) for snippet in document.snippets]
        moments.append(time.perf_counter())
        with LocalEngine(options) as engine:
            results = tuple(engine.results(snippets))
            started = engine.target is not None and engine.target._pool is not None
        moments.append(time.perf_counter())
        render(RunReport(results), "json")
        moments.append(time.perf_counter())
    steps = ("read the documents", "audit from the cache", "render JSON")
    print(f"{count} snippets, fork servers started: {started}\n\n| step | seconds |\n|---|---|")
    for step, begin, end in zip(steps, moments, moments[1:], strict=False):
        print(f"| {step} | {end - begin:.2f} |")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()

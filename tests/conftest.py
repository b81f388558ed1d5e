"""What several rooms' tests share: one engine with its fork server for the whole session."""

from collections.abc import Iterator

import pytest

from snipfix.config import Options
from snipfix.engines.local import LocalEngine

LONG = (
    "e2e/",
    "engines/",
    "documents/test_pages_repaired",
    "unit/test_world",
    "corpus/",
    "rules/test_replayed",
    "hostile/",
    "unit/test_baseline",
    "lsp/",
    "ci/",
)
"""Files of few tests that take long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first, so that no worker is left alone with one when the others have nothing to do any more."""
    items.sort(key=lambda item: next((at for at, name in enumerate(LONG) if f"tests/{name}" in item.path.as_posix()), len(LONG)))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither read nor fill the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNIPFIX_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def engine(_own_cache: None) -> Iterator[LocalEngine]:
    """An entered engine: `engine.auditor.audit(Snippet(...))` runs all stages in the sandbox."""
    with LocalEngine(Options(jobs=1)) as entered:
        yield entered

"""What several rooms' tests share: one engine with its fork server for the whole session."""

from collections.abc import Iterator

import pytest

from snipfix.config import Options
from snipfix.engines.local import LocalEngine


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

"""What several rooms' tests share: one engine with its fork server for the whole session."""

from collections.abc import Iterator

import pytest

from snipfix.config import Options
from snipfix.engines.local import LocalEngine


@pytest.fixture(scope="session")
def engine() -> Iterator[LocalEngine]:
    """An entered engine: `engine.auditor.audit(Snippet(...))` runs all stages in the sandbox."""
    with LocalEngine(Options(jobs=1)) as entered:
        yield entered

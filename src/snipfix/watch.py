"""Documents that change while one watches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from snipfix.documents.collect import is_found
from snipfix.errors import UsageError

if TYPE_CHECKING:
    from watchfiles.main import FileChange

__all__ = ["changes"]


def changes(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The documents at the paths that are written from now on, each time that happens; ends only by KeyboardInterrupt.

    Folders are watched rather than files: editors put a new file in the place of the old one.

    Raises:
        UsageError: without the package watchfiles, or when there is nothing at a path.
    """
    try:
        from watchfiles import watch
    except ImportError as error:
        raise UsageError("--watch needs watchfiles, which is not installed", hint="pip install 'snipfix[watch]'") from error
    for path in paths:
        if not path.exists():
            raise UsageError("no such file", place=str(path))
    folders = {path if path.is_dir() else path.parent for path in paths}
    batches = watch(*folders, watch_filter=None, debounce=400, rust_timeout=300, yield_on_timeout=True, raise_interrupt=True)
    begun = next(batches)  # the watch stands: nothing that is written from here on is missed
    return _written(chain([begun], batches), paths)


def _written(batches: Iterable[set[FileChange]], paths: Sequence[Path]) -> Iterator[list[Path]]:
    for batch in batches:
        names = {Path(name).resolve() for _, name in batch}
        found = [file for file in sorted(names) if file.is_file() and any(is_found(file, path) for path in paths)]
        if found:
            yield found

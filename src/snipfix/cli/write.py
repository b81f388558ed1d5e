"""What `snipfix repair` writes: documents mended in place, a workspace's reports/, recorded patches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from snipfix import patches
from snipfix.born import changes
from snipfix.cli.voice import complain, say
from snipfix.documents import Document
from snipfix.errors import DocumentError, SnipfixError
from snipfix.model import RunReport

if TYPE_CHECKING:
    from snipfix.cli.run import Finished

__all__ = ["check_places", "record_patches", "write_back"]


def check_places(found: Sequence[Document]) -> None:
    """Say before a long search which documents cannot be written.

    Raises:
        SnipfixError: when none can be.
    """
    from snipfix.documents import writeback

    refused = list[SnipfixError]()
    mendable = [document for document in found if document.format != "workspace" and not document.trouble]
    for document in mendable:
        try:
            writeback.check(document)
        except SnipfixError as error:
            refused.append(error)
    if refused and len(refused) == len(found):
        raise refused[0]
    for one in refused:
        complain(one)


def write_back(finished: Finished) -> None:
    """Write every repair to where it belongs.

    Raises:
        DocumentError: when a document changed since it was read, or is read-only; it is left as it is, and the others are written.
    """
    from snipfix.documents import writeback
    from snipfix.report import write_workspace

    refused = list[DocumentError]()
    for document in finished.documents:
        own = tuple(result for result in finished.report.results if result.snippet.document == document.path)
        if document.format == "workspace":
            folder = Path(document.path) / "reports"
            write_workspace(RunReport(own, document.skipped, finished.report.environment, "repair"), folder)
            say(f"{len(own)} snippets reported in {folder}")
            continue
        mended, outputs = changes(own)
        try:
            if (mended or outputs) and writeback.mend(document, mended, outputs):
                count = len(mended | outputs)
                say(f"1 snippet mended in {document.path}" if count == 1 else f"{count} snippets mended in {document.path}")
        except DocumentError as error:
            refused.append(error)
    for other in refused[:-1]:
        complain(other)
    if refused:
        raise refused[-1]


def record_patches(finished: Finished) -> None:
    """A patch in fixes/ for each repair that the search found by itself."""
    for result in finished.report.results:
        if result.repair and result.repair.patch is None and result.snippet.id in changes([result])[0]:
            file = patches.record(Path("fixes"), result.snippet, result.repair.corrected, result.repair.fixes)
            say(f"recorded {file}")

"""What `snipfix repair` writes: documents mended in place, a workspace's reports/, recorded patches."""

from __future__ import annotations

import sys
from pathlib import Path

from snipfix import patches
from snipfix.cli.run import Finished
from snipfix.model import RepairVerdict, Result, RunReport

__all__ = ["record_patches", "write_back"]


def write_back(finished: Finished) -> None:
    """Write every repair to where it belongs.

    Raises:
        DocumentError: when a document changed since it was read; it is left as it is.
    """
    from snipfix.documents import writeback
    from snipfix.report import write_workspace

    for document in finished.documents:
        own = tuple(result for result in finished.report.results if result.snippet.document == document.path)
        if document.format == "workspace":
            folder = Path(document.path) / "reports"
            write_workspace(RunReport(own, document.skipped, finished.report.environment, "repair"), folder)
            print(f"snipfix: {len(own)} snippets reported in {folder}", file=sys.stderr)
            continue
        mended = {result.snippet.id: result.repair.corrected for result in own if result.repair and mends(result)}
        outputs = {
            result.snippet.id: true_output(result) for result in own if mends(result) and result.snippet.documented_output is not None
        }
        if mended:
            writeback.mend(document, mended, outputs)
            print(f"snipfix: {len(mended)} snippets mended in {document.path}", file=sys.stderr)


def mends(result: Result) -> bool:
    """Whether a result's repair is proven and changes the text."""
    return bool(result.repair and result.repair.verdict is RepairVerdict.REPAIRED and result.repair.corrected != result.snippet.code)


def true_output(result: Result) -> str:
    """What the corrected code prints."""
    outcome = result.repair.outcome if result.repair else None
    return outcome.stdout if outcome else ""


def record_patches(finished: Finished) -> None:
    """A patch in fixes/ for each repair that the search found by itself."""
    for result in finished.report.results:
        if mends(result) and result.repair and result.repair.patch is None:
            file = patches.record(Path("fixes"), result.snippet, result.repair.corrected, result.repair.fixes)
            print(f"snipfix: recorded {file}", file=sys.stderr)

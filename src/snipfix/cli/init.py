"""`snipfix init`: a new workspace for a document."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["init"]


def init(
    document: Annotated[Path, typer.Argument(help="The document to put under audit.")],
    into: Annotated[Path | None, typer.Option("--into", help="The workspace's folder. Default: the document's stem, here.")] = None,
) -> int:
    """Make a workspace: snippets/ extracted from the document, and empty fixes/ and reports/."""
    from snipfix import documents
    from snipfix.documents import workspace

    source = documents.read(document)
    folder = into or Path(document.stem)
    workspace.init(source, folder)
    print(f"{folder}: {len(source.snippets)} snippets. Next: cd {folder} && snipfix audit", file=sys.stderr)
    return 0

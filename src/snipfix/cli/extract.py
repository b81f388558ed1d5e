"""`snipfix extract`: the snippets of a document as files, byte for byte."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["extract"]


def extract(
    document: Annotated[Path, typer.Argument(help="The document to extract from.")],
    into: Annotated[Path, typer.Option("--into", help="The folder that gets the files and manifest.json.", file_okay=False)],
    check: Annotated[bool, typer.Option("--check", help="Write nothing: prove that the folder holds what the document says.")] = False,
) -> int:
    """Write a document's snippets and their manifest into a folder, or check them against it."""
    from snipfix import documents
    from snipfix.documents import workspace

    source = documents.read(document)
    if check:
        differences = workspace.check(source, into)
        for difference in differences:
            print(difference)
        print(f"{into}: {len(source.snippets)} snippets, {len(differences)} differences from {document}", file=sys.stderr)
        return 1 if differences else 0
    written = workspace.extract(source, into)
    print(f"{into}: {len(written)} files from {document}", file=sys.stderr)
    return 0

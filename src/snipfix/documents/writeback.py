"""Mended code back into its document: the bytes of changed lines change, no other byte does, and extracting again proves it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from snipfix.documents.changes import Change, changes, retold
from snipfix.documents.document import Document, Part
from snipfix.documents.events import Fence, Style, code_of
from snipfix.documents.sessions import shown_text
from snipfix.documents.source import STDIN, Source
from snipfix.errors import DocumentError, UsageError
from snipfix.files import write_atomic

SESSIONS = frozenset({Style.PROMPT, Style.IPYTHON, Style.HTML_PROMPT, Style.HTML_IPYTHON})

__all__ = ["check", "edits", "mend", "rewrite", "write"]


def mend(document: Document, codes: Mapping[str, str], outputs: Mapping[str, str] | None = None) -> bool:
    """Write mended code into the document's file; returns whether the file changed.

    Raises:
        DocumentError: as `rewrite` and `write`; the file is then as it was.
        UsageError: for standard input and for a workspace, which are not written back.
    """
    if document.source is None or document.path == STDIN:
        raise _no_place(document)
    new = rewrite(document, codes, outputs)
    if new == document.raw:
        return False
    write(Path(document.path), document.raw, new)
    return True


def rewrite(document: Document, codes: Mapping[str, str], outputs: Mapping[str, str] | None = None) -> bytes:
    """The document's bytes with new code for some snippets and new documented outputs for some.

    Raises:
        DocumentError: as `edits`.
    """
    assert document.source is not None
    return document.source.spliced(edits(document, codes, outputs))


def edits(document: Document, codes: Mapping[str, str], outputs: Mapping[str, str] | None = None) -> list[Change]:
    """The replacements (start, end, text) in the document's text that bring new code and new documented outputs there, proven by reading again.

    Both are keyed by snippet id. An output that says what the document already says is left as it stands there.

    Raises:
        DocumentError: for an unknown id, or when the code cannot stand in the document as it is (it would close its own fence).
    """
    assert document.source is not None
    source = document.source
    shown = {one.id: one.documented_output for one in document.snippets}
    found = list[Change]()
    for name, code in codes.items():
        found += changes(source, document.part(name).fence, code)
    told = {name: text for name, text in (outputs or {}).items() if not says_the_same(shown.get(name), text)}
    for name, text in told.items():
        part = document.part(name)
        if part.output is not None:
            found += changes(source, part.output, text)
        elif part.fence.shown:
            found += retold(source, part.fence, text)
    _prove(document, source.spliced(found), codes, told)
    return found


def write(path: Path, old: bytes, new: bytes) -> None:
    """Replace a file that still holds the old bytes by the new ones, whole or not at all. Its mode is kept; links are followed.

    Raises:
        DocumentError: when the file changed since it was read, is read-only, or cannot be written.
    """
    target = path.resolve()
    try:
        if target.read_bytes() != old:
            raise DocumentError("changed since it was read; left as it is", place=str(path), hint="run the command again")
        _check_mode(target, str(path))
        write_atomic(target, new)
    except OSError as error:
        raise DocumentError(f"cannot be written: {error.strerror}", place=str(path)) from error


def check(document: Document) -> None:
    """Raise what `mend` would, as far as it can be known before anything is mended: a search for mends may take minutes.

    Raises:
        DocumentError: for a document that is read-only, or in a folder that is.
        UsageError: for standard input.
    """
    if document.path == STDIN:
        raise _no_place(document)
    target = Path(document.path).resolve()
    try:
        _check_mode(target, document.path)
    except OSError as error:
        raise DocumentError(f"cannot be written: {error.strerror}", place=document.path) from error
    if not os.access(target.parent, os.W_OK):
        raise DocumentError("its folder is read-only; left as it is", place=document.path, hint=f"chmod u+w {target.parent}")


def _no_place(document: Document) -> UsageError:
    return UsageError("cannot be mended in place", place=document.path, hint="name a document")


def _check_mode(target: Path, path: str) -> None:
    if not target.stat().st_mode & 0o222:  # a new file in its place would get round that
        raise DocumentError("is read-only; left as it is", place=path, hint=f"chmod u+w {path}")


def says_the_same(documented: str | None, text: str) -> bool:
    """Whether a true output need not be written: nothing documented, nothing printed, the same but for blanks, or elided by `...`."""
    if documented is None or not text.strip():
        return True
    rest = "".join(text.split())
    parts = "".join(documented.split()).split("...")
    if not rest.startswith(parts[0]):
        return False
    for part in parts[:-1]:
        at = rest.find(part)
        if at < 0:
            return False
        rest = rest[at + len(part) :]
    return rest.endswith(parts[-1]) if len(parts) > 1 else rest == parts[0]


def _prove(document: Document, new: bytes, codes: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    from snipfix.documents.collect import parse

    again: Document | None = None
    try:
        again = parse(Source.decode(document.path, new), document.format)
    except DocumentError as error:
        reason = error.message
    else:
        reason = f"it would have {len(again.snippets)} snippets instead of {len(document.snippets)}"
    changed = [document.part(name).fence for name in (*codes, *outputs)] if document.format == "python" else []
    for number, (before, part) in enumerate(zip(document.snippets, document.parts, strict=True)):
        if again is None or len(again.snippets) != len(document.snippets):
            raise _cannot(document, before.line, reason)
        after = again.snippets[number]
        if any(_encloses(part.fence, fence) for fence in changed):
            continue
        if not _same_code(part.fence, after.code, codes.get(before.id, before.code)):
            raise _cannot(document, before.line, "the new code would not be read back as it is")
        wanted = outputs.get(before.id, _told(part))
        if _told(again.parts[number]).rstrip("\n") != wanted.rstrip("\n"):
            raise _cannot(document, (part.output or part.fence).line, "the new output would not be read back as it is")


def _told(part: Part) -> str:
    """The output that a document shows with a snippet, below it or between its prompts."""
    return code_of(part.output) if part.output else "\n".join(map(shown_text, part.fence.shown))


def _cannot(document: Document, line: int, reason: str) -> DocumentError:
    return DocumentError(f"cannot be written back: {reason}", place=f"{document.path}:{line}", hint="mend this block by hand")


def _encloses(outer: Fence, inner: Fence) -> bool:
    """Whether a block holds another one, as a Python file holds the examples of its docstrings."""
    if outer is inner or not outer.lines or not inner.lines:
        return False
    return outer.lines[0].start <= inner.lines[0].start and inner.lines[-1].end <= outer.lines[-1].end


def _same_code(fence: Fence, found: str, wanted: str) -> bool:
    if fence.pinned or fence.style in SESSIONS:  # outputs and magics between the lines read as blank lines; sessions show none
        return [line for line in found.split("\n") if line.strip()] == [line for line in wanted.split("\n") if line.strip()]
    return found.rstrip("\n") == wanted.rstrip("\n")

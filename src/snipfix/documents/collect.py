"""Paths in, documents out: which files of a folder are documents, and which reader reads each."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from snipfix.documents.document import Document, assemble
from snipfix.documents.events import Event
from snipfix.documents.memory import Memory
from snipfix.documents.source import STDIN, Source, unreadable
from snipfix.errors import ConfigError, DocumentError, SnipfixError, UsageError
from snipfix.model import Skipped

__all__ = ["FORMATS", "collect", "is_found", "parse", "read"]

FORMATS = {
    ".md": "markdown", ".markdown": "markdown", ".mdx": "markdown", ".qmd": "markdown", ".rmd": "markdown", ".mdown": "markdown",
    ".rst": "rst", ".ipynb": "notebook", ".html": "html", ".htm": "html", ".py": "python",
}  # fmt: skip
READERS = {"markdown": "markdown", "rst": "rst", "notebook": "notebook", "html": "html", "python": "docstrings"}
IGNORED = {"venv", "node_modules", "site-packages", "__pycache__", "_build"}
MANIFEST = "manifest.json"


def read(path: Path | str, format: str | None = None, memory: Memory | None = None) -> Document:  # noqa: A002
    """The document at a path ("-": standard input). The format follows from the suffix, else from the content.

    With a `memory`, one that was read before is not parsed again, and has no `parts` then.

    Raises:
        UsageError: no such file.
        DocumentError: binary, broken encoding, an unclosed fence, a format that is not known.
    """
    source = Source.read(path)
    format = format or FORMATS.get(Path(source.path).suffix.lower()) or _sniffed(source)  # noqa: A001
    if memory is None:
        return parse(source, format)
    if (known := memory.recall(source, format)) is not None:
        return known
    document = parse(source, format)
    memory.keep(document)
    return document


def parse(source: Source, format: str) -> Document:  # noqa: A002
    """The Document that a source is in a format."""
    reader: Callable[[Source], Iterable[Event]] = import_module(f"snipfix.documents.{READERS[format]}").read
    return assemble(source, reader(source), format, shared=format == "notebook")


def _sniffed(source: Source) -> str:
    text = source.text.lstrip()
    if text.startswith("{") and '"cells"' in text:
        return "notebook"
    if text[:15].lower().startswith(("<!doctype html", "<html")):
        return "html"
    if "```" in text or "~~~" in text:
        return "markdown"
    if source.path == STDIN:
        return "python"
    raise DocumentError("not a document that snipfix reads", place=source.path, hint=f"it reads {', '.join(sorted(FORMATS))}")


def collect(paths: Sequence[Path | str], *, allow_empty: bool = False, memory: Memory | None = None) -> list[Document]:
    """The documents at the paths: files, folders (searched through, in order of their names), workspaces. `memory` as in `read`.

    Raises:
        UsageError: no such file, or, unless `allow_empty`, nothing anywhere that is Python.
        WorkspaceError: for a workspace that does not fit.
        DocumentError, ConfigError: when there is no document but one that cannot be understood. Among others it is one with `trouble`.
    """
    documents = list(_told_once(document for path in paths or [Path()] for document in _at(Path(path), memory)))
    if documents and all(document.trouble for document in documents):
        raise next(document.trouble for document in documents if document.trouble)
    if not allow_empty and not any(document.snippets for document in documents):
        raise UsageError(f"no Python in {', '.join(str(path) for path in paths) or '.'}", hint=_what_was_there(documents))
    return _told_apart(documents)


def _at(path: Path, memory: Memory | None) -> Iterator[Document]:
    """The documents at one path."""
    from snipfix.documents import workspace

    if str(path) != STDIN:
        _check(path)
    if workspace.is_workspace(path):
        yield workspace.load(path)
    elif path.is_dir():
        yield from _within(path, memory)
    elif workspace.is_member(path):
        yield workspace.load_member(path)
    else:
        yield _read(path, memory)


def _check(path: Path) -> None:
    """Raise UsageError for a file that is not there, or a folder that may not be looked into."""
    try:
        path.stat()
        if path.is_dir():
            next(path.iterdir(), None)
            (path / MANIFEST).exists()  # needs more than the right to list it
    except OSError as error:
        raise unreadable(path, error) from error


def _within(folder: Path, memory: Memory | None) -> Iterator[Document]:
    """The documents in a folder, and what in it cannot be read."""
    closed = list[OSError]()
    for file in _files(folder, closed.append):
        try:
            yield _read(file, memory)
        except UsageError as error:
            yield _troubled(file, error)
    for denied in closed:
        yield _troubled(Path(denied.filename), unreadable(Path(denied.filename), denied))


def _read(path: Path, memory: Memory | None) -> Document:
    """The document at a path, or what is wrong with it. Raises UsageError when the file cannot be read at all."""
    try:
        return read(path, memory=memory)
    except (DocumentError, ConfigError) as error:
        return _troubled(path, error)


def _troubled(path: Path, error: SnipfixError) -> Document:
    line = int(place[1]) if (place := re.search(r":(\d+)$", error.place)) else 1
    skipped = Skipped(str(path), line, "", f"the document cannot be read: {error.message.removeprefix('cannot be read: ')}")
    return Document(str(path), FORMATS.get(path.suffix.lower(), ""), "en", (), (skipped,), trouble=error)


def _told_once(documents: Iterable[Document]) -> Iterator[Document]:
    """A file that two paths lead to, once."""
    seen = set[str]()
    for document in documents:
        place = os.path.realpath(document.path)
        if document.path == STDIN or document.format == "workspace" or place not in seen:
            seen.add(place)
            yield document


def _files(folder: Path, closed: Callable[[OSError], None]) -> Iterator[Path]:
    """The files of a folder that are documents by their names; `closed` is told of folders that cannot be looked into."""
    for parent, folders, files in os.walk(folder, onerror=closed):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in IGNORED and not name.endswith(".egg-info"))
        yield from (Path(parent) / name for name in sorted(files) if Path(name).suffix.lower() in FORMATS and not name.startswith("."))


def is_found(file: Path, path: Path) -> bool:
    """Whether a file is the one at a path, or a document that a search of the folder there finds."""
    path = path.resolve()
    if file == path:
        return True
    if not file.is_relative_to(path) or file.suffix.lower() not in FORMATS:
        return False
    return not any(part.startswith(".") or part in IGNORED or part.endswith(".egg-info") for part in file.relative_to(path).parts)


def _what_was_there(documents: Sequence[Document]) -> str:
    skipped = [one for document in documents for one in document.skipped]
    if not documents:
        return f"there is no document in it; snipfix reads {', '.join(sorted(FORMATS))}"
    places = "; ".join(f"{one.document}:{one.line} {one.reason}" for one in skipped[:5])
    more = f"; and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    if all(document.source and not document.source.text.strip() for document in documents):
        return "it is empty" if len(documents) == 1 else f"all {len(documents)} documents are empty"
    read = "1 document" if len(documents) == 1 else f"{len(documents)} documents"
    return f"{read} read, {len(skipped)} block{'' if len(skipped) == 1 else 's'} not looked at{': ' + places + more if places else ''}"


def _told_apart(documents: list[Document]) -> list[Document]:
    """Documents of the same stem get ids from their whole path."""
    stems = [Path(document.path).stem for document in documents]
    return [
        document if document.format == "workspace" or stems.count(stem) == 1 else _renamed(document, stem)
        for document, stem in zip(documents, stems, strict=True)
    ]


def _renamed(document: Document, stem: str) -> Document:
    name = Path(document.path).as_posix()

    def renamed(old: str) -> str:
        return name + old.removeprefix(stem)

    snippets = tuple(
        replace(one, id=renamed(one.id), before=tuple(replace(other, id=renamed(other.id)) for other in one.before))
        for one in document.snippets
    )
    return replace(document, snippets=snippets)

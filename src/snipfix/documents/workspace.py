"""A workspace: a folder with snippets/ (files, byte for byte what stands in the fences, and their manifest), fixes/ and reports/."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from snipfix.documents.document import Document
from snipfix.documents.events import Style
from snipfix.documents.slugs import names_for
from snipfix.errors import UsageError, WorkspaceError
from snipfix.files import write_atomic
from snipfix.model import Skipped, Snippet

__all__ = ["check", "extract", "init", "is_member", "is_workspace", "load", "load_member"]

MANIFEST = "manifest.json"
FORMAT_VERSION = 1
ATTRIBUTES = "# Extracted snippets are evidence: no tool changes a byte of them.\n/snippets/** -text\n/reports/** -text\n"


def extract(document: Document, into: Path) -> list[Path]:
    """Write each snippet and the manifest into a folder; files that an earlier extraction made and this one does not are removed.

    Returns the snippets' files, in order.

    Raises:
        UsageError: when the document has no snippet, or the folder is a file.
        WorkspaceError: when the folder holds another document's snippets.
    """
    if not document.snippets:
        raise UsageError("no Python in it, nothing to extract", place=document.path)
    if into.exists() and not into.is_dir():
        raise UsageError("not a folder", place=str(into))
    earlier: dict[str, Any] = {"document": _name(document), "snippets": []}
    if (into / MANIFEST).exists():
        earlier = _manifest(into)
    if earlier["document"] != _name(document):
        raise WorkspaceError(f"holds the snippets of {earlier['document']}", place=str(into), hint="extract into a folder of its own")
    files = dict(_files(document))
    for name, data in files.items():
        write_atomic(into / name, data)
    for entry in earlier["snippets"]:
        stale = into / entry["file"]
        if entry["file"] not in files and stale.is_file() and _sha256(stale.read_bytes()) == entry["sha256"]:
            stale.unlink()
    return [into / name for name in files if name != MANIFEST]


def check(document: Document, into: Path) -> list[str]:
    """How a folder differs from what `extract` would write: one line for each difference, none when it is verbatim."""
    files = dict(_files(document))
    differences = []
    for name, data in files.items():
        path = into / name
        if not path.is_file():
            differences.append(f"{path}: missing")
        elif path.read_bytes() != data:
            differences.append(f"{path}: {_first_difference(path.read_bytes(), data)}")
    known = set(files)
    differences += [f"{path}: not from {document.path}" for path in sorted(into.glob("*.py")) if path.name not in known]
    return differences


def init(document: Document, folder: Path) -> list[Path]:
    """Make a workspace for a document. Returns the snippets' files.

    Raises:
        WorkspaceError: when the folder is a workspace already.
        UsageError: when the document has no snippet.
    """
    if is_workspace(folder):
        raise WorkspaceError("a workspace already", place=str(folder), hint="`snipfix extract` refreshes its snippets")
    written = extract(document, folder / "snippets")
    for name in ("fixes", "reports"):
        (folder / name).mkdir(exist_ok=True)
        write_atomic(folder / name / ".gitkeep", b"")
    if not (folder / ".gitattributes").exists():
        write_atomic(folder / ".gitattributes", ATTRIBUTES.encode())
    return written


def is_workspace(path: Path) -> bool:
    """Whether a folder is a workspace, or the snippets/ of one."""
    return (path / "snippets" / MANIFEST).is_file() or (path.name == "snippets" and (path / MANIFEST).is_file())


def is_member(path: Path) -> bool:
    """Whether a file is a snippet of a workspace."""
    return path.suffix == ".py" and path.is_file() and (path.parent / MANIFEST).is_file() and path.parent.name == "snippets"


def load(folder: Path) -> Document:
    """The workspace's snippets as a Document of format `workspace`.

    Raises:
        WorkspaceError: when the manifest cannot be read, or a file is missing or not what the manifest says.
    """
    root = folder if (folder / "snippets" / MANIFEST).is_file() else folder.parent
    into = root / "snippets"
    manifest = _manifest(into)
    language = str(manifest.get("language", "en"))
    snippets: dict[str, Snippet] = {name: Snippet(name, "setup", str(root), code) for name, code in manifest.get("hidden", {}).items()}
    shown = []
    try:
        for entry in manifest["snippets"]:
            path = into / entry["file"]
            snippets[entry["id"]] = Snippet(
                id=entry["id"],
                title=entry["title"],
                document=str(root),
                code=_verified(path, entry["sha256"]),
                info=entry["info"],
                documented_output=entry["documented_output"],
                before=tuple(snippets[name] for name in entry.get("before", ())),
                expect_error=entry.get("expect_error", False),
                language=language,
                path=str(path),
            )
            shown.append(snippets[entry["id"]])
        skipped = tuple(Skipped(manifest["document"], one["line"], one["info"], one["reason"]) for one in manifest.get("skipped", ()))
    except (KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(f"not a manifest of snipfix: {error!r}", place=str(into / MANIFEST), hint=REFRESH) from error
    return Document(str(root), "workspace", language, tuple(shown), skipped)


def load_member(path: Path) -> Document:
    """One file of a workspace, with what the manifest knows of it.

    Raises:
        WorkspaceError: as `load`; and for a file that the manifest does not name.
    """
    document = load(path.parent)
    snippets = tuple(replace(one, path=str(path)) for one in document.snippets if Path(one.path or "").name == path.name)
    if not snippets:
        raise WorkspaceError("not in the manifest", place=str(path), hint=REFRESH)
    return replace(document, snippets=snippets, skipped=())


REFRESH = "extract the document again: snipfix extract DOCUMENT --into snippets"


def _verified(path: Path, sha256: str) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise WorkspaceError("in the manifest, but missing", place=str(path), hint=REFRESH) from error
    if _sha256(data) != sha256:
        raise WorkspaceError(
            "not what was extracted: its sha256 differs from the manifest",
            place=str(path),
            hint=f"restore it (git checkout {path}), or {REFRESH}",
        )
    return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def _manifest(into: Path) -> dict[str, Any]:
    path = into / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise WorkspaceError(f"cannot be read: {error}", place=str(path), hint=REFRESH) from error
    fits = isinstance(manifest, dict) and manifest.get("format_version") == FORMAT_VERSION
    if not fits or not isinstance(manifest.get("snippets"), list) or "document" not in manifest:
        raise WorkspaceError("not a manifest of snipfix", place=str(path), hint=REFRESH)
    if any(Path(str(entry.get("file", ""))).name != entry.get("file") for entry in manifest["snippets"] if isinstance(entry, dict)):
        raise WorkspaceError("names a file outside its folder", place=str(path), hint=REFRESH)
    return manifest


def _files(document: Document) -> Iterator[tuple[str, bytes]]:
    """What extraction writes: the snippets in order, then the manifest."""
    names = names_for(document)
    ids = {one.id: name for one, (name, _) in zip(document.snippets, names, strict=True)}
    entries, hidden = [], dict[str, str]()
    for number, (name, stem) in enumerate(names):
        data = _verbatim(document, number)
        yield f"{stem}.py", data
        entry = _entry(document, number) | {"id": name, "file": f"{stem}.py", "sha256": _sha256(data)}
        before = document.snippets[number].before
        hidden |= {other.id: other.code for other in before if other.id not in ids}
        if before:
            entry["before"] = [ids.get(other.id, other.id) for other in before]
        entries.append({"id": entry.pop("id"), "file": entry.pop("file"), **entry})
    manifest: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "document": _name(document),
        "sha256": document.sha256,
        "language": document.language,
        "snippets": entries,
        "skipped": [{"line": one.line, "info": one.info, "reason": one.reason} for one in document.skipped],
    }
    if hidden:
        manifest["hidden"] = hidden
    yield MANIFEST, (json.dumps(manifest, ensure_ascii=False, indent=2) + "\n").encode()


def _entry(document: Document, number: int) -> dict[str, Any]:
    """What the manifest says of a snippet, but for its names."""
    snippet, part, source = document.snippets[number], document.parts[number], document.source
    assert source is not None
    lines = part.fence.lines
    after = lines[-1].end + len(source.newline(lines[-1].number)) * part.fence.final_newline
    entry: dict[str, Any] = {
        "question": part.question,
        "title": snippet.title,
        "line": snippet.line,
        "end_line": lines[-1].number,
        "start_byte": source.byte(lines[0].start),
        "end_byte": source.byte(min(after, len(source.text))),
        "info": snippet.info,
        "sha256": "",
        "documented_output": None if snippet.session else snippet.documented_output,  # its file is a program, and echoes nothing
    }
    if snippet.expect_error:
        entry["expect_error"] = True
    return entry


def _verbatim(document: Document, number: int) -> bytes:
    """The bytes of a fence's code: its own newlines, without the prefix of a list or a quote."""
    fence, source = document.parts[number].fence, document.source
    assert source is not None
    if fence.style is Style.JSON:
        return document.snippets[number].code.encode()
    newlines = [source.newline(line.number) for line in fence.lines]
    if not fence.final_newline:
        newlines[-1] = ""
    return "".join(line.code + newline for line, newline in zip(fence.lines, newlines, strict=True)).encode()


def _name(document: Document) -> str:
    return Path(document.path).name


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _first_difference(found: bytes, wanted: bytes) -> str:
    for number, (one, other) in enumerate(zip(found.splitlines(), wanted.splitlines(), strict=False), start=1):
        if one != other:
            return f"line {number} differs from the document"
    return "differs from the document in length"

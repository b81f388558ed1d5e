"""What changed against a git revision: the documents, and in them the snippets that are not as they were."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from snipfix import documents
from snipfix.documents import Document, workspace
from snipfix.documents.collect import is_found, parse
from snipfix.documents.source import Source
from snipfix.errors import SnipfixError, UsageError
from snipfix.model import Snippet

__all__ = ["Changes"]

REVISION = "HEAD"
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The tree that holds nothing: what a repository without a commit is compared with."""


class Changes:
    """The differences between the working tree and a revision, untracked files included.

    `revision` empty: the commit where this branch left the default branch; on the default branch, what is not committed yet.
    """

    def __init__(self, revision: str = "") -> None:
        """Asks git.

        Raises:
            UsageError: outside a git repository, without git, or for a revision that does not exist.
        """
        self.root = Path(_git("rev-parse", "--show-toplevel").rstrip("\n"))
        self.revision = _commit(revision) if revision else _fork_point()
        self.files: dict[Path, str] = {path.resolve(): old for path, old in self._files()}
        """Each file that changed and is still there, with its name in the revision; empty for a new one."""

    def documents(self, paths: Sequence[Path]) -> list[Document]:
        """The documents at the paths that changed, each with only the snippets that did.

        Raises:
            SnipfixError: for a changed document that cannot be understood.
        """
        found = list[Document]()
        for path in paths:
            if workspace.is_workspace(path):
                found.append(self._of_workspace(workspace.load(path)))
                continue
            changed = sorted(file for file in self.files if is_found(file, path))
            names = [Path(os.path.relpath(file)) for file in changed]
            found += documents.collect(names, allow_empty=True) if names else []
        return [self._narrowed(document) for document in found]

    def _of_workspace(self, document: Document) -> Document:
        return _with(document, [one for one in document.snippets if one.path and Path(one.path).resolve() in self.files])

    def _narrowed(self, document: Document) -> Document:
        if document.source is None:
            return document
        before = self._before(document)
        return _with(document, [one for one in document.snippets if _content(one) not in before])

    def _before(self, document: Document) -> set[object]:
        """What the snippets of the document were in the revision; nothing where it was not there or could not be read."""
        old = self.files.get(Path(document.path).resolve(), "")
        raw = _bytes("show", f"{self.revision}:{old}") if old else None
        if raw is None:
            return set()
        try:
            return {_content(one) for one in parse(Source.decode(document.path, raw), document.format).snippets}
        except SnipfixError:
            return set()

    def _files(self) -> Iterator[tuple[Path, str]]:
        changed = _git("diff", "--name-status", "-z", "-M", "--no-ext-diff", self.revision, "--", ":/", cwd=self.root)
        fields = iter(changed.split("\0"))
        for status in fields:
            if not status:
                break
            old = new = next(fields)
            if status[0] in "RC":
                new = next(fields)
            if (self.root / new).is_file():
                yield self.root / new, "" if status[0] == "A" else old
        for new in _git("ls-files", "--others", "--exclude-standard", "-z", cwd=self.root).split("\0"):
            if new and (self.root / new).is_file():
                yield self.root / new, ""


def _content(snippet: Snippet) -> object:
    """What makes a snippet another one: its code, what the document says it prints, and the blocks that it builds on."""
    return snippet.code, snippet.documented_output, snippet.expect_error, tuple(earlier.code for earlier in snippet.before)


def _with(document: Document, snippets: Sequence[Snippet]) -> Document:
    kept = {one.id for one in snippets}
    parts = tuple(part for one, part in zip(document.snippets, document.parts, strict=False) if one.id in kept)
    return replace(document, snippets=tuple(snippets), parts=parts)


def _fork_point() -> str:
    """Where this branch left the default one; the last commit where that cannot be told."""
    head = _bytes("rev-parse", "--verify", "--quiet", "HEAD")
    if head is None:
        return EMPTY
    remote = _bytes("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    base = os.environ.get("GITHUB_BASE_REF", "")
    names = [f"origin/{base}" if base else "", remote.decode().strip() if remote else "", "origin/main", "origin/master", "main", "master"]
    for name in filter(None, names):
        point = _bytes("merge-base", "HEAD", name)
        if point:
            return point.decode().strip()
    return REVISION


def _commit(revision: str) -> str:
    found = _bytes("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found is None:
        raise UsageError(f"git knows no revision {revision!r}", hint="fetch it first, or name a branch, a tag or a commit")
    return found.decode().strip()


def _git(*arguments: str, cwd: Path | None = None) -> str:
    """What git prints. Raises UsageError when it fails."""
    try:
        done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise UsageError("--diff needs git, and it cannot be started", hint=str(error)) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        if "not a git repository" in said:
            raise UsageError("--diff needs a git repository, and this folder is in none", hint="run it inside one, or leave --diff out")
        raise UsageError(f"git {arguments[0]} failed", hint=said)
    return done.stdout.decode("utf-8", "surrogateescape")


def _bytes(*arguments: str) -> bytes | None:
    """What git prints; None when it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else None

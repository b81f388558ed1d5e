"""Documents that were read before: their snippets by the digest of their bytes, so that what has not changed is not parsed again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from snipfix.documents.document import Document
from snipfix.documents.source import Source
from snipfix.model import Skipped, Snippet

__all__ = ["Memory", "Store"]


class Store(Protocol):
    """What outlives a run: `cache.Cache`."""

    def get(self, key: bytes) -> bytes | None: ...
    def put(self, key: bytes, value: bytes) -> None: ...


class _Kept(msgspec.Struct, array_like=True):
    """A snippet without those that it builds on: `before` are their places in the list. `shown`: it is one of the document's own."""

    snippet: Snippet
    before: list[int]
    shown: bool


class _Page(msgspec.Struct, array_like=True):
    language: str
    kept: list[_Kept]
    skipped: list[Skipped]


_DECODER = msgspec.json.Decoder(_Page)


@dataclass(frozen=True)
class Memory:
    """`version` names the reader: another snipfix may read the same bytes in another way."""

    store: Store
    version: str

    def recall(self, source: Source, format: str) -> Document | None:  # noqa: A002
        """The document as it was read before, without the `parts` that only writing back needs; None where it is not known."""
        data = self.store.get(self._key(source, format))
        try:
            page = _DECODER.decode(data) if data else None
        except (msgspec.MsgspecError, ValueError):
            page = None
        if page is None:
            return None
        made = list[Snippet]()
        for one in page.kept:
            made.append(replace(one.snippet, before=tuple(made[at] for at in one.before)) if one.before else one.snippet)
        shown = tuple(snippet for snippet, one in zip(made, page.kept, strict=True) if one.shown)
        return Document(source.path, format, page.language, shown, tuple(page.skipped), source)

    def keep(self, document: Document) -> None:
        """Remember a document that was read. One that JSON cannot hold (half a surrogate pair in it) is read again each time."""
        assert document.source is not None
        places, kept = dict[int, int](), list[_Kept]()  # by identity: one that others build on may differ from the document's own
        own = set(map(id, document.snippets))

        def place(snippet: Snippet) -> int:
            if id(snippet) not in places:
                before = [place(earlier) for earlier in snippet.before]
                places[id(snippet)] = len(kept)
                kept.append(_Kept(replace(snippet, before=()), before, id(snippet) in own))
            return places[id(snippet)]

        for snippet in document.snippets:
            place(snippet)
        try:
            data = msgspec.json.encode(_Page(document.language, kept, list(document.skipped)))
        except (msgspec.MsgspecError, ValueError):
            return
        self.store.put(self._key(document.source, document.format), data)

    def _key(self, source: Source, format: str) -> bytes:  # noqa: A002
        said = f"document\0{self.version}\0{format}\0{source.path}\0{source.sha256}"
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()

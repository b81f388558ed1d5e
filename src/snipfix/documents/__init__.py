"""Formats in, formats out: documents as snippets, and mended snippets back into their documents."""

from __future__ import annotations

from snipfix.documents.collect import FORMATS, collect, read
from snipfix.documents.document import Document, Part

__all__ = ["FORMATS", "Document", "Part", "collect", "read"]

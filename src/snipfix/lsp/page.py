"""A document that is open in an editor: its snippets as they stand now, and what is known of each.

What an audit found is kept by what the snippet is, not by where it stands: it holds while the snippet and the blocks it builds on are unchanged,
wherever its lines move, and is forgotten with the first letter that changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from snipfix.audit import Auditor
from snipfix.documents import FORMATS, Document
from snipfix.documents.collect import parse
from snipfix.documents.source import Source
from snipfix.model import Result, Snippet

__all__ = ["Page", "format_of"]

LANGUAGES = {
    "markdown": "markdown",
    "mdx": "markdown",
    "quarto": "markdown",
    "rmd": "markdown",
    "restructuredtext": "rst",
    "html": "html",
    "python": "python",
}

Key = tuple[object, ...]


def format_of(path: str, language: str) -> str | None:
    """The format of an open document, by what the editor calls it, else by its name; None for one that is not read."""
    found = LANGUAGES.get(language) or FORMATS.get(Path(path).suffix.lower())
    return None if found == "notebook" else found  # notebooks reach editors cell by cell


@dataclass
class Page:
    """One open document. `update` gives it a text; `known` holds results by what the snippets are."""

    path: str
    format: str
    version: int = 0
    spoken: str | None = None
    """The language asked for; None: that of the document."""
    document: Document | None = None
    """The document as it was last read; None before, and while it cannot be read."""
    audited: dict[Key, Result] = field(default_factory=dict)
    """Results of full audits."""
    static: dict[Key, Result] = field(default_factory=dict)
    """Results from the text alone."""

    def update(self, text: str, version: int) -> None:
        """Read a new text.

        Raises:
            SnipfixError: when it cannot be understood as it is; the page then has no document.
        """
        self.version, self.document = version, None
        source = Source(self.path, text.encode("utf-8", "surrogatepass"), text)
        self.document = parse(source, self.format)
        keys = {key_of(snippet) for snippet in self.snippets}
        self.audited = {key: result for key, result in self.audited.items() if key in keys}
        self.static = {key: result for key, result in self.static.items() if key in keys}

    @property
    def snippets(self) -> tuple[Snippet, ...]:
        return self.document.snippets if self.document else ()

    @property
    def source(self) -> Source:
        """The text that places are places of."""
        assert self.document is not None
        assert self.document.source is not None
        return self.document.source

    @property
    def language(self) -> str:
        """The language in which findings are told."""
        return self.spoken or (self.document.language if self.document else "en")

    def look(self, auditor: Auditor) -> None:
        """Judge by their text the snippets of which nothing is known."""
        for snippet in self.snippets:
            key = key_of(snippet)
            if key not in self.audited and key not in self.static:
                self.static[key] = auditor.audit(snippet)

    def unaudited(self) -> list[Snippet]:
        """The snippets that no full audit has seen as they stand."""
        return [snippet for snippet in self.snippets if key_of(snippet) not in self.audited]

    def learn(self, result: Result) -> bool:
        """Keep the result of a full audit; returns False when its snippet stands here no more."""
        key = key_of(result.snippet)
        if all(key_of(snippet) != key for snippet in self.snippets):
            return False
        self.audited[key] = result
        return True

    def results(self) -> list[Result]:
        """The best that is known of each snippet, at its present place."""
        found = []
        for snippet in self.snippets:
            key = key_of(snippet)
            result = self.audited.get(key) or self.static.get(key)
            if result is not None:
                found.append(replace(result, snippet=snippet))
        return found


def key_of(snippet: Snippet) -> Key:
    """What makes a snippet the same one for an audit."""
    before = tuple((earlier.code, earlier.expect_error) for earlier in snippet.before)
    return snippet.code, snippet.documented_output, snippet.session, snippet.expect_error, snippet.language, snippet.in_shell, before

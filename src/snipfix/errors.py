"""One tree of errors with a hint: what went wrong, where, and the next step. The CLI prints them; nothing else does."""

from __future__ import annotations


class SnipfixError(Exception):
    """An error the user can act on. `hint` is the one useful next step; exit code 2 unless a subclass says otherwise."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", place: str = "") -> None:
        super().__init__(message)
        self.message, self.hint, self.place = message, hint, place

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class UsageError(SnipfixError):
    """A wrong option, path or value."""


class ConfigError(SnipfixError):
    """[tool.snipfix] or a mark in a document that cannot be understood."""


class DocumentError(SnipfixError):
    """A document that cannot be read, or is not what it claims to be."""


class WorkspaceError(SnipfixError):
    """A workspace whose manifest, snippets or patches do not fit each other."""


class SandboxError(SnipfixError):
    """The sandbox cannot be had as asked: no such interpreter, no torch in it, a layer missing under --require-sandbox."""

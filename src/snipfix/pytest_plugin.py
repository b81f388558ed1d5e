"""pytest runs documents: every snippet is an item at its place in the document.

`pytest --snipfix docs/` collects every document that pytest meets; `snipfix_documents` in the configuration names patterns of files
that are always collected. Nothing of snipfix but this file is imported before a document is found, and torch never in this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr

    from snipfix.engines.local import LocalEngine
    from snipfix.model import Result, Skipped, Snippet

__all__ = ["DocumentFile", "SnippetItem"]

SUFFIXES = frozenset({".md", ".markdown", ".mdown", ".mdx", ".qmd", ".rmd", ".rst", ".ipynb", ".html", ".htm"})
"""Python files are collected only by pattern: they are pytest's own."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("snipfix")
    group.addoption("--snipfix", action="store_true", help="run the snippets of the documents that are collected")
    group.addoption("--snipfix-stage", metavar="STAGE", help="how deep to look: parse, static, run, exercise, probe")
    parser.addini("snipfix_documents", "patterns of documents whose snippets always run", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "snipfix: a snippet of a document")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> DocumentFile | None:
    patterns = parent.config.getini("snipfix_documents")
    named = any(
        file_path.relative_to(parent.config.rootpath).match(pattern)
        for pattern in patterns
        if file_path.is_relative_to(parent.config.rootpath)
    )
    if named or (parent.config.getoption("--snipfix") and file_path.suffix.lower() in SUFFIXES):
        return DocumentFile.from_parent(parent, path=file_path)
    return None


def pytest_unconfigure(config: pytest.Config) -> None:
    engine = config.stash.get(ENGINE, None)
    if engine is not None:
        engine.__exit__()


class DocumentFile(pytest.File):
    """A document; its items are its snippets, and the blocks that a mark skips."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item per snippet, in order.

        Raises:
            CollectError: for a document that cannot be understood.
        """
        from snipfix import documents
        from snipfix.errors import SnipfixError

        try:
            document = documents.read(self.path)
        except SnipfixError as error:
            raise self.CollectError(f"{error}\n{error.hint}".strip()) from None
        for snippet in document.snippets:
            yield SnippetItem.from_parent(self, name=f"line {snippet.line}", snippet=snippet)
        for skipped in document.skipped:
            if skipped.reason.startswith("marked skip"):
                yield SkippedItem.from_parent(self, name=f"line {skipped.line}", skipped=skipped)


class SnippetItem(pytest.Item):
    """A snippet: fails when the audit finds an error in it."""

    def __init__(self, *, snippet: Snippet, **options: Any) -> None:
        super().__init__(**options)
        self.snippet = snippet
        self.add_marker("snipfix")

    def runtest(self) -> None:
        """Audit the snippet.

        Raises:
            Failed: with the Result, when there are findings at error level.
        """
        (result,) = _engine(self.config).results([self.snippet])
        if result.verdict == "not runnable":
            pytest.skip(result.reason)
        if result.outcome and result.outcome.stdout:
            self.add_report_section("call", "stdout", result.outcome.stdout)
        if any(finding.is_error for finding in result.findings):
            raise Failed(result)

    def repr_failure(self, excinfo: ExceptionInfo[BaseException], style: Any = None) -> str | TerminalRepr:
        """The findings, each at its place in the document."""
        if not isinstance(excinfo.value, Failed):
            return super().repr_failure(excinfo, style)
        return _told(excinfo.value.result)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The snippet's place (pytest counts lines from 0)."""
        title = f" {self.snippet.title}" if self.snippet.title else ""
        return self.path, self.snippet.line - 1, f"{self.name}{title}"


class SkippedItem(pytest.Item):
    """A block that the document's author marked."""

    def __init__(self, *, skipped: Skipped, **options: Any) -> None:
        super().__init__(**options)
        self.skipped = skipped

    def runtest(self) -> None:
        """Skip, with the author's reason."""
        pytest.skip(self.skipped.reason)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The block's place."""
        return self.path, self.skipped.line - 1, self.name


class Failed(Exception):  # noqa: N818
    """A snippet has findings at error level."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.snippet.id)
        self.result = result


ENGINE = pytest.StashKey["LocalEngine | None"]()


def _engine(config: pytest.Config) -> LocalEngine:
    """The engine of this process (of each worker under xdist), started when the first snippet runs."""
    engine = config.stash.get(ENGINE, None)
    if engine is None:
        from dataclasses import replace

        from snipfix.config import load
        from snipfix.engines.local import LocalEngine
        from snipfix.model import Stage

        options = replace(load(config.rootpath), jobs=1)
        if stage := config.getoption("--snipfix-stage"):
            if stage not in set(Stage):
                raise pytest.UsageError(f"--snipfix-stage {stage}: one of {', '.join(Stage)}")
            options = replace(options, stage=Stage(stage))
        engine = config.stash[ENGINE] = LocalEngine(options).__enter__()
    return engine


def _told(result: Result) -> str:
    """What is wrong, with the lines it is wrong on, in the document's language."""
    from snipfix.report.language import told

    lines, snippet = list[str](), result.snippet
    code = snippet.code.split("\n")
    for finding in told(result, snippet.language).findings:
        at = snippet.locate(finding.span)
        lines.append(f"{snippet.document}:{at.line}:{at.column}: {finding.severity.value}: {finding.message} [{finding.name}]")
        if finding.is_error and 0 < finding.span.line <= len(code):
            lines += [f"    {code[finding.span.line - 1]}", f"    {' ' * (finding.span.column - 1)}^"]
    return "\n".join(lines)

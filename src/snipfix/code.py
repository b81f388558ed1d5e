"""A snippet's text with everything read from it once: offsets, tree, comments. Shared by rules, codemods and repair."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from snipfix.evidence import Span

if TYPE_CHECKING:
    import libcst as cst


class Code:
    """One text and its views, each computed at most once. Immutable by convention: an edited text is a new Code."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their newline. Only "\\n" separates lines, as for the parser of a normalised text."""
        return self.text.split("\n")

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line) + 1)
        return starts

    @cached_property
    def syntax_error(self) -> SyntaxError | None:
        """The error CPython's parser gives for the text, or None. ValueError (NUL) and RecursionError count as syntax errors."""
        return self._parsed[1]

    @cached_property
    def tree(self) -> ast.Module:
        """The ast of the text; an empty module when it does not parse (ask `syntax_error` first)."""
        return self._parsed[0]

    @cached_property
    def _parsed(self) -> tuple[ast.Module, SyntaxError | None]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(self.text), None
        except SyntaxError as error:
            return ast.Module([], []), error
        except (ValueError, RecursionError, MemoryError) as error:
            return ast.Module([], []), SyntaxError(str(error) or "too deeply nested", ("", 1, 1, "", 1, 2))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree, parents before children, in source order of the walk."""
        return self._walked[0]

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Each node's parent."""
        return self._walked[1]

    @cached_property
    def by_type(self) -> defaultdict[type[ast.AST], list[ast.AST]]:
        """The nodes of each exact type, in the order of `nodes`."""
        found: defaultdict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        for node in self.nodes:
            found[type(node)].append(node)
        return found

    @cached_property
    def _walked(self) -> tuple[list[ast.AST], dict[ast.AST, ast.AST]]:
        """One walk, level by level, for nodes and parents alike."""
        nodes: list[ast.AST] = [self.tree]
        parents: dict[ast.AST, ast.AST] = {}
        for node in nodes:  # grows while it is walked
            for name in node._fields:
                value = getattr(node, name, None)
                if value.__class__ is list:
                    for child in value:
                        if isinstance(child, ast.AST):
                            nodes.append(child)
                            parents[child] = node
                elif isinstance(value, ast.AST):
                    nodes.append(value)
                    parents[value] = node
        return nodes, parents

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The node's parents, innermost first."""
        while (up := self.parents.get(node)) is not None:
            yield up
            node = up

    @cached_property
    def cst(self) -> cst.Module:
        """The LibCST tree. Raises libcst.ParserSyntaxError when the text does not parse."""
        import libcst as cst

        return cst.parse_module(self.text)

    @cached_property
    def comments(self) -> dict[int, str]:
        """The comment on each line that has one, without `#` and surrounding blanks."""
        found: dict[int, str] = {}
        try:
            for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
                if token.type == tokenize.COMMENT:
                    found[token.start[0]] = token.string.lstrip("#").strip()
        except (tokenize.TokenError, SyntaxError):
            pass
        return found

    def offset(self, line: int, column: int) -> int:
        """The offset of a 1-based place, clamped into the text."""
        if line < 1:
            return 0
        if line > len(self.lines):
            return len(self.text)
        return self._starts[line - 1] + min(max(column - 1, 0), len(self.lines[line - 1]))

    def place(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of an offset."""
        line = bisect_right(self._starts, min(max(offset, 0), len(self.text)))
        return line, offset - self._starts[line - 1] + 1

    def span(self, node: ast.AST) -> Span:
        """The place of an ast node that has one, in code points (ast counts UTF-8 bytes)."""
        line, end = node.lineno, node.end_lineno  # type: ignore[attr-defined]
        return Span(
            line,
            self._points(line, node.col_offset) + 1,  # type: ignore[attr-defined]
            end,
            self._points(end, node.end_col_offset) + 1,  # type: ignore[attr-defined]
        )

    def _points(self, line: int, column: int) -> int:
        text = self.lines[line - 1]
        return column if text.isascii() else len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))

    def range(self, span: Span) -> tuple[int, int]:
        """Start and end offset of a span."""
        return self.offset(span.line, span.column), self.offset(span.end_line, span.end_column)

    def slice(self, where: Span | ast.AST) -> str:
        """The text at a span or node."""
        start, end = self.range(where if isinstance(where, Span) else self.span(where))
        return self.text[start:end]

    def node_at(self, span: Span, kind: type[ast.AST] | tuple[type[ast.AST], ...] = ast.AST) -> ast.AST | None:
        """The outermost node of `kind` with exactly this span, else the smallest one of `kind` that covers it."""
        best: ast.AST | None = None
        for node in self.nodes:
            if isinstance(node, kind) and hasattr(node, "lineno"):
                at = self.span(node)
                if at == span:
                    return node
                covers = (at.line, at.column) <= (span.line, span.column) and (
                    (at.end_line, at.end_column) >= (span.end_line, span.end_column)
                )
                if covers:
                    best = node
        return best

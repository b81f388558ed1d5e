"""A snippet's text with everything read from it once: offsets, tree, comments. Shared by rules, codemods and repair."""

from __future__ import annotations

import ast
import io
import re
import threading
import tokenize
import warnings
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, TypeVar, overload

from snipfix.evidence import Span

if TYPE_CHECKING:
    import libcst as cst

Node = TypeVar("Node", bound=ast.AST)
Other = TypeVar("Other", bound=ast.AST)

PLAIN = frozenset(
    [
        "ctx",
        "op",
        "ops",
        "id",
        "attr",
        "arg",
        "kind",
        "type_comment",
        "module",
        "level",
        "conversion",
        "simple",
        "is_async",
        "asname",
        "rest",
    ]
)
"""Fields that never hold a node worth a visit."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

MANY_LINES = re.compile(r"\"{3}|'{3}|\\$", re.MULTILINE)
"""What may let a string go on in another line."""


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        found = self[kind] = tuple(name for name in kind._fields if name not in PLAIN)
        return found


FIELDS = _Fields({ast.Constant: ()})
"""The fields in which a node of a type may hold others; which operator it is, and whether it reads or stores, is no node of its own."""


def written(node: ast.AST) -> str:
    """`ast.unparse`, without its walk where the node is a name, a dotted name or a tuple of these, which is what is mostly asked for."""
    kind = node.__class__
    if kind is ast.Name:
        return node.id  # type: ignore[attr-defined, no-any-return]
    if kind is ast.Attribute and node.value.__class__ in DOTTED:  # type: ignore[attr-defined]
        return f"{written(node.value)}.{node.attr}"  # type: ignore[attr-defined]
    if kind is ast.Tuple and len(node.elts) > 1:  # type: ignore[attr-defined]
        return f"({', '.join([written(one) for one in node.elts])})"  # type: ignore[attr-defined]
    return ast.unparse(node)


DOTTED = (ast.Name, ast.Attribute)


def _place(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


_parsing = threading.Lock()


def parse(text: str) -> ast.Module:
    """`ast.parse` without its warnings, in one thread at a time.

    CPython 3.11 counts the depth of its conversion once for all threads: two that parse together may end in a SystemError (python/cpython#106905).
    The filters of warnings are shared as well.
    """
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


@lru_cache(maxsize=512)
def read(text: str) -> Code:
    """The Code of a text that several others ask for: blocks of a document that those after them build on."""
    return Code(text)


class Code:
    """One text and its views, each computed at most once. Immutable by convention: an edited text is a new Code."""

    def __init__(self, text: str, before: tuple[str, ...] = ()) -> None:
        """`before`: the texts that ran earlier in the same namespace, in order."""
        self.text = text
        self.before = before

    @cached_property
    def earlier(self) -> tuple[Code, ...]:
        """The texts that ran earlier: for names that they bound. Their nodes have no place in this text."""
        return tuple(read(text) for text in self.before)

    def knows(self, word: str) -> bool:
        """Whether a word is in this text or in one before it: the name of a package, mostly."""
        return word in self.text or any(word in text for text in self.before)

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
            return parse(self.text), None
        except SyntaxError as error:
            return ast.Module([], []), error
        except (ValueError, RecursionError, MemoryError) as error:
            return ast.Module([], []), SyntaxError(str(error) or "too deeply nested", ("", 1, 1, "", 1, 2))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree but operators and `Load`, `Store`, `Del`: parents before children, in source order of the walk."""
        return self._walked[0]

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Each node's parent."""
        nodes, above = self._walked
        parents = {node: nodes[at] for node, at in zip(nodes, above, strict=True)}
        del parents[nodes[0]]
        return parents

    @cached_property
    def by_type(self) -> defaultdict[type[ast.AST], list[ast.AST]]:
        """The nodes of each exact type, in the order of `nodes`."""
        found: defaultdict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        for node in self.nodes:
            found[node.__class__].append(node)
        return found

    def all(self, kind: type[Node], inside: ast.AST | None = None) -> list[Node]:
        """The nodes of one exact type, in the order of `nodes`; with `inside`, that node and what it contains."""
        found: list[Node] = self.by_type.get(kind, [])  # type: ignore[assignment]
        return found if inside is None or not found else self._within(found, inside)

    def calls(self, *names: str, inside: ast.AST | None = None) -> list[ast.Call]:
        """The calls whose function has one of these last names, as `softmax` in `F.softmax(x)`; in order of the text."""
        known = self._by_name
        named = [known[name] for name in names if name in known]
        if not named:
            return []
        found = named[0] if len(named) == 1 else sorted(chain(*named), key=_place)
        return found if inside is None or not found else self._within(found, inside)

    def mentions(self, name: str) -> list[ast.Name | ast.Attribute]:
        """The names and attributes that read exactly like this, `self.optimizer` as well as `optimizer`; read or stored."""
        if "." not in name:
            return [node for node in self.all(ast.Name) if node.id == name]
        last = name.rpartition(".")[2]
        return [node for node in self.all(ast.Attribute) if node.attr == last and written(node) == name]

    @cached_property
    def assigned(self) -> dict[str, list[ast.expr]]:
        """What each first target of an assignment is given, in the order of `nodes`, by how the target is written: `self.fc` or `a, b`."""
        found: dict[str, list[ast.expr]] = {}
        for node in self.all(ast.Assign):
            found.setdefault(written(node.targets[0]), []).append(node.value)
        return found

    @cached_property
    def given(self) -> dict[str, list[tuple[ast.Assign, ast.expr, int | None]]]:
        """The assignments to each name or dotted name in order of the text: the statement, what it gives, and which part where it is unpacked."""
        found: dict[str, list[tuple[ast.Assign, ast.expr, int | None]]] = {}
        for node in sorted(self.all(ast.Assign), key=lambda node: node.lineno):
            for target in node.targets:
                for number, part in enumerate(target.elts if isinstance(target, ast.Tuple | ast.List) else [target]):
                    if part.__class__ in DOTTED:
                        found.setdefault(written(part), []).append((node, node.value, None if part is target else number))
        return found

    def _within(self, found: list[Node], inside: ast.AST) -> list[Node]:
        extents = self._extents
        first, last = extents[inside]
        return [node for node in found if first <= extents[node][0] < last]

    @cached_property
    def _by_name(self) -> dict[str, list[ast.Call]]:
        found: dict[str, list[ast.Call]] = {}
        for call in sorted(self.all(ast.Call), key=_place):
            function = call.func
            if isinstance(function, ast.Attribute):
                found.setdefault(function.attr, []).append(call)
            elif isinstance(function, ast.Name):
                found.setdefault(function.id, []).append(call)
        return found

    @cached_property
    def _extents(self) -> dict[ast.AST, tuple[int, int]]:
        """Each node's number, where what a node contains has the numbers right behind its own, and the first number behind these."""
        nodes, above = self._walked
        sizes = [1] * len(nodes)
        for at in range(len(nodes) - 1, 0, -1):
            sizes[above[at]] += sizes[at]
        extents = {nodes[0]: (0, sizes[0])}
        free = [1] * len(nodes)
        for at in range(1, len(nodes)):
            up = above[at]
            first = free[up]
            free[up] = end = first + sizes[at]
            free[at] = first + 1
            extents[nodes[at]] = first, end
        return extents

    @cached_property
    def _walked(self) -> tuple[list[ast.AST], list[int]]:
        """One walk, level by level: the nodes, and for each the place of its parent among them (the first has none)."""
        nodes: list[ast.AST] = [self.tree]
        above = [0]
        for at, node in enumerate(nodes):  # grows while it is walked
            for name in FIELDS[node.__class__]:
                value = getattr(node, name, None)
                if value.__class__ is list:
                    for child in value:
                        if isinstance(child, ast.AST):
                            nodes.append(child)
                            above.append(at)
                elif isinstance(value, ast.AST):
                    nodes.append(value)
                    above.append(at)
        return nodes, above

    def block_of(self, statement: ast.stmt) -> list[ast.stmt]:
        """The list of statements that a statement stands in, itself included; empty for one of another text."""
        bodies = (getattr(self.parents.get(statement), part, None) for part in ("body", "orelse", "finalbody"))
        return next((body for body in bodies if isinstance(body, list) and statement in body), [])

    @overload
    def around(self, node: ast.AST, kind: type[Node], /) -> Node | None: ...
    @overload
    def around(self, node: ast.AST, kind: type[Node], other: type[Other], /) -> Node | Other | None: ...
    @overload
    def around(self, node: ast.AST, /, *kinds: type[ast.AST]) -> ast.AST | None: ...
    def around(self, node: ast.AST, /, *kinds: type[ast.AST]) -> ast.AST | None:
        """The innermost node of one of these exact types that holds a node, which is not meant itself."""
        up = self.parents.get(node)
        while up is not None and up.__class__ not in kinds:
            up = self.parents.get(up)
        return up

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
        if not MANY_LINES.search(self.text):  # no string goes on in another line: a `#` with no quote before it begins a comment
            marked = {number: line.partition("#") for number, line in enumerate(self.lines, start=1) if "#" in line}
            if not any("'" in before or '"' in before for before, _, _ in marked.values()):
                return {number: comment.lstrip("#").strip() for number, (_, _, comment) in marked.items()}
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

# ruff: noqa: B905 (zip's strict is newer than the oldest interpreter that runs this)
"""The columns that a snippet's own text gives its tables, and small tables that have them."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .grammar import pairs, reviews

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABEL = re.compile(r"label|target|class|categor|sentiment|polarity|tag|^y$", re.IGNORECASE)
_SOURCE = re.compile(r"^(src|source|de|ger|german|input|question)$", re.IGNORECASE)
_TARGET = re.compile(r"^(trg|tgt|target|en|eng|english|output|answer)$", re.IGNORECASE)
_NUMBER = re.compile(r"^(id|idx|index)$", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """What a snippet says of its table: the columns in order (None: not used), those that hold numbers, header or array expected."""

    columns: tuple[str | None, ...]
    numeric: frozenset[str] = frozenset()
    header: bool = False
    array: bool = False

    def file(self, kind: str, *, training: bool) -> tuple[str, bytes]:
        """How it was made, and the content of a file of this kind."""
        rows = self._rows(160 if training else 48, 1 if training else 2)
        how = f"{len(rows)} rows made by rule, with the columns {', '.join(filter(None, self.columns))}"
        if kind.startswith("json"):
            dicts = [{name: cell for name, cell in zip(self.columns, row) if name} for row in rows]
            lines = [json.dumps(row, ensure_ascii=False) for row in dicts]
            return how, ("[" + ",\n".join(lines) + "]\n" if self.array else "\n".join(lines) + "\n").encode()
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter="\t" if kind == "tsv" else ",", lineterminator="\n")
        if self.header:
            writer.writerow([name or "" for name in self.columns])
        writer.writerows(rows)
        return how, buffer.getvalue().encode()

    def _rows(self, count: int, seed: int) -> list[list[Any]]:
        names = [name or "" for name in self.columns]
        parallel = any(map(_SOURCE.match, names)) and any(map(_TARGET.match, names))
        material = zip(pairs(count, seed), reviews(count, seed))
        return [
            [self._cell(name, number, pair if parallel else None, review) for name in names]
            for number, (pair, review) in enumerate(material)
        ]

    def _cell(self, name: str, number: int, pair: tuple[str, str] | None, review: tuple[str, str]) -> Any:
        text, mood = review
        if pair and _SOURCE.match(name):
            return pair[0]
        if pair and _TARGET.match(name):
            return pair[1]
        if _NUMBER.match(name):
            return number
        if name in self.numeric:
            return int(mood == "pos")
        return mood if _LABEL.search(name) else text


def read(code: str) -> Table | None:
    """The table that the code speaks of; None when it does not parse or names no columns."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return None
    nodes = list(ast.walk(tree))
    return _from_fields(nodes) or _from_rows(nodes) or _from_positions(nodes)


def _keywords(nodes: list[ast.AST], name: str) -> Iterator[ast.expr]:
    return (keyword.value for node in nodes if isinstance(node, ast.Call) for keyword in node.keywords if keyword.arg == name)


def _assigned(nodes: list[ast.AST]) -> dict[str, ast.expr]:
    return {
        target.id: node.value for node in nodes if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)
    }


def _from_fields(nodes: list[ast.AST]) -> Table | None:
    """torchtext's way: `fields=` a list of (name, Field) in the file's order, or a dict keyed by the file's names."""
    assigned = _assigned(nodes)
    for value in _keywords(nodes, "fields"):
        value = assigned.get(value.id, value) if isinstance(value, ast.Name) else value
        if isinstance(value, ast.Dict):
            entries = list(zip(value.keys, value.values))
        elif isinstance(value, (ast.List, ast.Tuple)):
            entries = [(item.elts[0], item) for item in value.elts if isinstance(item, ast.Tuple) and len(item.elts) == 2]
        else:
            continue
        columns = tuple(key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None for key, _ in entries)
        if any(columns):
            numeric = frozenset(name for name, (_, item) in zip(columns, entries) if name and _is_numeric(item, assigned))
            header = isinstance(value, ast.Dict) or any(
                isinstance(flag, ast.Constant) and flag.value is True for flag in _keywords(nodes, "skip_header")
            )
            return Table(columns, numeric, header)
    return None


def _is_numeric(item: ast.expr, assigned: dict[str, ast.expr]) -> bool:
    """Whether the Field of a (name, Field) pair takes numbers: `use_vocab=False`."""
    field: Any = item.elts[1] if isinstance(item, ast.Tuple) else item
    field = assigned.get(field.id) if isinstance(field, ast.Name) else field
    flags = _keywords([field], "use_vocab") if isinstance(field, ast.Call) else iter(())
    return any(isinstance(flag, ast.Constant) and flag.value is False for flag in flags)


def _from_rows(nodes: list[ast.AST]) -> Table | None:
    """Plain Python's way: rows from json or csv.DictReader, read as `row["text"]` or `row.get("text")`."""
    readers = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    if not readers & {"load", "loads", "DictReader"}:
        return None
    rows = _row_names(nodes)
    found = sorted((node.lineno, node.col_offset, key) for node in nodes if isinstance(node, ast.expr) and (key := _row_key(node, rows)))
    keys = tuple(dict.fromkeys(key for _, _, key in found))
    casts = (node.args[0] for node in nodes if isinstance(node, ast.Call) and _called(node) in ("int", "float") and node.args)
    numeric = frozenset(key for key in (_row_key(cast, rows) for cast in casts) if key)
    if not any(_LABEL.search(key) or _SOURCE.match(key) for key in keys):
        return None
    return Table(keys, numeric, header=True, array="loads" not in readers)


def _from_positions(nodes: list[ast.AST]) -> Table | None:
    """Rows from csv.reader, read as `row[1]`; what a named tuple calls the positions is what they hold."""
    if not any(_called(node) == "reader" for node in nodes):
        return None
    rows = _row_names(nodes)
    names = dict(sorted(_named_positions(nodes, rows)))
    if not names:
        return None
    casts = [node.args[0] for node in nodes if isinstance(node, ast.Call) and _called(node) in ("int", "float") and node.args]
    numeric = {cast.attr for cast in casts if isinstance(cast, ast.Attribute)}
    numeric |= {names[at] for cast in casts if (at := _position(cast, rows)) in names}
    sliced = [node.slice for node in nodes if isinstance(node, ast.Subscript) and _called(node.value) in ("list", "reader")]
    header = bool(sliced) or any(_called(node) == "next" for node in nodes)
    return Table(tuple(names.get(at) for at in range(max(names) + 1)), frozenset(numeric), header)


def _named_positions(nodes: list[ast.AST], rows: set[str]) -> Iterator[tuple[int, str]]:
    fields = {
        target.id: [name.value for name in node.value.args[1].elts if isinstance(name, ast.Constant) and isinstance(name.value, str)]
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _called(node.value) == "namedtuple"
        for target in node.targets
        if isinstance(target, ast.Name) and len(node.value.args) == 2 and isinstance(node.value.args[1], (ast.List, ast.Tuple))
    }
    for node in nodes:
        if isinstance(node, ast.Call) and _called(node) in fields:
            for name, given in zip(fields[_called(node)], node.args):
                read = [at for part in ast.walk(given) if (at := _position(part, rows)) is not None]
                if len(read) == 1:
                    yield read[0], name


def _position(node: ast.AST, rows: set[str]) -> int | None:
    """The position that `row[1]` reads."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name) or node.value.id not in rows:
        return None
    at = node.slice.value if isinstance(node.slice, ast.Constant) else None
    return at if isinstance(at, int) and 0 <= at < 50 else None


def _called(node: ast.AST) -> str:
    """The last name of what a call calls; empty for everything else."""
    func: Any = node.func if isinstance(node, ast.Call) else None
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""


def _row_names(nodes: list[ast.AST]) -> set[str]:
    """Names that can stand for a row: what a loop goes over, what a function is given, what json.loads gives."""
    loops = [node.target for node in nodes if isinstance(node, (ast.For, ast.comprehension))]
    loads = [node.targets[0] for node in nodes if isinstance(node, ast.Assign) and _called(node.value) == "loads"]
    names = {target.id for target in (*loops, *loads) if isinstance(target, ast.Name)}
    return names | {node.arg for node in nodes if isinstance(node, ast.arg)}


def _row_key(node: ast.AST, rows: set[str]) -> str | None:
    """The column that `row["text"]` or `row.get("text")` reads."""
    base: Any = None
    key: Any = None
    if isinstance(node, ast.Subscript):
        base, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        base, key = node.func.value, node.args[0]
    is_row = isinstance(base, ast.Name) and base.id in rows
    return key.value if is_row and isinstance(key, ast.Constant) and isinstance(key.value, str) else None

"""Jupyter notebooks: the cells in order, one namespace; every line of code is a slice of a JSON string, so ids, metadata and layout stay."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from snipfix.documents.events import Event, Fence, Line, Style
from snipfix.documents.info import CELL_TAGS
from snipfix.documents.markdown import read_lines
from snipfix.documents.sessions import is_plain_value
from snipfix.documents.source import Source
from snipfix.errors import DocumentError

__all__ = ["read"]

BLANK = re.compile(r"[ \t\r\n]*")
SCALAR = re.compile(r"true|false|null|-?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Infinity)|NaN")
UNIT = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL)
BETWEEN = re.compile(r'(?<!\\)"\s*,\s*"')
"""What stands between the strings of a list."""
CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Node:
    """A JSON value and its place: dicts and lists hold Nodes."""

    value: Any
    start: int
    end: int

    def get(self, key: str) -> Node | None:
        """A member of an object, or None."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    @property
    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain for key, node in self.value.items()}
        return [node.plain for node in self.value] if isinstance(self.value, list) else self.value


def read(source: Source) -> Iterator[Event]:
    """The cells of a notebook (nbformat 4, and 3, whose cells stand in worksheets).

    Raises:
        DocumentError: when it is not JSON, or not a notebook.
    """
    try:
        root = _scan(source.text, 0)
    except (ValueError, IndexError, RecursionError) as error:
        raise _broken(source, error) from error
    cells = _cells(root)
    if cells is None:
        raise DocumentError("not a notebook of format 3 or 4", place=source.path, hint="upgrade it: jupyter nbconvert --to notebook")
    language = _language(root)
    for number, cell in enumerate(cells, start=1):
        kind, text = cell.get("cell_type"), cell.get("source") or cell.get("input")
        if kind is None or text is None:
            continue
        if not _is_text(text):
            place = f"{source.path}:{source.line_at(text.start)}"
            raise DocumentError(
                f"cell {number} has something else than text for its source", place=place, hint="open it in Jupyter, which says more"
            )
        lines, final_newline = _lines(source, text)
        if kind.value == "code":
            yield _code(source, cell, text, lines, final_newline, language)
            yield from _outputs(source, cell)
        elif kind.value == "markdown":
            yield from _markdown(source, lines)


def _broken(source: Source, error: Exception) -> DocumentError:
    """What is wrong with a text that is no JSON, with its line and the likely cause."""
    message, at = str(error), 0
    try:
        json.loads(source.text)
    except json.JSONDecodeError as told:
        message, at = told.msg.removesuffix(" starting at"), told.pos
    except RecursionError:
        pass
    ended = at >= len(source.text.rstrip()) or message.startswith("Unterminated string")
    hint = (
        "it ends too early, cut off by a save or a download: fetch it again"
        if ended
        else "mend it there, or write the notebook anew with Jupyter"
    )
    if CONFLICT.search(source.text):
        hint = "a merge left its marks in it: resolve the conflict"
    elif source.text.startswith("version https://git-lfs"):
        hint = "it stands for a file of Git LFS: git lfs pull"
    return DocumentError(f"not valid JSON: {message}", place=f"{source.path}:{source.line_at(at)}", hint=hint)


def _is_text(node: Node) -> bool:
    """Whether a field is a text: a string, or a list of strings."""
    parts = node.value if isinstance(node.value, list) else [node]
    return all(isinstance(part.value, str) for part in parts)


def _cells(root: Node) -> list[Node] | None:
    """The cells in order, or None for what is no notebook."""
    sheets = root.get("worksheets")
    holders = sheets.value if sheets and isinstance(sheets.value, list) else [root]
    cells = [holder.get("cells") for holder in holders]
    if not cells or not all(one and isinstance(one.value, list) for one in cells):
        return None
    return [cell for one in cells if one for cell in one.value]


def _language(root: Node) -> str:
    metadata = root.get("metadata")
    for group, key in (("language_info", "name"), ("kernelspec", "language")):
        found = metadata and (inner := metadata.get(group)) and inner.get(key)
        if found and isinstance(found.value, str):
            return found.value.lower()
    return "python"


def _code(source: Source, cell: Node, text: Node, lines: tuple[Line, ...], final_newline: bool, language: str) -> Fence:
    metadata = cell.get("metadata")
    tags = metadata and metadata.get("tags")
    words = tags.plain if tags and isinstance(tags.value, list) else []
    return Fence(
        info=language,
        line=source.line_at(cell.start),
        lines=lines,
        at=text.start + 1,
        prefix=_separator(source, text),
        style=Style.JSON,
        final_newline=final_newline,
        tags=frozenset(CELL_TAGS[word] for word in words if isinstance(word, str) and word in CELL_TAGS),
    )


def _outputs(source: Source, cell: Node) -> Iterator[Event]:
    """What the cell printed when it was saved, or the value it showed, if that is all."""
    outputs = cell.get("outputs")
    shown = outputs.value if outputs and isinstance(outputs.value, list) else []
    if len(shown) == 1 and (text := _value(shown[0])) is not None:
        yield _output(source, text, "value")
        return
    kinds = [(node.get("output_type"), node.get("name") or node.get("stream"), node.get("text")) for node in shown]
    if (
        len(kinds) == 1
        and (kind := kinds[0])
        and kind[0]
        and kind[1]
        and kind[2]
        and _is_text(kind[2])
        and (kind[0].value, kind[1].value) == ("stream", "stdout")
    ):
        yield _output(source, kind[2])


def _value(output: Node) -> Node | None:
    """The text of a value that a cell showed, where IPython writes it as Python does."""
    kind, data = output.get("output_type"), output.get("data")
    text = data.get("text/plain") if data and isinstance(data.value, dict) else None
    if kind is None or text is None or kind.value not in ("execute_result", "pyout") or not _is_text(text):
        return None
    return text if is_plain_value("".join(map(str, text.plain)) if isinstance(text.value, list) else str(text.value)) else None


def _output(source: Source, text: Node, *tags: str) -> Fence:
    lines, final_newline = _lines(source, text)
    at, separator = text.start + 1, _separator(source, text)
    return Fence("", source.line_at(text.start), lines, at, "text", separator, Style.JSON, final_newline, tags=frozenset({"output", *tags}))


def _markdown(source: Source, lines: Sequence[Line]) -> Iterator[Event]:
    try:
        events = list(read_lines(source, lines))
    except DocumentError:  # a fence left open in one cell ends with its cell
        return
    for event in events:
        if isinstance(event, Fence):
            yield Fence(event.info, event.line, event.lines, event.at, refused="in a text cell of the notebook")
        else:
            yield event


def _lines(source: Source, text: Node) -> tuple[tuple[Line, ...], bool]:
    """The lines of a source or text field (a string, or a list of strings), and whether the last one ends with a newline."""
    lines, start, end = list[Line](), -1, -1
    for literal in text.value if isinstance(text.value, list) else [text]:
        at = literal.start + 1
        for unit in UNIT.findall(source.text[literal.start + 1 : literal.end - 1]):
            if start < 0:
                start = end = at
            at += len(unit)
            if unit == "\\n":
                lines.append(_slice(source, start, end))
                start = -1
            else:
                end = at
    final_newline = start < 0
    if start >= 0:
        lines.append(_slice(source, start, end))
    return tuple(lines), final_newline


def _slice(source: Source, start: int, end: int) -> Line:
    """A line of code; where it runs over several strings of the list, what stands between them belongs to it."""
    text, number = source.text[start:end], source.line_at(start)
    if "\\" not in text and '"' not in text:
        return Line(number, start, end, text)
    code, places, at = "", list[int](), start
    for part in BETWEEN.split(text):
        at = source.text.index(part, at)
        for unit in UNIT.finditer(part):
            decoded = json.loads(f'"{unit[0]}"', strict=False)
            code += decoded
            places += [at + unit.start()] * len(decoded)
        at += len(part)
    return Line(number, start, end, code, tuple(places))


def _separator(source: Source, text: Node) -> str:
    """What stands between two lines of a field: an escape within a string, or the end of one string and the start of the next."""
    if not isinstance(text.value, list) or not text.value:
        return "\\n"
    first = text.value[0].start
    line = source.lines[source.line_at(first) - 1]
    indent = source.text[line.start : first]
    return '\\n",' + (source.newline(line.number) + indent if not indent.strip() else " ") + '"'


def _scan(text: str, at: int) -> Node:
    """The JSON value at an offset, with places. Raises ValueError or IndexError."""
    at = _skip(text, at)
    match text[at]:
        case '"':
            value, end = scanstring(text, at + 1, False)
            return Node(value, at, end)
        case "{":
            return _scan_members(text, at, "}")
        case "[":
            return _scan_members(text, at, "]")
    scalar = SCALAR.match(text, at)
    if scalar is None:
        raise ValueError(f"unexpected {text[at : at + 10]!r} at offset {at}")
    return Node(json.loads(scalar[0]), at, scalar.end())


def _scan_members(text: str, start: int, closing: str) -> Node:
    members, items, at = dict[str, Node](), list[Node](), _skip(text, start + 1)
    while text[at] != closing:
        if members or items:
            at = _expect(text, at, ",")
        node = _scan(text, at)
        at = node.end
        if closing == "}":
            value = _scan(text, _expect(text, at, ":"))
            members[node.value] = value
            at = value.end
        else:
            items.append(node)
        at = _skip(text, at)
    return Node(members if closing == "}" else items, start, at + 1)


def _expect(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if text[at] != sign:
        raise ValueError(f"expected {sign!r} at offset {at}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = BLANK.match(text, at)
    return match.end() if match else at

"""Arguments of a call: added, replaced, renamed, removed, with their commas."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from snipfix.code import Code
from snipfix.codemods.texts import CodemodError
from snipfix.model import Edit

__all__ = ["add_argument", "add_keyword", "remove_argument", "rename_keyword", "replace_argument"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One argument with its extent between the commas: parentheses around it and the `name=` included, blanks not."""

    node: ast.expr | ast.keyword
    start: int
    end: int

    @property
    def value(self) -> ast.expr:
        return self.node.value if isinstance(self.node, ast.keyword) else self.node


def replace_argument(code: Code, call: ast.Call, which: int | str, text: str) -> tuple[Edit, ...]:
    """Put `text` for the value of an argument, given by position or keyword.

    Raises:
        CodemodError: when the call has no such argument.
    """
    slot = _slot(code, call, which)
    if isinstance(slot.node, ast.keyword):
        return (Edit(code.range(code.span(slot.node.value))[0], slot.end, text),)
    return (Edit(slot.start, slot.end, text),)


def rename_keyword(code: Code, call: ast.Call, old: str, new: str) -> tuple[Edit, ...]:
    """Rename the keyword of an argument.

    Raises:
        CodemodError: when the call has no such argument.
    """
    slot = _slot(code, call, old)
    return (Edit(slot.start, slot.start + len(old), new),)


def remove_argument(code: Code, call: ast.Call, which: int | str) -> tuple[Edit, ...]:
    """Remove an argument with its comma.

    Raises:
        CodemodError: when the call has no such argument.
    """
    slots = _slots(code, call)
    number = slots.index(_slot(code, call, which))
    if number + 1 < len(slots):
        return (Edit(slots[number].start, slots[number + 1].start, ""),)
    if number:
        return (Edit(slots[number - 1].end, slots[number].end, ""),)
    return (Edit(_open(code, call) + 1, code.range(code.span(call))[1] - 1, ""),)


def add_keyword(code: Code, call: ast.Call, name: str, text: str) -> tuple[Edit, ...]:
    """Give the call a keyword argument: in place of the same keyword, else at the end (before a final `**kwargs`)."""
    if any(keyword.arg == name for keyword in call.keywords):
        return replace_argument(code, call, name, text)
    return _insert(code, call, f"{name}={text}", len(call.args) + sum(keyword.arg is not None for keyword in call.keywords))


def add_argument(code: Code, call: ast.Call, text: str, position: int | None = None) -> tuple[Edit, ...]:
    """Give the call a positional argument at a position; None: after the others."""
    return _insert(code, call, text, len(call.args) if position is None else min(position, len(call.args)))


def _insert(code: Code, call: ast.Call, text: str, position: int) -> tuple[Edit, ...]:
    slots = _slots(code, call)
    if not slots:
        at = _open(code, call) + 1
        return (Edit(at, at, text),)
    if position < len(slots):
        at = slots[position].start
        before = code.text[code.text.rfind("\n", 0, at) + 1 : at]
        # An argument that starts its line keeps doing so.
        return (Edit(at, at, f"{text},\n{before}" if not before.strip() and slots[0].start <= at else f"{text}, "),)
    at = slots[-1].end
    return (Edit(at, at, f", {text}"),)


def _slot(code: Code, call: ast.Call, which: int | str) -> Slot:
    slots = _slots(code, call)
    if isinstance(which, int):
        plain = [slot for slot in slots if not isinstance(slot.node, ast.keyword)]
        if which < len(plain):
            return plain[which]
    else:
        for slot in slots:
            if isinstance(slot.node, ast.keyword) and slot.node.arg == which:
                return slot
    raise CodemodError(f"the call in line {call.lineno} has no argument {which!r}")


def _slots(code: Code, call: ast.Call) -> list[Slot]:
    """The arguments in the order of the text."""
    nodes: list[ast.expr | ast.keyword] = sorted([*call.args, *call.keywords], key=lambda node: (node.lineno, node.col_offset))
    ranges = [code.range(code.span(node)) for node in nodes]
    close = code.range(code.span(call))[1] - 1
    slots, start = list[Slot](), _open(code, call) + 1
    for number, (node, (_, end)) in enumerate(zip(nodes, ranges, strict=True)):
        limit = ranges[number + 1][0] if number + 1 < len(nodes) else close
        comma = _find(code.text, ",", end, limit)
        first = _skip_blanks(code.text, start)
        slots.append(Slot(node, first, _rstrip(code.text, end, comma)))
        start = comma + 1
    return slots


def _open(code: Code, call: ast.Call) -> int:
    """The offset of the call's opening parenthesis."""
    end = code.range(code.span(call.func))[1]
    return _find(code.text, "(", end, len(code.text))


def _find(text: str, wanted: str, start: int, limit: int) -> int:
    """The first place of a character outside comments, in a stretch that has no strings; the limit when there is none."""
    at = start
    while at < limit:
        if text[at] == wanted:
            return at
        if text[at] == "#":
            at = text.find("\n", at) % (len(text) + 1)
        at += 1
    return limit


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and (text[at].isspace() or text[at] == "#" or text[at] == "\\"):
        at = text.find("\n", at) + 1 if text[at] == "#" else at + 1
    return at


def _rstrip(text: str, start: int, end: int) -> int:
    """The end of what stands between start and end, without blanks and comments after it."""
    closing = start
    at = start
    while at < end:
        if text[at] == "#":
            at = text.find("\n", at)
        elif not text[at].isspace():
            closing = at + 1
        at += 1
    return closing

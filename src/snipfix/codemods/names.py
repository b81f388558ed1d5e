"""Names: renamed wherever they mean the same thing."""

from __future__ import annotations

import ast

from snipfix.code import Code
from snipfix.codemods.texts import CodemodError, Place, span_of
from snipfix.model import Edit

__all__ = ["rename", "rename_attribute"]


def rename(code: Code, old: str, new: str, *, inside: ast.AST | None = None) -> tuple[Edit, ...]:
    """Rename a variable in a function or class (`inside`), or in the whole text. Attributes and keywords of the same name stay.

    Raises:
        CodemodError: when nothing has the name.
    """
    nodes = list(ast.walk(inside)) if inside is not None else code.nodes
    edits = [Edit(*code.range(code.span(node)), new) for node in nodes if isinstance(node, ast.Name) and node.id == old]
    for node in nodes:
        if isinstance(node, ast.arg) and node.arg == old:
            start = code.range(code.span(node))[0]
            edits.append(Edit(start, start + len(old), new))
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == old:
            start, end = code.range(code.span(node))
            at = code.text.index(old, code.text.index("class" if isinstance(node, ast.ClassDef) else "def", start) + 3, end)
            edits.append(Edit(at, at + len(old), new))
    if not edits:
        raise CodemodError(f"nothing is named {old}")
    return tuple(sorted(set(edits)))


def rename_attribute(code: Code, place: Place, new: str) -> tuple[Edit, ...]:
    """Put another name behind the last dot of an attribute.

    Raises:
        CodemodError: when no attribute stands at the place.
    """
    span = span_of(code, place)
    node = place if isinstance(place, ast.Attribute) else code.node_at(span, ast.Attribute)
    if not isinstance(node, ast.Attribute):
        raise CodemodError(f"no attribute stands at line {span.line}, column {span.column}")
    end = code.range(code.span(node))[1]
    return (Edit(end - len(node.attr), end, new),)

"""Statements: inserted, replaced, removed, at the indentation of the place."""

from __future__ import annotations

import ast
import textwrap

from snipfix.code import Code
from snipfix.codemods.texts import CodemodError
from snipfix.model import Edit

__all__ = ["insert_statement_after", "insert_statement_before", "remove_statement", "replace_statement", "statement_at"]


def statement_at(code: Code, line: int) -> ast.stmt:
    """The innermost statement that covers a line.

    Raises:
        CodemodError: when there is none.
    """
    covering = [node for node in code.nodes if isinstance(node, ast.stmt) and _first_line(node) <= line <= (node.end_lineno or node.lineno)]
    if not covering:
        raise CodemodError(f"no statement stands in line {line}")
    return min(covering, key=lambda node: ((node.end_lineno or node.lineno) - _first_line(node), -node.col_offset))


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def _indent(code: Code, line: int) -> str:
    text = code.lines[line - 1]
    return text[: len(text) - len(text.lstrip())]


def insert_statement_before(code: Code, line: int, text: str) -> tuple[Edit, ...]:
    """New lines before the statement of a line, at its indentation.

    Raises:
        CodemodError: when no statement stands there.
    """
    first = _first_line(statement_at(code, line))
    at = code.offset(first, 1)
    return (Edit(at, at, _block(text, _indent(code, first))),)


def insert_statement_after(code: Code, line: int, text: str) -> tuple[Edit, ...]:
    """New lines after the whole statement of a line, at its indentation.

    Raises:
        CodemodError: when no statement stands there.
    """
    statement = statement_at(code, line)
    end = statement.end_lineno or statement.lineno
    block = _block(text, _indent(code, _first_line(statement)))
    if end == len(code.lines):
        return (Edit(len(code.text), len(code.text), "\n" + block.rstrip("\n")),)
    at = code.offset(end + 1, 1)
    return (Edit(at, at, block),)


def replace_statement(code: Code, line: int, text: str) -> tuple[Edit, ...]:
    """Put other lines for the statement of a line; a comment after it stays.

    Raises:
        CodemodError: when no statement stands there.
    """
    statement = statement_at(code, line)
    first = _first_line(statement)
    start, end = code.offset(first, 1), code.range(code.span(statement))[1]
    return (Edit(start, end, _block(text, _indent(code, first)).rstrip("\n")),)


def remove_statement(code: Code, line: int) -> tuple[Edit, ...]:
    """Remove the statement of a line with its lines; the only one of a body becomes `pass`.

    Raises:
        CodemodError: when no statement stands there, or it shares its line with others.
    """
    statement = statement_at(code, line)
    siblings = code.block_of(statement) or [statement]
    if any(one is not statement and one.lineno == statement.lineno for one in siblings):
        raise CodemodError(f"the statement of line {line} shares its line with another")
    if len(siblings) == 1 and not isinstance(code.parents.get(statement), ast.Module):
        return replace_statement(code, line, "pass")
    first, end = _first_line(statement), statement.end_lineno or statement.lineno
    return (Edit(code.offset(first, 1), code.offset(end + 1, 1), ""),)


def _block(text: str, indent: str) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), indent, lambda line: bool(line.strip())) + "\n"

"""Imports: placed with the others and in their style."""

from __future__ import annotations

import ast

from snipfix.code import Code
from snipfix.codemods.statements import remove_statement
from snipfix.codemods.texts import CodemodError
from snipfix.model import Edit

__all__ = ["add_import", "remove_import"]


def add_import(code: Code, module: str, name: str | None = None, alias: str | None = None) -> tuple[Edit, ...]:
    """Import a module, or a name from it; no edit when the text, or one before it, already does so at module level.

    A name joins an import from the same module; a new line goes behind the imports of the same package, else behind the last import at the head.
    """
    bound = alias or name or module
    if _is_imported(code, module, name, bound):
        return ()
    suffix = f" as {alias}" if alias and alias != (name or module) else ""
    if name is not None:
        for node in _imports(code):
            if isinstance(node, ast.ImportFrom) and node.module == module and not node.level and node.names[0].name != "*":
                at = code.range(code.span(node.names[-1]))[1]
                return (Edit(at, at, f", {name}{suffix}"),)
    line = f"from {module} import {name}{suffix}" if name is not None else f"import {module}{suffix}"
    return _new_line(code, module, line)


def remove_import(code: Code, module: str) -> tuple[Edit, ...]:
    """Remove the module-level imports of a package and its parts that stand on lines of their own.

    Raises:
        CodemodError: when there is none.
    """
    found = [node for node in code.tree.body if isinstance(node, ast.Import | ast.ImportFrom) and _is_of(node, module)]
    if not found:
        raise CodemodError(f"{module} is not imported")
    return tuple(edit for node in found for edit in remove_statement(code, node.lineno))


def _is_of(node: ast.Import | ast.ImportFrom, module: str) -> bool:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    return all(name == module or name.startswith(f"{module}.") for name in names)


def _imports(code: Code) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in code.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


def _is_imported(code: Code, module: str, name: str | None, bound: str) -> bool:
    for node in (node for text in (code, *code.earlier) for node in _imports(text)):
        for alias in node.names:
            source = (node.module, alias.name) if isinstance(node, ast.ImportFrom) else (alias.name, None)
            if source == (module, name) and (alias.asname or alias.name) == bound:
                return True
    return False


def _new_line(code: Code, module: str, line: str) -> tuple[Edit, ...]:
    head = _head(code)
    if not head:
        return (_first_import(code, line),)
    package = module.split(".", maxsplit=1)[0]
    same = [node for node in head if _package(node) == package]
    after = (same or head)[-1]
    end = after.end_lineno or after.lineno
    if end == len(code.lines):
        return (Edit(len(code.text), len(code.text), f"\n{line}"),)
    at = code.offset(end + 1, 1)
    return (Edit(at, at, f"{line}\n"),)


def _head(code: Code) -> list[ast.Import | ast.ImportFrom]:
    """The imports before the first other statement; a docstring does not count."""
    head: list[ast.Import | ast.ImportFrom] = []
    for node in code.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            head.append(node)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            break
    return head


def _package(node: ast.Import | ast.ImportFrom) -> str:
    return ((node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]


def _first_import(code: Code, line: str) -> Edit:
    """Where no import is yet: behind the docstring, a blank line between them, else behind what must stay first."""
    body = code.tree.body
    if not (body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str)):
        at = code.offset(_settled_lines(code) + 1, 1)
        return Edit(at, at, f"{line}\n\n")
    end = body[0].end_lineno or 1
    parted = end + 1 < len(code.lines) and not code.lines[end].strip()
    at = code.offset(end + 1 + parted, 1)
    return Edit(at, at, f"{line}\n\n" if parted else f"\n{line}\n\n")


def _settled_lines(code: Code) -> int:
    """How many lines must stay first: a shebang and an encoding line, or the options of a Quarto cell."""
    count = 0
    for number, text in enumerate(code.lines):
        if text.startswith("#|") or (number == 0 and text.startswith("#!")) or (number < 2 and text.startswith("#") and "coding" in text):
            count = number + 1
        else:
            break
    return count

"""Where an import goes in a text, and in which style: the edit a person would make."""

from __future__ import annotations

import ast

from snipfix.code import Code
from snipfix.model import Edit

__all__ = ["header", "import_edit", "statement_for"]


def statement_for(code: Code, target: str, name: str) -> str:
    """The import statement that binds `name` to `target`, in the text's style.

    `target` is `package.module` or `package.module:object`.
    """
    module, _, attribute = target.partition(":")
    if attribute:
        return f"from {module} import {attribute}" + (f" as {name}" if attribute != name else "")
    parent, _, leaf = module.rpartition(".")
    if not parent:
        return f"import {module}" + (f" as {name}" if module != name else "")
    if leaf == name and not _aliases(code):
        return f"from {parent} import {leaf}"
    if _writes_from(code):
        return f"from {parent} import {leaf}" + (f" as {name}" if leaf != name else "")
    return f"import {module} as {name}"


def header(code: Code) -> list[ast.Import | ast.ImportFrom]:
    """The imports at the head of the text: before the first other statement but a docstring."""
    found: list[ast.Import | ast.ImportFrom] = []
    for node in code.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append(node)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and not found):
            break
    return found


def import_edit(code: Code, statement: str) -> Edit:
    """The edit that adds an import: into a `from` import of the same module, else after its relatives, else at the head."""
    wanted = ast.parse(statement).body[0]
    assert isinstance(wanted, ast.Import | ast.ImportFrom)
    head = header(code)
    if isinstance(wanted, ast.ImportFrom):
        for node in head:
            same = isinstance(node, ast.ImportFrom) and node.module == wanted.module and node.level == 0
            if same and node.names[0].name != "*" and wanted.module != "__future__":
                end = code.range(code.span(node.names[-1]))[1]
                return Edit(end, end, ", " + statement.partition(" import ")[2])
    if not head:
        return _first(code, statement)
    root = _module(wanted).partition(".")[0]
    relatives = [node for node in head if _module(node).partition(".")[0] == root]
    modules = [node for node in relatives if isinstance(node, type(wanted))] or relatives
    after = (modules or head)[-1]
    at = code.offset(code.span(after).end_line, 1 << 30)
    return Edit(at, at, f"\n{statement}")


def _first(code: Code, statement: str) -> Edit:
    """At the top: below a docstring, or a shebang and encoding line."""
    body = code.tree.body
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
        at = code.offset(code.span(body[0]).end_line, 1 << 30)
        return Edit(at, at, f"\n\n{statement}")
    line = 1
    while line <= len(code.lines) and (code.lines[line - 1].startswith("#!") or "coding:" in code.lines[line - 1]):
        line += 1
    at = code.offset(line, 1)
    return Edit(at, at, f"{statement}\n\n")


def _module(node: ast.Import | ast.ImportFrom) -> str:
    return (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name


def _aliases(code: Code) -> bool:
    """Whether the text writes `import a.b as b`."""
    return any(
        isinstance(node, ast.Import) and any("." in alias.name and alias.asname for alias in node.names) for node in code.tree.body
    ) or not any(isinstance(node, ast.ImportFrom) for node in code.tree.body)


def _writes_from(code: Code) -> bool:
    """Whether the text writes `from torch import nn`: a submodule out of its package."""
    return not _aliases(code) and any(
        isinstance(node, ast.ImportFrom) and (node.module or "") in {"torch", "torch.nn"} for node in code.tree.body
    )

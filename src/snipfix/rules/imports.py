"""Which import statement a person would add to a text."""

from __future__ import annotations

import ast

from snipfix.code import Code, parse
from snipfix.model import Edit

__all__ = ["import_edits", "statement_for"]


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


def import_edits(code: Code, target: str, name: str) -> tuple[str, tuple[Edit, ...]]:
    """The statement that binds `name` to `target` and the edits that add it."""
    from snipfix.codemods.imports import add_import

    statement = statement_for(code, target, name)
    node = parse(statement).body[0]
    assert isinstance(node, ast.Import | ast.ImportFrom)
    alias = node.names[0]
    if isinstance(node, ast.ImportFrom):
        return statement, add_import(code, node.module or "", alias.name, alias.asname)
    return statement, add_import(code, alias.name, None, alias.asname)


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

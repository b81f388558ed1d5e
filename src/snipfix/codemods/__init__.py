"""Building blocks of mendings, without policy. Each takes a `Code` and returns the `Edit`s that change it, leaving every other byte alone.

A place is a `Span` or an ast node of `code.tree`; a class or function is named with dots (`Net.forward`). A codemod raises CodemodError when
what it should change is not there. Codemods of whole classes and functions build the new text with LibCST; the others cut into the text at ast places.
"""

from snipfix.codemods.calls import add_argument, add_keyword, remove_argument, rename_keyword, replace_argument
from snipfix.codemods.classes import add_method, add_parameter, add_statement_to_init, remove_method, replace_class, replace_method
from snipfix.codemods.expressions import replace_expression, unwrap_call, wrap_expression
from snipfix.codemods.imports import add_import, remove_import
from snipfix.codemods.names import rename, rename_attribute
from snipfix.codemods.statements import (
    insert_statement_after,
    insert_statement_before,
    remove_statement,
    replace_statement,
    statement_at,
)
from snipfix.codemods.texts import CodemodError, edits_between, joined, substitute

__all__ = [
    "CodemodError",
    "add_argument",
    "add_import",
    "add_keyword",
    "add_method",
    "add_parameter",
    "add_statement_to_init",
    "edits_between",
    "insert_statement_after",
    "insert_statement_before",
    "joined",
    "remove_argument",
    "remove_import",
    "remove_method",
    "remove_statement",
    "rename",
    "rename_attribute",
    "rename_keyword",
    "replace_argument",
    "replace_class",
    "replace_expression",
    "replace_method",
    "replace_statement",
    "statement_at",
    "substitute",
    "unwrap_call",
    "wrap_expression",
]

"""The table of changed names: its entries, where a text uses them, and the edits that bring a use up to date."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from snipfix.code import Code
from snipfix.codemods import calls
from snipfix.model import Edit
from snipfix.rules.base import Context
from snipfix.rules.deprecated.moves import MOVES
from snipfix.rules.deprecated.rewrites import REWRITES

__all__ = ["Entry", "Use", "edits", "table", "uses"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One changed name. The fields are those that table.toml explains."""

    name: str
    since: str
    state: str
    new: str = ""
    text: str = ""
    module: str = ""
    note: str = ""
    insert: str = ""
    append: str = ""
    shape: str = ""
    unsafe: bool = False
    keywords: dict[str, str] = field(default_factory=dict)
    positional: dict[str, str] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    statements: dict[str, str] = field(default_factory=dict)

    @property
    def instead(self) -> str:
        """What to use today, for the message."""
        if self.new or self.text or self.module:
            return f"use `{self.new or self.text or self.module}`" + (f" ({self.note})" if self.note else "")
        return self.note


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a changed name: an expression, or the alias of an import with its statement."""

    entry: Entry
    node: ast.expr | ast.alias
    statement: ast.Import | ast.ImportFrom | None = None


@cache
def table() -> dict[str, Entry]:
    """Every entry by its qualified name."""
    data: dict[str, dict[str, Any]] = tomllib.loads(resources.files(__package__).joinpath("table.toml").read_text(encoding="utf-8"))
    return {name: Entry(name, **values) for name, values in data.items()}


@cache
def _last_names() -> frozenset[str]:
    return frozenset(name.rpartition(".")[2] for name in table())


def uses(context: Context) -> list[Use]:
    """Every unguarded use of an entry, in the order of the text; looked up once per text."""
    known: list[Use] | None = context.memo.get(__name__)
    if known is None:
        found = [use for use in _uses(context) if not _guarded(context, use.node)]
        known = context.memo[__name__] = sorted(found, key=lambda use: (use.node.lineno, use.node.col_offset))
    return known


def _uses(context: Context) -> Iterator[Use]:
    entries, last = table(), _last_names()
    for node in context.code.all(ast.Attribute):
        if node.attr in last:
            entry = entries.get(context.scopes.qualified(node) or "")
            if entry is not None and not entry.module:
                yield Use(entry, node)
    for statement in dict.fromkeys(one.node for one in context.scopes.imports):
        for alias in statement.names:
            target = f"{statement.module}.{alias.name}" if isinstance(statement, ast.ImportFrom) else alias.name
            parts = target.split(".")
            entry = next((entries[name] for n in range(len(parts), 0, -1) if (name := ".".join(parts[:n])) in entries), None)
            if entry is not None:
                yield Use(entry, alias, statement)


def _guarded(context: Context, node: ast.AST) -> bool:
    """Whether the text expects that the name may be missing: try, hasattr, a test of the version."""
    inner = node
    for up in context.code.ancestors(node):
        if isinstance(up, ast.Try) and up.handlers and (inner in up.body or any(inner in handler.body for handler in up.handlers)):
            return True
        if isinstance(up, ast.ExceptHandler):
            return True
        if isinstance(up, ast.If | ast.IfExp) and any(word in context.code.slice(up.test) for word in ("hasattr", "version")):
            return True
        inner = up
    return False


# Edits -----------------------------------------------------------------------------------------------------------------


def edits(context: Context, use: Use) -> tuple[Edit, ...]:
    """The edits that bring one use up to date; () when the entry knows no replacement."""
    entry, code = use.entry, context.code
    if use.statement is not None:
        return _import_edits(context, use.statement)
    if entry.text:
        return (Edit(*code.range(code.span(use.node)), entry.text),)
    if not entry.new:
        return ()
    assert isinstance(use.node, ast.Attribute)
    if entry.shape in REWRITES:
        return _rewritten(context, use.node, entry)
    if entry.shape in MOVES and not _call_edits(context, use.node, entry):
        return ()
    name, added = _spelling(context, use.node, entry.new)
    return (Edit(*code.range(code.span(use.node)), name), *added, *_call_edits(context, use.node, entry))


def _rewritten(context: Context, callee: ast.expr, entry: Entry) -> tuple[Edit, ...]:
    """The whole call as another expression."""
    call = context.code.parents.get(callee)
    if not isinstance(call, ast.Call) or call.func is not callee:
        return ()
    text = REWRITES[entry.shape](context, call, entry.name.rpartition(".")[2])
    return (Edit(*context.code.range(context.code.span(call)), text),) if text else ()


def _spelling(context: Context, node: ast.Attribute, new: str) -> tuple[str, tuple[Edit, ...]]:
    """The new name as the text would write it, and the import it needs if none is there."""
    root: ast.expr = node
    while isinstance(root, ast.Attribute):
        root = root.value
    first = context.code.slice(root)
    known = {one.name if "." not in one.name else one.name.partition(".")[0]: one.target for one in context.scopes.imports}
    known = {name: target if "." not in name and name != target.partition(".")[0] else name for name, target in known.items()}
    known[first] = context.scopes.qualified(root) or first
    fitting = [(len(target), name == first, name) for name, target in known.items() if new.startswith(f"{target}.")]
    if fitting:
        name = max(fitting)[2]
        return name + new[len(known[name]) :], ()
    from snipfix.codemods.imports import add_import

    package = new.partition(".")[0]
    return new, add_import(context.code, package)


def _call_edits(context: Context, callee: ast.expr, entry: Entry) -> tuple[Edit, ...]:
    """What changes in the arguments, when the name is called."""
    call = context.code.parents.get(callee)
    if not isinstance(call, ast.Call) or call.func is not callee:
        return ()
    code = context.code
    given = {keyword.arg for keyword in call.keywords}
    found: list[Edit] = []
    for old, new in entry.keywords.items():
        if old in given:
            found += calls.rename_keyword(code, call, old, new)
    for position, name in entry.positional.items():
        if len(call.args) > int(position):
            at = code.range(code.span(call.args[int(position)]))[0]
            found.append(Edit(at, at, f"{name}="))
    for name in entry.drop:
        if name in given:
            found += calls.remove_argument(code, call, name)
    if entry.insert:
        found += calls.add_argument(code, call, entry.insert, 0)
    if entry.append and not {"mode", "align_corners"} & given:
        name, _, text = entry.append.partition("=")
        found += calls.add_keyword(code, call, name, text)
    if entry.shape == "some-to-mode":
        found += _some_to_mode(context, call)
    elif entry.shape in MOVES:
        found += MOVES[entry.shape](context, call)
    elif entry.shape == "arguments-to-list" and call.args and not any(isinstance(one, ast.Starred) for one in call.args):
        start, end = code.range(code.span(call.args[0]))[0], code.range(code.span(call.args[-1]))[1]
        found += [Edit(start, start, "["), Edit(end, end, "]")]
    return tuple(found)


def _some_to_mode(context: Context, call: ast.Call) -> tuple[Edit, ...]:
    """torch.qr(A, some=False) is torch.linalg.qr(A, mode="complete"); any expression is kept."""
    keyword = next((one for one in call.keywords if one.arg == "some"), None)
    value = keyword.value if keyword else call.args[1] if len(call.args) > 1 else None
    if value is None:
        return ()
    if isinstance(value, ast.Constant):
        mode = '"reduced"' if value.value else '"complete"'
    else:
        mode = f'"reduced" if {context.code.slice(value)} else "complete"'
    start = context.code.range(context.code.span(keyword or value))[0]
    return (Edit(start, context.code.range(context.code.span(value))[1], f"mode={mode}"),)


def _import_edits(context: Context, statement: ast.Import | ast.ImportFrom) -> tuple[Edit, ...]:
    """The statement rewritten with all its names up to date, and what changes where they are used."""
    code, entries = context.code, table()
    if isinstance(statement, ast.Import):
        return ()
    modules: dict[str, list[str]] = {}
    found: list[Edit] = []
    for alias in statement.names:
        entry = entries.get(f"{statement.module}.{alias.name}")
        package = entries.get(statement.module or "")
        if package is not None and package.statements:
            return _instead(code, statement, package.statements)
        if (
            (entry is not None and entry.shape in REWRITES)
            or (entry is not None and not entry.new)
            or (package is not None and not package.module)
        ):
            return ()
        target = entry.new if entry else f"{package.module if package else statement.module}.{alias.name}"
        module, _, name = target.rpartition(".")
        bound = alias.asname or alias.name
        keep = f" as {bound}" if alias.asname and alias.asname != name else ""
        modules.setdefault(module, []).append(f"{name}{keep}")
        for load in context.scopes.loads if entry else ():
            if load.node.id == bound and any(one.node is alias for one in context.scopes.bindings(load.node)):
                assert entry is not None
                if entry.shape in MOVES and not _call_edits(context, load.node, entry):
                    return ()
                if not alias.asname and name != alias.name:
                    found.append(Edit(*code.range(code.span(load.node)), name))
                found += _call_edits(context, load.node, entry)
    indent = " " * statement.col_offset
    text = f"\n{indent}".join(f"from {module} import {', '.join(names)}" for module, names in modules.items())
    return (Edit(*code.range(code.span(statement)), text), *found)


def _instead(code: Code, statement: ast.ImportFrom, statements: dict[str, str]) -> tuple[Edit, ...]:
    """The import as statements of their own for each name; () when one is not known."""
    if not all(alias.name in statements for alias in statement.names):
        return ()
    texts = [
        statements[alias.name]
        .replace("{as}", f" as {alias.asname}" if alias.asname not in (None, alias.name) else "")
        .replace("{}", alias.asname or alias.name)
        for alias in statement.names
    ]
    return (Edit(*code.range(code.span(statement)), f"\n{' ' * statement.col_offset}".join(texts)),)

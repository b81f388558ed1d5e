"""Which names a block of code needs from outside and which it gives: enough to tell what it builds on."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import warnings
from dataclasses import dataclass
from functools import lru_cache

from snipfix.code import parse

__all__ = ["Names", "names_of"]

ALWAYS = frozenset(dir(builtins)) | {
    "__file__",
    "__name__",
    "__doc__",
    "__builtins__",
    "__annotations__",
    "__path__",
    "_",
    "In",
    "Out",
    "get_ipython",
    "display",
}
IMPORTED = re.compile(r"^\s*(?:from\s+[\w.]+\s+import\s+(.+)|import\s+(.+))$", re.MULTILINE)
BOUND = re.compile(r"^(?:class|def|async def)\s+(\w+)|^(\w+)(?:\s*:[^=\n]+)?\s*=(?!=)|^for\s+(\w+)", re.MULTILINE)
IDENTIFIER = re.compile(r"(?<![\w.])[A-Za-z_]\w*\b(?!\s*=[^=])")
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SILENT = (ast.Constant, ast.expr_context, ast.operator, ast.cmpop, ast.Lambda)
"""Nodes that name nothing; a lambda runs later."""


@dataclass(frozen=True, slots=True)
class Names:
    """`needs` come from outside, `gives` are bound at the top level, `imports` are those of them that import statements bind."""

    needs: frozenset[str]
    gives: frozenset[str]
    imports: frozenset[str]


@lru_cache(maxsize=4096)
def names_of(code: str) -> Names:
    """The names of a block. For one that does not parse, what its lines suggest."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parse(code)
            table = symtable.symtable(code, "<block>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _guessed(code)
    gives = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    imports = _imports(tree) if "import" in code else set[str]()
    free = _free(table)
    needs = free - gives - ALWAYS
    if free & gives or any(isinstance(one, ast.AugAssign) for one in tree.body):  # `x += 1` reads x, and is not said to
        needs |= _too_early(tree, gives)
    if "*" in imports:  # may bind anything
        needs = set()
    return Names(frozenset(needs), frozenset(gives | _globals(table)), frozenset(imports & gives))


def _imports(tree: ast.Module) -> set[str]:
    """The names that import statements bind, anywhere in the block."""
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return {alias.asname or alias.name.partition(".")[0] for node in statements for alias in node.names}


def _free(table: symtable.SymbolTable) -> set[str]:
    """Every name that the block looks up at module level or among the builtins."""
    module = table.get_type() == "module"
    found = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and (module or symbol.is_global())}
    for child in table.get_children():
        found |= _free(child)
    return found


def _globals(table: symtable.SymbolTable) -> set[str]:
    """Names that functions bind at module level by `global`."""
    found = set[str]()
    for child in table.get_children():
        found |= {symbol.get_name() for symbol in child.get_symbols() if symbol.is_declared_global() and symbol.is_assigned()} | _globals(
            child
        )
    return found


def _too_early(tree: ast.Module, gives: set[str]) -> set[str]:
    """Names that a top-level statement reads before any statement of the block binds them: `x = x + 1`, `model.train()` above `model = ...`."""
    bound, early = set[str](), set[str]()
    for statement in tree.body:
        reads, binds = _Immediate(), _Immediate()
        reads.visit(statement.value) if isinstance(statement, ast.Assign | ast.AugAssign) else reads.visit(statement)
        binds.visit(statement)
        own = set[str]() if isinstance(statement, ast.Assign | ast.AugAssign) else binds.stores
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            reads.loads.add(statement.target.id)
        early |= (reads.loads & gives) - bound - own - reads.inner
        bound |= binds.stores
    return early - ALWAYS


class _Immediate:
    """Names read and bound while a statement runs: the bodies of functions run later, comprehensions have names of their own.

    A plain loop, for every block of every document passes here: an ast.NodeVisitor takes four times as long.
    """

    def __init__(self) -> None:
        self.loads, self.stores, self.inner = set[str](), set[str](), set[str]()

    def visit(self, *nodes: ast.AST) -> None:
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Name):
                (self.loads if isinstance(node.ctx, ast.Load) else self.stores).add(node.id)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self.stores |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.stores.add(node.name)
                waiting += node.decorator_list
                waiting += node.bases if isinstance(node, ast.ClassDef) else ()
            elif isinstance(node, _COMPREHENSIONS):
                self._comprehension(node)
            elif not isinstance(node, _SILENT):
                if isinstance(node, ast.ExceptHandler) and node.name:
                    self.stores.add(node.name)
                waiting += _parts(node)

    def _comprehension(self, node: ast.AST) -> None:
        inside = _Immediate()
        inside.visit(*_parts(node))
        self.loads |= inside.loads - inside.stores
        self.inner |= inside.stores


def _parts(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below one."""
    found = list[ast.AST]()
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [one for one in value if isinstance(one, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def _guessed(code: str) -> Names:
    imports = set[str]()
    for match in IMPORTED.finditer(code):
        for item in (match[1] or match[2]).split("#")[0].strip("() ").split(","):
            words = item.split()
            if words:
                imports.add(words[-1].partition(".")[0])
    gives = imports | {name for match in BOUND.finditer(code) for name in match.groups() if name}
    plain = re.sub(r"#.*|\"[^\"\n]*\"|'[^'\n]*'", "", code)
    return Names(frozenset(set(IDENTIFIER.findall(plain)) - gives - ALWAYS), frozenset(gives), frozenset(imports))

"""Names of a text: who binds them, who reads them, and what they mean through imports. One pass over the tree, Python's own scoping rules."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache

from snipfix.code import Code, read
from snipfix.rules.scope_walk import Binding, Import, Load, Scope, Walk

__all__ = ["BUILTINS", "Binding", "Import", "Load", "Scope", "Scopes"]

BUILTINS = frozenset(dir(builtins)) | {
    "__name__", "__file__", "__doc__", "__builtins__", "__spec__", "__package__", "__loader__", "__annotations__", "__path__",
    "WindowsError", "ExceptionGroup", "BaseExceptionGroup", "EncodingWarning", "PythonFinalizationError",
}  # fmt: skip
"""Names that are there without being bound, in any Python from 3.11 on, for a text run as a module."""

NOTEBOOK = frozenset({"display", "get_ipython", "In", "Out", "_", "__"})
"""Names that a notebook provides and a script does not."""

LOOPS = (ast.For, ast.AsyncFor, ast.While)
BRANCHES = (ast.If, ast.Try, ast.IfExp, ast.BoolOp, ast.While, ast.Match, ast.ExceptHandler)


class Scopes:
    """The scopes of one text. `before`: texts that ran earlier in the same namespace, in order."""

    def __init__(self, code: Code, before: Iterable[str] = ()) -> None:
        self.code = code
        self.module = Scope("module", code.tree, None)
        earlier = [_of_text(text) for text in before]
        for one in earlier:
            self._inherit(one)
        walk = Walk(self.module, declares="global" in code.text or "nonlocal" in code.text)
        walk.all(code.tree.body)
        self.imports: list[Import] = walk.imports
        self.loads: list[Load] = walk.loads
        self.scopes: list[Scope] = walk.scopes
        self.stars: list[str] = [star for one in earlier for star in one.stars] + walk.stars
        """Modules of `from m import *`."""
        self.dynamic: bool = walk.dynamic or any(one.dynamic or one.code.syntax_error for one in earlier)
        """A call, or an earlier text that does not parse, may bind names that no parser sees."""
        self._where = walk.where
        self._names: dict[ast.AST, str | None] = {}
        self._roots: dict[tuple[str, Scope], str | None] = {}

    def _inherit(self, earlier: Scopes) -> None:
        for name, bound in earlier.module.bindings.items():
            self.module.bindings[name] = [Binding(one.node, one.kind, -1, one.target) for one in bound]

    def resolve(self, name: str, scope: Scope) -> Scope | None:
        """The scope whose binding a reading of `name` in `scope` sees; None: nowhere (perhaps a builtin)."""
        declared = scope.elsewhere.get(name) if scope.elsewhere else None
        if declared == "global":
            return self.module if name in self.module.bindings else None
        if name in scope.bindings and declared is None:
            return scope
        for seen in scope.outer:
            if name in seen.bindings:
                return seen
        return None

    def scope_of(self, node: ast.AST) -> Scope:
        """The scope that a Name was read or bound in; the module's for other nodes."""
        return self._where.get(node, self.module)

    def bindings(self, node: ast.Name) -> tuple[Binding, ...]:
        """Every binding that this name may refer to, in order of evaluation; () when it is bound nowhere."""
        found = self.resolve(node.id, self.scope_of(node))
        return tuple(found.bindings[node.id]) if found else ()

    def visible(self, scope: Scope) -> set[str]:
        """Names that can be read in a scope, builtins left out."""
        return {name for seen in (scope, *scope.outer) for name in seen.bindings}

    def unresolved(self) -> list[tuple[ast.Name, bool]]:
        """Names read but bound nowhere visible, in order of evaluation.

        False beside a name: it may be bound all the same (star import, exec, a handler for NameError, a notebook's own names).
        """
        certain = not self.stars and not self.dynamic
        seen = {(load.node.id, load.scope) for load in self.loads}
        nowhere = {
            (name, scope)
            for name, scope in seen
            if name not in BUILTINS
            and not (name in {"__class__", "__module__", "__qualname__"} and scope.kind != "module")
            and self.resolve(name, scope) is None
        }
        if not nowhere:
            return []
        return [
            (load.node, certain and not load.guarded and load.node.id not in NOTEBOOK)
            for load in self.loads
            if (load.node.id, load.scope) in nowhere
        ]

    def too_early(self, *, certain: bool = True) -> Iterator[tuple[Load, Binding]]:
        """Names read in a module or function before their first binding in that same scope, with that binding.

        Only what is `certain` unless asked otherwise: a star import or `exec` may have given a module the name before.
        """
        for load in self.loads:
            name, scope = load.node.id, load.scope
            if load.guarded or scope.kind not in {"module", "function"} or name not in scope.bindings or name in scope.elsewhere:
                continue
            if scope is self.module and ((certain and (self.stars or self.dynamic)) or name in BUILTINS):
                continue
            first = scope.bindings[name][0]  # they stand in the order of evaluation
            if load.order > first.order or any(binding.kind == "global" for binding in scope.bindings[name]):
                continue
            if not self._later_round(load.node, first.node):
                yield load, first

    def _later_round(self, load: ast.Name, bound: ast.AST) -> bool:
        """Whether the reading may wait for a later round of a loop that binds the name."""
        above = list(self.code.ancestors(load))
        shared = any(isinstance(node, LOOPS) and node in set(self.code.ancestors(bound)) for node in above)
        return shared and any(isinstance(node, BRANCHES) for node in above)

    def alias(self, module: str) -> str:
        """The name under which the text, or one before it, has imported a module; empty when none has."""
        found = self.module.bindings.items()
        return next((name for name, bound in found if bound[-1].kind == "import" and bound[-1].target == module), "")

    def defined_before(self, name: str, line: int) -> bool:
        """Whether `name` is a builtin or bound at module level on a line before `line`."""
        bound = self.module.bindings.get(name, ())
        return name in BUILTINS or any(one.order < 0 or getattr(one.node, "lineno", line) < line for one in bound)

    def qualified(self, node: ast.AST) -> str | None:
        """`F.softmax` → `torch.nn.functional.softmax`, through imports and plain aliases; None when it is not an import's."""
        known = self._names.get(node, "")
        if known == "":
            known = self._names[node] = self._qualified(node, 0)
        return known

    @cached_property
    def packages(self) -> frozenset[str]:
        """The packages that the text imports from: `torch` for `from torch.nn import functional`."""
        return frozenset(one.target.partition(".")[0] for one in self.imports)

    @cached_property
    def calls(self) -> list[tuple[ast.Call, str]]:
        """Every call with the qualified name of what is called: `.method` for a method of something unknown, nothing for the rest."""
        found = []
        for node in self.code.all(ast.Call):
            method = f".{node.func.attr}" if isinstance(node.func, ast.Attribute) else ""
            found.append((node, self.qualified(node.func) or method))
        return found

    def _qualified(self, node: ast.AST, depth: int) -> str | None:
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or depth > 5:
            return None
        place = node.id, self.scope_of(node)
        if place not in self._roots:
            self._roots[place] = self._root(node, depth)
        root = self._roots[place]
        return ".".join([root, *reversed(names)]) if root else None

    def _root(self, node: ast.Name, depth: int) -> str | None:
        bound = self.bindings(node)
        if not bound:
            star = self.stars[0] if len(self.stars) == 1 and node.id not in BUILTINS else None
            return f"{star}.{node.id}" if star else None
        if all(one.kind == "import" for one in bound):
            return bound[0].target
        if len(bound) == 1 and bound[0].value is not None:
            return self._qualified(bound[0].value, depth + 1)
        return None


@lru_cache(maxsize=512)
def _of_text(text: str) -> Scopes:
    return Scopes(read(text))

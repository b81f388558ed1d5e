"""Names of a text: who binds them, who reads them, and what they mean through imports. One pass over the tree, Python's own scoping rules."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from snipfix.code import Code

__all__ = ["BUILTINS", "Binding", "Import", "Load", "Scope", "Scopes"]

BUILTINS = frozenset(dir(builtins)) | {
    "__name__", "__file__", "__doc__", "__builtins__", "__spec__", "__package__", "__loader__", "__annotations__", "__path__",
    "WindowsError", "ExceptionGroup", "BaseExceptionGroup", "EncodingWarning", "PythonFinalizationError",
}  # fmt: skip
"""Names that are there without being bound, in any Python from 3.11 on, for a text run as a module."""

NOTEBOOK = frozenset({"display", "get_ipython", "In", "Out", "_", "__"})
"""Names that a notebook provides and a script does not."""

DYNAMIC = frozenset({"exec", "execfile", "globals", "vars", "locals", "get_ipython", "reveal_type"})
"""Calling one of these at module level may bind names that no parser sees."""

LOOPS = (ast.For, ast.AsyncFor, ast.While)
BRANCHES = (ast.If, ast.Try, ast.IfExp, ast.BoolOp, ast.While, ast.Match, ast.ExceptHandler)


@dataclass(frozen=True, slots=True)
class Import:
    """One name bound by an import: `name` in the text, `target` its qualified meaning (`torch.nn.functional`)."""

    name: str
    target: str
    node: ast.Import | ast.ImportFrom


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that gives a name a value. `order` counts bindings and loads in the order they are evaluated."""

    node: ast.AST
    kind: str
    """import, def, class, parameter, assign, for, with, except, match, del, annotation, global, type, walrus."""
    order: int
    target: str = ""
    """For imports the qualified name."""
    value: ast.expr | None = None
    """What a plain assignment to a single name assigns."""


@dataclass(frozen=True, slots=True)
class Load:
    """One reading of a name. `guarded`: a handler for NameError is around it."""

    node: ast.Name
    scope: Scope
    order: int
    guarded: bool


@dataclass(eq=False, slots=True)
class Scope:
    """A region of names: module, class, function (also lambda), comprehension, type (type parameters)."""

    kind: str
    node: ast.AST
    parent: Scope | None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    """Names declared global or nonlocal here."""

    def chain(self) -> Iterator[Scope]:
        """This scope and those whose names it sees, inner first: enclosing classes are skipped."""
        yield self
        up = self.parent
        while up is not None:
            if up.kind != "class" or self.kind == "type":
                yield up
            up = up.parent


class Scopes:
    """The scopes of one text. `before`: texts that ran earlier in the same namespace, in order."""

    def __init__(self, code: Code, before: Iterable[str] = ()) -> None:
        self.code = code
        self.imports: list[Import] = []
        self.loads: list[Load] = []
        self.stars: list[str] = []
        """Modules of `from m import *`."""
        self.dynamic = False
        """A call may bind names that no parser sees."""
        self.module = Scope("module", code.tree, None)
        self.scopes: list[Scope] = [self.module]
        self._where: dict[ast.AST, Scope] = {}
        for text in before:
            self._inherit(text)
        self.inherited = frozenset(self.module.bindings)
        _Visitor(self).run(code.tree)

    def _inherit(self, text: str) -> None:
        earlier = _of_text(text)
        for name, bound in earlier.module.bindings.items():
            self.module.bindings[name] = [Binding(one.node, one.kind, -1, one.target) for one in bound]
        self.stars += earlier.stars
        self.dynamic |= earlier.dynamic

    def resolve(self, name: str, scope: Scope) -> Scope | None:
        """The scope whose binding a reading of `name` in `scope` sees; None: nowhere (perhaps a builtin)."""
        declared = scope.elsewhere.get(name)
        if declared == "global":
            return self.module if name in self.module.bindings else None
        for seen in scope.chain():
            if name in seen.bindings and (seen is not scope or declared is None):
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
        return {name for seen in scope.chain() for name in seen.bindings}

    def unresolved(self) -> list[tuple[ast.Name, bool]]:
        """Names read but bound nowhere visible, in order of evaluation.

        False beside a name: it may be bound all the same (star import, exec, a handler for NameError, a notebook's own names).
        """
        certain = not self.stars and not self.dynamic
        return [
            (load.node, certain and not load.guarded and load.node.id not in NOTEBOOK)
            for load in self.loads
            if load.node.id not in BUILTINS
            and not (load.node.id in {"__class__", "__module__", "__qualname__"} and load.scope.kind != "module")
            and self.resolve(load.node.id, load.scope) is None
        ]

    def too_early(self) -> Iterator[tuple[ast.Name, Binding]]:
        """Names read at module level before their first binding there, with that binding. Only what is certain."""
        if self.stars or self.dynamic:
            return
        for load in self.loads:
            name = load.node.id
            if load.scope is not self.module or name in BUILTINS or load.guarded or name not in self.module.bindings:
                continue
            first = min(self.module.bindings[name], key=lambda binding: binding.order)
            if load.order < first.order and first.kind != "global" and not self._later_round(load.node, first.node):
                yield load.node, first

    def _later_round(self, load: ast.Name, bound: ast.AST) -> bool:
        """Whether the reading may wait for a later round of a loop that binds the name."""
        above = list(self.code.ancestors(load))
        shared = any(isinstance(node, LOOPS) and node in set(self.code.ancestors(bound)) for node in above)
        return shared and any(isinstance(node, BRANCHES) for node in above)

    def defined_before(self, name: str, line: int) -> bool:
        """Whether `name` is a builtin or bound at module level on a line before `line`."""
        bound = self.module.bindings.get(name, ())
        return name in BUILTINS or any(one.order < 0 or getattr(one.node, "lineno", line) < line for one in bound)

    def qualified(self, node: ast.AST) -> str | None:
        """`F.softmax` → `torch.nn.functional.softmax`, through imports and plain aliases; None when it is not an import's."""
        return self._qualified(node, 0)

    def _qualified(self, node: ast.AST, depth: int) -> str | None:
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or depth > 5:
            return None
        root = self._root(node, depth)
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
    return Scopes(Code(text))


class _Visitor:
    """Fills Scopes: visits nodes in the order they are evaluated, function bodies where they stand."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes
        self.scope = scopes.module
        self.order = 0
        self.guards = 0
        self.lazy_annotations = False
        self.handlers: dict[type[ast.AST], Callable[[ast.AST], None]] = {
            kind: getattr(self, f"_{kind.__name__.lower()}")
            for kind in (
                ast.Name, ast.Import, ast.ImportFrom, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.NamedExpr, ast.FunctionDef,
                ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.AsyncFor, ast.ListComp, ast.SetComp, ast.DictComp,
                ast.GeneratorExp, ast.Global, ast.Nonlocal, ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping, ast.Try,
                ast.Call, ast.withitem,
            )
        }  # fmt: skip
        if hasattr(ast, "TypeAlias"):
            self.handlers[ast.TypeAlias] = self._typealias

    def run(self, tree: ast.Module) -> None:
        self.all(tree.body)

    # Walking -----------------------------------------------------------------------------------------------------

    def visit(self, node: ast.AST) -> None:
        handler = self.handlers.get(type(node))
        if handler is not None:
            handler(node)
        else:
            self.children(node)

    def children(self, node: ast.AST) -> None:
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                self.visit(value)
            elif isinstance(value, list):
                self.all(value)

    def all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if isinstance(node, ast.AST):
                self.visit(node)

    def inside(self, kind: str, node: ast.AST) -> Scope:
        """Enter a new scope; the caller leaves it by restoring what is returned."""
        outer = self.scope
        self.scope = Scope(kind, node, outer)
        self.scopes.scopes.append(self.scope)
        return outer

    def bind(self, name: str, node: ast.AST, kind: str, *, target: str = "", value: ast.expr | None = None) -> None:
        self.order += 1
        scope = self.scope
        if kind == "walrus":
            while scope.kind == "comprehension" and scope.parent:
                scope = scope.parent
        declared = scope.elsewhere.get(name)
        if declared == "global":
            scope, kind = self.scopes.module, "global" if scope is not self.scopes.module else kind
        elif declared == "nonlocal":
            return
        self.scopes._where[node] = scope
        scope.bindings.setdefault(name, []).append(Binding(node, kind, self.order, target, value))

    # Reading and plain binding -----------------------------------------------------------------------------------

    def _name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.order += 1
            self.scopes._where[node] = self.scope
            self.scopes.loads.append(Load(node, self.scope, self.order, self.guards > 0))
        elif isinstance(node.ctx, ast.Store):
            self.bind(node.id, node, "assign")
        else:
            self.bind(node.id, node, "del")

    def _assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.bind(target.id, target, "assign", value=node.value)
            else:
                self.visit(target)

    def _augassign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.order += 1
            self.scopes.loads.append(Load(node.target, self.scope, self.order, self.guards > 0))
        self.visit(node.value)
        self.visit(node.target)

    def _annassign(self, node: ast.AnnAssign) -> None:
        if self.scope.kind in {"module", "class"}:
            self.annotation(node.annotation)
        if node.value is not None:
            self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self.bind(node.target.id, node.target, "assign" if node.value else "annotation", value=node.value)
        else:
            self.visit(node.target)

    def _namedexpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.bind(node.target.id, node.target, "walrus")

    def _call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in DYNAMIC:
            local = node.func.id in {"locals", "vars"} and (self.scope.kind == "function" or bool(node.args))
            self.scopes.dynamic |= not local
        self.children(node)

    def annotation(self, node: ast.expr | None) -> None:
        if node is not None and not self.lazy_annotations:
            self.visit(node)

    # Imports -----------------------------------------------------------------------------------------------------

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            name, target = (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
            self.scopes.imports.append(Import(name, target if alias.asname else alias.name, node))
            self.bind(name, alias, "import", target=target)

    def _importfrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        if module == "__future__":
            self.lazy_annotations |= any(alias.name == "annotations" for alias in node.names)
        for alias in node.names:
            if alias.name == "*":
                self.scopes.stars.append(module)
                continue
            target = f"{module}{'' if module.endswith('.') else '.'}{alias.name}"
            self.scopes.imports.append(Import(alias.asname or alias.name, target, node))
            self.bind(alias.asname or alias.name, alias, "import", target=target)

    # Definitions -------------------------------------------------------------------------------------------------

    def _functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.all(node.decorator_list)
        self.all([*node.args.defaults, *node.args.kw_defaults])
        self.bind(node.name, node, "def")
        outer = self.type_parameters(node)
        for argument in _arguments(node.args):
            self.annotation(argument.annotation)
        self.annotation(node.returns)
        self.function(node, node.args, node.body)
        self.scope = outer

    _asyncfunctiondef = _functiondef

    def _lambda(self, node: ast.Lambda) -> None:
        self.all([*node.args.defaults, *node.args.kw_defaults])
        self.function(node, node.args, [node.body])

    def function(self, node: ast.AST, arguments: ast.arguments, body: Iterable[ast.AST]) -> None:
        outer = self.inside("function", node)
        guards, self.guards = self.guards, 0
        self.declarations(body)
        for argument in _arguments(arguments):
            self.bind(argument.arg, argument, "parameter")
        self.all(body)
        self.scope, self.guards = outer, guards

    def _classdef(self, node: ast.ClassDef) -> None:
        self.all(node.decorator_list)
        outer = self.type_parameters(node)
        self.all(node.bases)
        self.all(node.keywords)
        before = self.inside("class", node)
        self.declarations(node.body)
        self.all(node.body)
        self.scope = before
        self.scope = outer
        self.bind(node.name, node, "class")

    def type_parameters(self, node: ast.AST) -> Scope:
        """Enter the scope of a definition's type parameters, if it has any; returns the scope to restore."""
        parameters: list[ast.AST] = getattr(node, "type_params", [])
        if not parameters:
            return self.scope
        outer = self.inside("type", node)
        for parameter in parameters:
            self.bind(parameter.name, parameter, "type")  # type: ignore[attr-defined]
            self.children(parameter)
        return outer

    def _typealias(self, node: ast.AST) -> None:
        self.visit(node.name)  # type: ignore[attr-defined]
        outer = self.type_parameters(node)
        self.visit(node.value)  # type: ignore[attr-defined]
        self.scope = outer

    def declarations(self, body: Iterable[ast.AST]) -> None:
        """global and nonlocal hold for the whole scope, wherever they stand in it."""
        stack = list(body)
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Global | ast.Nonlocal):
                kind = "global" if isinstance(node, ast.Global) else "nonlocal"
                self.scope.elsewhere.update(dict.fromkeys(node.names, kind))
            elif isinstance(node, ast.stmt) and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for name in ("body", "orelse", "finalbody", "handlers", "cases"):
                    for inner in getattr(node, name, ()):
                        stack += getattr(inner, "body", ()) if not isinstance(inner, ast.stmt) else (inner,)

    def _global(self, node: ast.Global) -> None:
        """Already declared."""

    _nonlocal = _global

    # Statements that bind ----------------------------------------------------------------------------------------

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self.visit(node.target)
        self.all(node.body)
        self.all(node.orelse)

    _asyncfor = _for

    def _withitem(self, node: ast.withitem) -> None:
        self.visit(node.context_expr)
        if node.optional_vars is not None:
            self.visit(node.optional_vars)

    def _try(self, node: ast.Try) -> None:
        catches = any(_catches_name_error(handler.type) for handler in node.handlers)
        self.guards += catches
        self.all(node.body)
        self.guards -= catches
        self.all([*node.handlers, *node.orelse, *node.finalbody])

    def _excepthandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            self.visit(node.type)
        if node.name:
            self.bind(node.name, node, "except")
        self.all(node.body)

    def _matchas(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.children(node)
        if node.name:
            self.bind(node.name, node, "match")

    _matchstar = _matchas

    def _matchmapping(self, node: ast.MatchMapping) -> None:
        self.children(node)
        if node.rest:
            self.bind(node.rest, node, "match")

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self.visit(node.generators[0].iter)
        outer = self.inside("comprehension", node)
        for number, generator in enumerate(node.generators):
            if number:
                self.visit(generator.iter)
            self.visit(generator.target)
            self.all(generator.ifs)
        self.all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self.scope = outer

    _listcomp = _setcomp = _generatorexp = _dictcomp = _comprehension


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    stars = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]


def _catches_name_error(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    names = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(isinstance(name, ast.Name) and name.id in {"NameError", "Exception", "BaseException", "UnboundLocalError"} for name in names)

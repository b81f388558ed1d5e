"""One pass over a tree that finds every binding and every reading of a name, in the order they are evaluated."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from snipfix.code import FIELDS

__all__ = ["Binding", "Import", "Load", "Scope", "Walk"]

DYNAMIC = frozenset({"exec", "execfile", "globals", "vars", "locals", "get_ipython"})
"""Calling one of these at module level may bind names that no parser sees."""


@dataclass(frozen=True, slots=True)
class Import:
    """One name bound by an import: `name` in the text, `target` its qualified meaning (`torch.nn.functional`)."""

    name: str
    target: str
    node: ast.Import | ast.ImportFrom


class Binding(NamedTuple):
    """One place that gives a name a value. `order` counts bindings and loads in the order they are evaluated."""

    node: ast.AST
    kind: str
    """import, def, class, parameter, assign, for, with, except, match, del, annotation, type, walrus; global: from an inner scope."""
    order: int
    target: str = ""
    """For imports the qualified name."""
    value: ast.expr | None = None
    """What a plain assignment to a single name assigns."""


class Load(NamedTuple):
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
    outer: tuple[Scope, ...] = field(init=False)
    """The scopes whose names it sees beside its own, inner first: enclosing classes are skipped."""

    def __post_init__(self) -> None:
        seen, up = list[Scope](), self.parent
        while up is not None:
            if up.kind != "class" or self.kind == "type":
                seen.append(up)
            up = up.parent
        self.outer = tuple(seen)


class Walk:
    """What one walk over a tree finds, starting with the bindings that `module` has already. Function bodies are visited where they stand."""

    def __init__(self, module: Scope, *, declares: bool) -> None:
        self.declares = declares
        """Whether a name may be declared global or nonlocal anywhere."""
        self.module = self.scope = module
        self.scopes = [module]
        self.imports: list[Import] = []
        self.loads: list[Load] = []
        self.stars: list[str] = []
        self.dynamic = False
        self.where: dict[ast.AST, Scope] = {}
        self.order = 0
        self.guards = 0
        self.lazy_annotations = False

    # Walking -----------------------------------------------------------------------------------------------------

    def visit(self, node: ast.AST) -> None:
        HANDLERS.get(node.__class__, Walk.children)(self, node)

    def children(self, node: ast.AST) -> None:
        handler = HANDLERS.get
        for name in FIELDS[node.__class__]:
            value = getattr(node, name, None)
            if value.__class__ is list:
                for child in value:
                    if isinstance(child, ast.AST):
                        handler(child.__class__, Walk.children)(self, child)
            elif isinstance(value, ast.AST):
                handler(value.__class__, Walk.children)(self, value)

    def all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def inside(self, kind: str, node: ast.AST) -> Scope:
        """Enter a new scope; the caller leaves it by restoring what is returned."""
        outer = self.scope
        self.scope = Scope(kind, node, outer)
        self.scopes.append(self.scope)
        return outer

    def bind(self, name: str, node: ast.AST, kind: str, *, target: str = "", value: ast.expr | None = None) -> None:
        self.order += 1
        scope = self.scope
        if kind == "walrus":
            while scope.kind == "comprehension" and scope.parent:
                scope = scope.parent
        declared = scope.elsewhere.get(name)
        if declared == "global":
            scope, kind = self.module, "global" if scope is not self.module else kind
        elif declared == "nonlocal":
            outer = [up for up in scope.outer if up.kind == "function"]
            scope, kind = next((up for up in outer if name in up.bindings), outer[0] if outer else scope), "global"
        self.where[node] = scope
        scope.bindings.setdefault(name, []).append(Binding(node, kind, self.order, target, value))

    # Reading and plain binding -----------------------------------------------------------------------------------

    def _name(self, node: ast.Name) -> None:
        if node.ctx.__class__ is ast.Load:
            self.order += 1
            self.where[node] = self.scope
            self.loads.append(Load(node, self.scope, self.order, self.guards > 0))
        elif node.ctx.__class__ is ast.Store:
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
            self.loads.append(Load(node.target, self.scope, self.order, self.guards > 0))
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
            self.dynamic |= not local
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword.value)

    def _attribute(self, node: ast.Attribute) -> None:
        self.visit(node.value)

    def _constant(self, node: ast.Constant) -> None:
        """Holds no names."""

    def annotation(self, node: ast.expr | None) -> None:
        if node is not None and not self.lazy_annotations:
            self.visit(node)

    # Imports -----------------------------------------------------------------------------------------------------

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            name, target = (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
            self.imports.append(Import(name, target if alias.asname else alias.name, node))
            self.bind(name, alias, "import", target=target)

    def _importfrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        if module == "__future__":
            self.lazy_annotations |= any(alias.name == "annotations" for alias in node.names)
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(module)
                continue
            target = f"{module}{'' if module.endswith('.') else '.'}{alias.name}"
            self.imports.append(Import(alias.asname or alias.name, target, node))
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
        stack = list(body) if self.declares else []
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


def _handlers() -> dict[type[ast.AST], Callable[[Walk, Any], None]]:
    kinds = (
        ast.Name, ast.Import, ast.ImportFrom, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.NamedExpr, ast.FunctionDef,
        ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.AsyncFor, ast.ListComp, ast.SetComp, ast.DictComp,
        ast.GeneratorExp, ast.Global, ast.Nonlocal, ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping, ast.Try,
        ast.Attribute, ast.Call, ast.Constant, ast.withitem, getattr(ast, "TypeAlias", ast.Name),
    )  # fmt: skip
    return {kind: getattr(Walk, f"_{kind.__name__.lower()}") for kind in kinds}


HANDLERS = _handlers()
"""What is done at each kind of node that binds or reads names; every other is only walked."""

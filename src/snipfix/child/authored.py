"""What the author wrote beyond what ran: definitions after the failure, and calls never reached, with inputs never used."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from typing import Any

from inputs import Candidate

DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Import, ast.ImportFrom)
FACTORIES = {
    *("randn", "rand", "randint", "tensor", "zeros", "ones", "arange", "linspace", "full", "eye", "LongTensor", "FloatTensor", "Tensor"),
    *("randn_like", "zeros_like", "ones_like", "randperm", "float", "long", "unsqueeze", "view", "reshape", "len", "int", "range", "list"),
}


def complete(recorder: Any, namespace: dict[str, Any], tree: ast.Module, limited: Callable) -> Iterator[tuple[str, BaseException]]:
    """Runs what a failed run left: definitions, plain values, sample inputs and the models made of them.

    Gives (text, error) for models whose making fails although every name in it is known.
    """
    import sys

    torch = sys.modules["torch"]
    for statement in tree.body:
        if not _is_new(statement, namespace) or not _is_tame(statement, namespace, torch):
            continue
        whole = ast.Module(body=[statement], type_ignores=[])
        try:
            with limited(2.0):
                exec(compile(whole, recorder.filename, "exec", dont_inherit=True), namespace)
        except Exception as error:
            if (
                isinstance(statement, ast.Assign)
                and _makes_model(statement.value, namespace, torch)
                and _is_known(statement.value, namespace)
            ):
                yield ast.unparse(statement.value), error
        except BaseException:
            continue


def _is_new(statement: ast.stmt, namespace: dict[str, Any]) -> bool:
    """Whether the statement binds a name that is not there yet."""
    if isinstance(statement, DEFINITIONS[:3]):
        return statement.name not in namespace
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return any((item.asname or item.name.split(".")[0]) not in namespace for item in statement.names)
    if isinstance(statement, ast.Assign):
        return any(isinstance(node, ast.Name) and node.id not in namespace for target in statement.targets for node in ast.walk(target))
    return False


def _is_tame(statement: ast.stmt, namespace: dict[str, Any], torch: Any) -> bool:
    if isinstance(statement, DEFINITIONS):
        return True
    if not isinstance(statement, ast.Assign):
        return False
    calls = [node for node in ast.walk(statement.value) if isinstance(node, ast.Call)]
    return _makes_model(statement.value, namespace, torch) or all(_name(call.func) in FACTORIES for call in calls)


def _makes_model(value: ast.expr, namespace: dict[str, Any], torch: Any) -> bool:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in ("to", "cuda", "eval", "train"):
        value = value.func.value
    kind = namespace.get(value.func.id) if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else None
    return isinstance(kind, type) and issubclass(kind, torch.nn.Module) and kind.__module__ == "__main__"


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_known(node: ast.AST, namespace: dict[str, Any]) -> bool:
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    bound = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    return all(name in namespace or hasattr(builtins, name) for name in names - bound)


def calls(tree: ast.Module, name: str, namespace: dict[str, Any]) -> list[Candidate]:
    """The author's own calls of `name` at module level whose arguments can be had."""
    found = []
    for node in module_level(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name):
            continue
        parts: list[ast.AST] = [*node.args, *node.keywords]
        plain = not any(isinstance(part, ast.Starred) or (isinstance(part, ast.keyword) and part.arg is None) for part in parts)
        safe = all(_name(call.func) in FACTORIES for part in parts for call in ast.walk(part) if isinstance(call, ast.Call))
        if plain and safe and all(_is_known(part, namespace) for part in parts):
            values = [(f"argument {place + 1}", ast.unparse(part)) for place, part in enumerate(node.args)]
            keywords = [(str(part.arg), ast.unparse(part.value)) for part in node.keywords]
            found.append(Candidate((*values, *keywords), tuple(word for word, _ in keywords)))
    return found


def module_level(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (*DEFINITIONS[:3], ast.Lambda)):
            yield node
            yield from module_level(node)


def definition(recorder: Any, tree: ast.Module, name: str) -> list[int] | None:
    """The place of the name in `class Name` or `def name`."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            keyword = "class " if isinstance(node, ast.ClassDef) else "def "
            column = recorder.sources.column(recorder.filename, node.lineno, node.col_offset) + len(keyword)
            return [node.lineno, column, node.lineno, column + len(name)]
    return None


def uncalled(tree: ast.Module, namespace: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """(name, arguments) of the functions that nothing in the snippet mentions and whose arguments go by the names of its own globals."""
    mentioned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or node.decorator_list or node.name in mentioned or node.name not in namespace:
            continue
        parameters = node.args.posonlyargs + node.args.args
        required = [item.arg for item in parameters[: len(parameters) - len(node.args.defaults)]]
        if not node.args.kwonlyargs and all(name in namespace for name in required):
            yield node.name, required

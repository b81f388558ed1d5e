"""The data pipes that a corpus of 0.12 and later is: `.map(f).batch(8).rows2columnar(names)`, as lists."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from snipfix.model import Edit
from snipfix.rules.base import Context
from snipfix.rules.torchtext.model import NotMigratable

__all__ = ["chains", "inside_chains"]

METHODS = frozenset({"map", "filter", "batch", "rows2columnar", "shuffle", "sharding_filter", "cycle", "collate", "bucketbatch", "header"})
BATCHED = """def batched(rows, size):
    return [rows[start : start + size] for start in range(0, len(rows), size)]
"""
SHUFFLED = """def shuffled(rows):
    return random.sample(rows, len(rows))
"""


def _roots(context: Context, corpora: set[ast.Call]) -> set[str]:
    """The names that stand for a corpus or a pipe of one, wherever the text makes one."""
    names: set[str] = set()
    for _ in range(6):
        more = set(names)
        for statement in context.code.all(ast.Assign):
            if len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name) and _is_pipe(statement.value, corpora, names):
                more.add(statement.targets[0].id)
        if more == names:
            break
        names = more
    return names


def _is_pipe(node: ast.expr, corpora: set[ast.Call], names: set[str]) -> bool:
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
        node = node.func.value
    return node in corpora or (isinstance(node, ast.Name) and node.id in names)


def chains(context: Context, corpora: set[ast.Call]) -> list[ast.Call]:
    """The outermost calls of pipes' methods in a text."""
    names = _roots(context, corpora)
    found = [
        call
        for call, _ in context.scopes.calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in METHODS and _is_pipe(call, corpora, names)
    ]
    inner = {call.func.value for call in found if isinstance(call.func, ast.Attribute)}
    return [call for call in found if call not in inner]


def inside_chains(
    context: Context, outer: list[ast.Call], of_corpus: Callable[[ast.Call], str]
) -> Iterator[tuple[Edit, list[str], list[str]]]:
    """For each chain the edit that makes it lists, the definitions and the imports it needs."""
    for call in outer:
        needed: list[str] = []
        imports: list[str] = []
        text = _written(context, call, of_corpus, needed, imports)
        yield Edit(*context.code.range(context.code.span(call)), text), needed, imports


def _written(context: Context, node: ast.expr, of_corpus: Callable[[ast.Call], str], needed: list[str], imports: list[str]) -> str:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS):
        return of_corpus(node) if isinstance(node, ast.Call) else context.code.slice(node)
    rows = _written(context, node.func.value, of_corpus, needed, imports)
    method, given = node.func.attr, [context.code.slice(one) for one in node.args]
    given += [
        context.code.slice(keyword.value) for keyword in node.keywords if keyword.arg in {"fn", "filter_fn", "batch_size", "column_names"}
    ]
    if method == "sharding_filter" or (method == "batch" and len(given) == 1 and (not node.keywords or not node.args)):
        needed += [BATCHED] if method == "batch" else []
        return f"batched({rows}, {given[0]})" if method == "batch" else rows
    if method == "shuffle":
        imports.append("import random")
        needed.append(SHUFFLED)
        return f"shuffled({rows})"
    if len(given) != 1 or method not in {"map", "filter", "rows2columnar"}:
        raise NotMigratable(f".{method} of a data pipe")
    if method == "rows2columnar":
        return f"[dict(zip({given[0]}, map(list, zip(*batch)))) for batch in {rows}]"
    function = f"({given[0]})" if given[0].startswith("lambda") else given[0]
    return f"[{function}(row) for row in {rows}]" if method == "map" else f"[row for row in {rows} if {function}(row)]"

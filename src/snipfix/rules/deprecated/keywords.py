"""The tables of keyword arguments that calls no longer take, or take with a warning, and the edits that bring one up to date."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources

from snipfix.codemods import calls
from snipfix.model import Edit
from snipfix.rules.base import Context

__all__ = ["brought_up_to_date", "keywords", "outdated", "removed"]

GONE = "keywords.toml"
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@cache
def keywords(file: str = GONE) -> dict[str, dict[str, str]]:
    """By call, then by old keyword: what a file says of it."""
    return tomllib.loads(resources.files(__package__).joinpath(file).read_text(encoding="utf-8"))


@cache
def _old(file: str) -> frozenset[str]:
    return frozenset(old for table in keywords(file).values() for old in table)


def outdated(context: Context, file: str = GONE) -> Iterator[tuple[ast.Call, list[tuple[ast.keyword, str]]]]:
    """The calls that are given keywords a file speaks of, each with these, and what they are called today."""
    old = _old(file)
    if any(keyword.arg in old for keyword in context.code.all(ast.keyword)):
        for call, name in context.scopes.calls:
            if found := removed(context, call, name, file):
                yield call, found


def removed(context: Context, call: ast.Call, name: str, file: str = GONE) -> list[tuple[ast.keyword, str]]:
    """The keywords of a call that a file speaks of, each with what it is called today; none where one cannot be rewritten."""
    given = [keyword for keyword in call.keywords if keyword.arg in _old(file)] if call.keywords else []
    if not given:
        return []
    if isinstance(call.func, ast.Name) and any(isinstance(one.node, DEFINITIONS) for one in context.scopes.bindings(call.func)):
        return []
    found: dict[ast.keyword, str] = {}
    for pattern, table in keywords(file).items():
        if _is_call(context, pattern, name):
            found |= {keyword: table[keyword.arg] for keyword in given if keyword.arg in table}
    if any("=" in new and not isinstance(keyword.value, ast.Constant) for keyword, new in found.items()):
        return []
    return list(found.items())


def _is_call(context: Context, pattern: str, name: str) -> bool:
    if pattern.startswith(".*"):
        return pattern[2:] in context.scopes.packages
    return name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1]))


def brought_up_to_date(context: Context, call: ast.Call, keyword: ast.keyword, new: str) -> tuple[Edit, ...]:
    """The edits that write one keyword as it is called today, or take it away."""
    assert keyword.arg
    start, end = context.code.range(context.code.span(keyword))
    if "=" in new and isinstance(keyword.value, ast.Constant) and keyword.value.value:
        return (Edit(start, end, new),)
    if new == "-" or "=" in new:
        return calls.remove_argument(context.code, call, keyword.arg)
    return (Edit(start, context.code.range(context.code.span(keyword.value))[0], f"{new}=" if new else ""),)

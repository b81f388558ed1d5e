"""Every rule of the package, found by walking it once: a new file is a new rule."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from functools import cache

import snipfix.rules
from snipfix.errors import UsageError
from snipfix.rules.base import Rule

__all__ = ["find", "rules"]


@cache
def rules() -> tuple[Rule, ...]:
    """One instance of every rule, sorted by id.

    Raises:
        ValueError: when two rules share an id or a name.
    """
    found: dict[str, Rule] = {}
    for module in pkgutil.walk_packages(snipfix.rules.__path__, f"{snipfix.rules.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(value) and issubclass(value, Rule) and value.__module__ == module.name and "id" in vars(value):
                for key in (value.id, value.name):
                    if key in found:
                        raise ValueError(f"{key} names two rules: {type(found[key]).__qualname__} and {value.__qualname__}")
                found[value.id] = found[value.name] = value()
    return tuple(sorted({rule.id: rule for rule in found.values()}.values(), key=lambda rule: rule.id))


def find(code_or_name: str) -> Rule:
    """The rule with this id (`SNF100`, in any case) or name (`undefined-name`).

    Raises:
        UsageError: when there is none; the hint names the nearest.
    """
    known = {key: rule for rule in rules() for key in (rule.id, rule.name)}
    for key in (code_or_name, code_or_name.upper(), code_or_name.lower()):
        if key in known:
            return known[key]
    near = difflib.get_close_matches(code_or_name, known, 1)
    raise UsageError(f"there is no rule {code_or_name!r}", hint=f"did you mean {near[0]}?" if near else "snipfix rules lists them all")

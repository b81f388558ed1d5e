"""Names that a module or an object truly has and that look like the one an exception says it lacks."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

NEAR = 5
ALIKE = 0.72
LONGEST = 60
PREFERRED = ("nn", "optim", "functional", "utils")


def near_names(error: BaseException) -> list[str]:
    """The names, best first; a dotted one where a submodule has the very name. Empty for any other exception."""
    try:
        owner, name = _missed(error)
        if not name or name.startswith("_") or len(name) > LONGEST:
            return []
        if isinstance(owner, ModuleType):
            names = [one for one, value in vars(owner).items() if not isinstance(value, ModuleType)]
            return (_same(name, names) + _in_submodules(owner, name) + _alike(name, names))[:NEAR]
        kind = type(owner)
        return _same(name, dir(kind)) + _alike(name, dir(kind)) if str(kind.__module__).startswith(("torch", "numpy", "builtins")) else []
    except Exception:
        return []


def _missed(error: BaseException) -> tuple[Any, str]:
    """What lacks which name."""
    if isinstance(error, AttributeError):
        return getattr(error, "obj", None), str(getattr(error, "name", None) or "")
    if isinstance(error, ImportError):
        said = re.match(r"cannot import name '(\w+)' from '([\w.]+)'", str(error))
        if said:
            return sys.modules.get(said.group(2)), said.group(1)
    return None, ""


def _in_submodules(owner: ModuleType, name: str) -> list[str]:
    """Public submodules of a package, already loaded, that have the name: `optim.Adam` for torch and Adam."""
    modules = {
        submodule: vars(module)
        for submodule, module in list(vars(owner).items())
        if isinstance(module, ModuleType) and module.__name__ == f"{owner.__name__}.{submodule}" and not submodule.startswith("_")
    }
    having = [one for one, known in modules.items() if name in known and not isinstance(known[name], ModuleType)]
    return [f"{one}.{name}" for one in sorted(having, key=lambda one: (PREFERRED.index(one) if one in PREFERRED else len(PREFERRED), one))]


def _same(name: str, known: Iterable[str]) -> list[str]:
    """The names that differ in case only."""
    return [one for one in known if one.lower() == name.lower() and one != name]


def _alike(name: str, known: Iterable[str]) -> list[str]:
    """The names that differ in a letter or two; those that begin with a capital as the given one does come first."""
    public = {one.lower(): one for one in known if not one.startswith("_") and one.lower() != name.lower()}
    close = [public[one] for one in difflib.get_close_matches(name.lower(), list(public), NEAR, ALIKE)]
    return sorted(close, key=lambda one: one[:1].isupper() != name[:1].isupper())

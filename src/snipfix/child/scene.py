"""What a document takes for granted beyond plain Python: the names that a notebook's shell gives, and the import of the file that an example stands in."""

from __future__ import annotations

import ast
import builtins
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Sequence
from typing import Any

ECHO = "__snipfix_echo__"


def furnish(job: dict[str, Any], main: types.ModuleType) -> None:
    """Set the scene that the job asks for."""
    if job.get("echo"):
        setattr(builtins, ECHO, _echo)
    if job.get("shell"):
        main.__dict__.update(display=_display, get_ipython=_Shell, In=[""], Out={}, _="")
    if job.get("modules"):
        sys.meta_path.append(_Own(job["modules"], main))


def echoing(tree: ast.Module, lines: Sequence[int]) -> ast.Module:
    """The program with the values of some expressions shown, by their first lines, as the prompt of a session shows them."""
    for statement in tree.body:
        if isinstance(statement, ast.Expr) and statement.lineno in lines:
            place = statement.value
            statement.value = ast.copy_location(ast.Call(ast.copy_location(ast.Name(ECHO, ast.Load()), place), [place], []), place)
    return tree


def _echo(value: Any) -> None:
    if value is not None:
        print(repr(value))


def _display(*objects: Any, **_options: Any) -> None:
    """Shows what a notebook shows of an object where it can show text only."""
    for one in objects:
        print(one if isinstance(one, str) else repr(one))


def _nothing(*_arguments: Any, **_options: Any) -> None:
    """What comes of a magic."""


class _Shell:
    """Stands for the shell of a notebook: whatever is asked of it is done silently."""

    @property
    def user_ns(self) -> dict[str, Any]:
        return sys.modules["__main__"].__dict__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing


class _Own(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds, where nothing else of its name is installed, the file itself under the names that a reader imports it by, and its packages as empty ones."""

    def __init__(self, names: Sequence[str], main: types.ModuleType) -> None:
        self.names, self.main = frozenset(names), main
        self.packages = {name[:at] for name in names for at, char in enumerate(name) if char == "."}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name in self.names or name in self.packages:
            return importlib.machinery.ModuleSpec(name, self, is_package=name in self.packages)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return self.main if spec.name in self.names else None

    def exec_module(self, module: types.ModuleType) -> None:
        if module is self.main:
            module.__spec__ = None
            module.__name__ = "__main__"

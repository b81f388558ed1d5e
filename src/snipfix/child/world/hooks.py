"""Post-import hooks: patch a library when, and only when, the snippet imports it."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

Patch = Callable[[ModuleType], None]


class Hooks(importlib.abc.MetaPathFinder):
    """A finder that finds nothing itself: it lets the others find, and patches what they load."""

    def __init__(self) -> None:
        self._after: dict[str, Patch] = {}
        self._absent: dict[str, Patch] = {}

    def after(self, name: str, patch: Patch) -> None:
        """Call `patch(module)` once the module is loaded; at start if it is already."""
        self._after[name] = patch

    def in_place_of(self, name: str, fill: Patch) -> None:
        """Where the package `name` is not installed, import an empty module filled by `fill(module)`."""
        self._absent[name] = fill

    def start(self) -> None:
        """Patch what is loaded and watch for what will be."""
        for name in [name for name in self._after if name in sys.modules]:
            self._after.pop(name)(sys.modules[name])
        sys.meta_path.insert(0, self)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        patch = self._after.get(fullname)
        if patch is None and fullname not in self._absent:
            return None
        # Only those behind it: the watcher of a job stands before that of the fork server, and each asking the other would never end.
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                break
        else:
            fill = self._absent.get(fullname)
            return None if fill is None else importlib.util.spec_from_loader(fullname, _Filled(fill))
        if patch is not None and spec.loader is not None:
            spec.loader = _Patched(spec.loader, patch)
        return spec


class _Filled(importlib.abc.Loader):
    def __init__(self, fill: Patch) -> None:
        self._fill = fill

    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        self._fill(module)


class _Patched(importlib.abc.Loader):
    """A loader that patches the module after the real loader has run it."""

    def __init__(self, loader: Any, patch: Patch) -> None:
        self._loader, self._patch = loader, patch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._patch(module)

"""Modules that compute in a model's forward but are not registered in it: kept in a plain list, dict or tuple."""

# ruff: noqa: ARG001  (callbacks share a signature)

from __future__ import annotations

import sys
from typing import Any

PLAIN = (list, tuple, dict)


def install(recorder: Any) -> Any:
    torch = sys.modules["torch"]
    registered: dict[int, set] = {}
    told = set()

    def entered(module: Any, args: tuple, kwargs: dict) -> None:
        running = recorder.modules.running
        if not running or (id(running[0]), id(module)) in told:
            return
        root = running[0]
        known = registered.get(id(root))
        if known is None or id(module) not in known:
            known = registered[id(root)] = {id(one) for one in root.modules()}
        if id(module) not in known and trainable(module):
            tell(root, module)

    def tell(root: Any, module: Any) -> None:
        told.add((id(root), id(module)))
        keeper = find(root, module)
        if keeper is None:
            return
        owner, attribute, kind = keeper
        facts = {
            "root": recorder.module_ref(root),
            "module": recorder.module_ref(module),
            "owner": type(owner).__name__,
            "attribute": attribute,
            "kind": kind,
            "length": len(getattr(owner, attribute)),
            "named": any(value is module for value in recorder.namespace.values()),
        }
        recorder.observe("hidden-module", facts, facts["module"].get("built"))

    def finish() -> None:
        """Also those that were never called: a list of layers is seen without any call."""
        for root in [*recorder.namespace_modules(), *(call.module for call in recorder.root_calls)]:
            known = {id(one) for one in root.modules()}
            for owner in list(root.modules()):
                for value in list(vars(owner).values()):
                    for inner in inside(value):
                        unknown = isinstance(inner, torch.nn.Module) and id(inner) not in known and (id(root), id(inner)) not in told
                        if unknown and trainable(inner):
                            tell(root, inner)

    recorder.on_module(pre=entered)
    return finish


def trainable(module: Any) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())


def inside(value: Any) -> tuple:
    if not isinstance(value, PLAIN):
        return ()
    return tuple(value.values() if isinstance(value, dict) else value)[:64]


def find(root: Any, module: Any) -> tuple[Any, str, str] | None:
    """The module of the root whose plain container holds `module`, the attribute and the container's kind."""
    for owner in root.modules():
        for name, value in vars(owner).items():
            if not name.startswith("_") and any(inner is module for inner in inside(value)):
                return owner, name, type(value).__name__
    return None

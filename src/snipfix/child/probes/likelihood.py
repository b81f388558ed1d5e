"""Conditional random fields: what their forward gave (a log-likelihood), whether they had a mask, and the sign with which training uses it."""

from __future__ import annotations

import inspect
from typing import Any

PER_MODULE = 3


def install(recorder: Any) -> None:
    seen: dict[int, int] = {}
    waiting: list[Any] = []

    def called(module: Any, args: tuple, kwargs: dict, output: Any) -> None:
        tell_returned(module, output)
        if type(module).__name__ != "CRF" or not hasattr(module, "transitions") or not hasattr(output, "requires_grad"):
            return
        seen[id(module)] = seen.get(id(module), 0) + 1
        if seen[id(module)] > PER_MODULE:
            return
        mask = kwargs.get("mask", args[2] if len(args) > 2 else None)
        gradient: dict[str, Any] = {}
        returned: dict[str, Any] = {}
        place = recorder.place()
        facts = {
            "module": recorder.module_ref(module),
            "emissions": list(args[0].shape) if args else [],
            "mask": mask is not None,
            "masks_at_hand": masks_at_hand(recorder),
            "low": float(output.detach().min()),
            "high": float(output.detach().max()),
            "gradient": gradient,
            "returned": returned,
        }
        if output.requires_grad:
            recorder.on_gradient(output, lambda grad: gradient.update(low=float(grad.min()), high=float(grad.max())))
        if recorder.modules.running:
            waiting[:] = [(recorder.modules.running[-1], output, returned)]
        recorder.observe("likelihood", facts, place)

    def tell_returned(module: Any, output: Any) -> None:
        """Notes that the module around the field handed its result on as it was."""
        if waiting and waiting[0][0] is module:
            _, value, returned = waiting.pop()
            returned["by"] = type(module).__name__
            returned["unchanged"] = output is value or (isinstance(output, tuple) and any(one is value for one in output))

    recorder.on_module(post=called)


def masks_at_hand(recorder: Any) -> list[str]:
    """Parameters of the running module's forward that are named like a mask."""
    running = recorder.module_now()
    if running is None:
        return []
    names = inspect.signature(running.forward).parameters
    return [name for name in names if "mask" in name.lower()]

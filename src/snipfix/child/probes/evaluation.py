"""Models called after training: in which mode, with or without a graph. And dropout that works while its module is in evaluation mode."""

# ruff: noqa: ARG001  (callbacks share a signature)

from __future__ import annotations

import sys
from typing import Any

NOISY = ("Dropout", "BatchNorm", "AlphaDropout", "SyncBatchNorm")
DROPOUTS = ("torch.nn.functional.dropout", "torch.nn.functional.dropout1d", "torch.nn.functional.dropout2d", "torch.nn.functional.alpha_dropout", "torch.dropout")  # fmt: skip


def install(recorder: Any) -> None:
    torch = sys.modules["torch"]
    seen: dict[Any, int] = {}

    def called(module: Any, args: tuple, kwargs: dict, output: Any) -> None:
        if recorder.modules.running or recorder.stage != "run" or torch.is_grad_enabled() or not module.training or not recorder.steps:
            return
        place = recorder.place()
        key = (id(module), None if place is None else tuple(place))
        seen[key] = seen.get(key, 0) + 1
        noisy = noisy_layers(module)
        if seen[key] == 1 and noisy:
            recorder.observe("training-mode", {"module": recorder.module_ref(module), "layers": noisy, "steps": recorder.steps}, place)

    def dropped(function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        running = recorder.module_now()
        training = kwargs.get("training", args[2] if len(args) > 2 else True)
        p = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
        if running is None or not training or not p or type(running).__module__.startswith("torch."):
            return
        place = recorder.place()
        key = ("dropout", None if place is None else tuple(place))
        seen[key] = seen.get(key, 0) + 1
        if not running.training and seen[key] < 50:
            recorder.observe("dropout", {"module": recorder.module_ref(running), "p": float(p)}, place)

    recorder.on_module(post=called)
    recorder.on_function(DROPOUTS, after=dropped)


def noisy_layers(module: Any) -> list[str]:
    """Types of the layers that behave otherwise in training mode."""
    found = {
        type(one).__name__
        for one in module.modules()
        if type(one).__name__.startswith(NOISY) and one.training and getattr(one, "p", 1) != 0
    }
    return sorted(found)

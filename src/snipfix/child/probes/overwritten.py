"""Tensors that are added after an operation in place has changed them under another name: a shortcut that carries other values than it says."""

# ruff: noqa: ARG001  (callbacks share a signature)

from __future__ import annotations

import sys
import weakref
from typing import Any

ACTIVATIONS = (
    "relu",
    "leaky_relu",
    "relu6",
    "elu",
    "selu",
    "celu",
    "silu",
    "hardswish",
    "hardtanh",
    "threshold",
    "dropout",
    "mish",
    "rrelu",
)
WITH_FLAG = tuple(f"torch.nn.functional.{name}" for name in ACTIVATIONS)
ALWAYS = (
    *("torch.relu_", "Tensor.relu_", "torch.nn.functional.relu_", "torch.nn.functional.leaky_relu_", "torch.nn.functional.elu_"),
    *("Tensor.tanh_", "Tensor.sigmoid_", "torch.tanh_", "torch.sigmoid_", "Tensor.add_", "Tensor.sub_", "Tensor.mul_", "Tensor.div_"),
)
ADDING = ("Tensor.add", "torch.add", "Tensor.__radd__", "Tensor.add_")
KEPT = 200


def install(recorder: Any) -> None:
    torch = sys.modules["torch"]
    changed: dict[int, tuple[weakref.ref, dict[str, Any]]] = {}

    def in_place(function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        target = args[0] if args else kwargs.get("input")
        running, frame = recorder.module_now(), next(recorder.sources.frames(sys._getframe(1)), None)
        if running is None or frame is None or result is not target or len(changed) >= KEPT:
            return
        names = [name for name, held in list(frame.f_locals.items()) if held is target]
        made = recorder.module_ref(running).get("built") if type(running).__module__.startswith("torch.") else None
        changed[id(target)] = (weakref.ref(target), {"place": recorder.place(), "built": made, "names": names[:8]})

    def added(function: Any, args: tuple, kwargs: dict) -> None:
        if len(args) != 2 or recorder.module_now() is None:
            return
        for position, operand in enumerate(args):
            known = changed.get(id(operand)) if isinstance(operand, torch.Tensor) and operand.numel() > 1 else None
            if known is not None and known[0]() is operand:
                recorder.observe("overwritten", {**known[1], "position": position}, recorder.place())

    recorder.on_function(ADDING, before=added)
    recorder.on_function((*WITH_FLAG, *ALWAYS), after=in_place)

"""Tensors that a module wants to learn and does not count among its parameters: plain attributes that require a gradient."""

from __future__ import annotations

import sys
from typing import Any


def install(recorder: Any) -> Any:
    torch = sys.modules["torch"]
    held: dict[int, Any] = {}

    def stepped(optimizer: Any) -> None:
        held.update((id(one), one) for group in optimizer.param_groups for one in group["params"])

    def finish() -> None:
        told: set[int] = set()
        for root in [*recorder.namespace_modules(), *(call.module for call in recorder.root_calls)]:
            trained = any(id(one) in held for one in root.parameters())
            for owner in root.modules():
                for attribute, value in list(vars(owner).items()):
                    if id(value) not in told and id(value) not in held and is_loose(torch, value):
                        told.add(id(value))
                        facts = {"owner": type(owner).__name__, "attribute": attribute, "shape": list(value.shape)}
                        facts |= {"gradient": value.grad is not None, "others_stepped": trained}
                        recorder.observe("unregistered-tensor", facts)

    recorder.on_step(post=stepped)
    return finish


def is_loose(torch: Any, value: Any) -> bool:
    return isinstance(value, torch.Tensor) and not isinstance(value, torch.nn.Parameter) and value.requires_grad and value.is_leaf

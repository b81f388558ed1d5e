"""Views inside a model that give a tensor the same sizes in another order: numbers are dealt out anew where axes should be exchanged."""

# ruff: noqa: ARG001  (callbacks share a signature)

from __future__ import annotations

from typing import Any

VIEWS = ("Tensor.view", "Tensor.reshape", "torch.reshape")
SIZES = 3


def install(recorder: Any) -> None:
    def viewed(function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        before, after = list(args[0].shape), list(result.shape)
        if before == after or len(before) < SIZES or recorder.module_now() is None:
            return
        old, new = [size for size in before if size != 1], [size for size in after if size != 1]
        if old != new and len(old) >= SIZES and sorted(old) == sorted(new):
            recorder.observe("reordered-view", {"before": before, "after": after}, recorder.place())

    recorder.on_function(VIEWS, after=viewed)

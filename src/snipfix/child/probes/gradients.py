"""Gradients that outlive their step: kept into the next backward pass, or thrown away before the optimizer saw them. And losses that are no numbers.

A gradient is stale when the parameter has changed since the backward pass that made it. Accumulating over several backward passes before one
step is not stale, and neither is a leftover that is cleared before its owner steps again.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from . import history

TRACKED = 6
SIZE = 65_536
KNOWN = 400
WALKS = 4
VALUES = 128
"""Losses that are kept of one place; when there are more, every second one of them goes, so that they stay spread over the whole training."""


class Leaf:
    """One parameter between backward passes: its gradient and value after the last one."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor
        self.gradient: Any | None = None
        self.value: Any | None = None
        self.piled: Any | None = None
        """The place of the backward pass that added to a stale gradient."""

    def kept(self) -> bool:
        """Whether the gradient of the last pass is still there, unchanged and not zero."""
        now = self.tensor.grad
        return now is not None and self.gradient is not None and same(now, self.gradient) and bool((now != 0).any())

    def changed(self) -> bool:
        return self.value is not None and not same(self.tensor.detach(), self.value)

    def remember(self) -> None:
        now = self.tensor.grad
        self.gradient = None if now is None else now.detach().clone()
        self.value = self.tensor.detach().clone()


class Gradients:
    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.torch = sys.modules["torch"]
        self.leaves: dict[int, Leaf] = {}
        self.watched: dict[Any, list[Leaf]] = {}
        self.walks: dict[Any, int] = {}
        self.current: list[Leaf] = []
        self.passes = 0
        self.losses: dict[Any, dict[str, Any]] = {}
        self.stale: dict[Any, int] = {}
        self.held = False
        """Whether an optimizer steps. If so its steps alone count: a weight that is clamped, or copied from another network, has taken none."""

    def before(self, roots: Any) -> None:
        with self.torch._C.DisableTorchFunction():
            place = self.recorder.place()
            key = None if place is None else tuple(place)
            self.passes += 1
            self._value(roots, key, place)
            self.current = self._tracked(roots, key)
            for leaf in self.current:
                if leaf.kept() and leaf.changed():
                    if leaf.piled is not None and not self.held:
                        self._confirm(leaf)
                    leaf.piled = place
                elif not leaf.kept():
                    leaf.piled = None

    def after(self, roots: Any) -> None:
        with self.torch._C.DisableTorchFunction():
            for leaf in self.current:
                leaf.remember()

    def stepping(self, optimizer: Any) -> None:
        with self.torch._C.DisableTorchFunction():
            self.held = True
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    leaf = self.leaves.get(id(parameter))
                    if leaf is not None and leaf.tensor is parameter and leaf.piled is not None and leaf.kept():
                        self._confirm(leaf)
                        leaf.piled = None

    def _confirm(self, leaf: Leaf) -> None:
        key = None if leaf.piled is None else tuple(leaf.piled)
        self.stale[key] = self.stale.get(key, 0) + 1
        if self.stale[key] == 1:
            self.recorder.observe("stale-gradient", {"shape": list(leaf.tensor.shape), "passes": self.passes}, leaf.piled)

    def _tracked(self, roots: Any, key: Any) -> list[Leaf]:
        """The smallest leaves of this graph; known from the first walks at this place."""
        self.walks[key] = self.walks.get(key, 0) + 1
        if self.walks[key] > WALKS:
            return self.watched.get(key, [])
        small = sorted((one for one in history.leaves(roots) if one.numel() <= SIZE), key=lambda one: one.numel())
        if len(self.leaves) < KNOWN:
            for tensor in small[:TRACKED]:
                known = self.leaves.get(id(tensor))
                if known is None:
                    self.leaves[id(tensor)] = Leaf(tensor)
        self.watched[key] = [self.leaves[id(tensor)] for tensor in small if id(tensor) in self.leaves]
        return self.watched[key]

    def _value(self, roots: Any, key: Any, place: Any) -> None:
        if len(roots) != 1 or roots[0].numel() != 1:
            return
        value = float(roots[0].detach())
        known = self.losses.get(key)
        if known is None:
            known = self.losses[key] = {
                "values": [], "every": 1, "passes": 0, "same": True, "negative": 0, "nonfinite": 0, "place": place,
            }  # fmt: skip
        if not math.isfinite(value):
            known["nonfinite"] = known["nonfinite"] or self.passes
        known["same"] = known["same"] and (not known["values"] or known["values"][0] == value)
        if known["passes"] % known["every"] == 0:
            known["values"].append(value)
        if len(known["values"]) == VALUES:
            del known["values"][1::2]
            known["every"] *= 2
        known["passes"] += 1
        known["negative"] += value < 0
        known["last"] = value

    def finish(self) -> None:
        for leaf in self.leaves.values():
            if leaf.piled is not None and leaf.kept() and leaf.changed() and not self.held:
                self._confirm(leaf)
        for known in self.losses.values():
            place = known.pop("place")
            known["steps"] = self.recorder.steps
            known["values"] = [value for value in known["values"] if math.isfinite(value)]
            self.recorder.observe("backward", known, place)


def same(one: Any, other: Any) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and bool((one == other).all())


def install(recorder: Any) -> Any:
    gradients = Gradients(recorder)
    recorder.on_backward(pre=gradients.before, post=gradients.after)
    recorder.on_step(pre=gradients.stepping)
    return gradients.finish

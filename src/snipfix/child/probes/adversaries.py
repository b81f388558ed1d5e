"""Two models against each other: in which direction each one's step pushes the judge's score of generated samples."""

from __future__ import annotations

import sys
from typing import Any

from .rerun import has_parameters
from .steps import held

STEPS = 12
PENDING = 24
MADE = 7


class Adversaries:
    """A judge is an outermost module fed with another outermost module's output; `real` are its other samples in its own step."""

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.torch = sys.modules["torch"]
        self.made: list[tuple[Any, Any]] = []
        """The latest outputs, kept so that their memory is not given to others."""
        self.pending: list[dict[str, Any]] = []
        self.backward: Any | None = None
        self.steps: dict[tuple, int] = {}

    def called(self, module: Any, args: tuple, kwargs: dict, output: Any) -> None:
        if self.recorder.modules.running or not isinstance(output, self.torch.Tensor) or not has_parameters(module):
            return
        with self.torch._C.DisableTorchFunction():
            given = args[0] if args and isinstance(args[0], self.torch.Tensor) else None
            source = self._maker(given)
            self.made = [*self.made[-MADE:], (output.detach(), module)]
            if output.requires_grad and output.is_floating_point() and len(self.pending) < PENDING:
                entry = {"judge": module, "maker": None if source is module else source, "sign": None, "place": self.recorder.place()}
                entry["attached"] = given is not None and given.grad_fn is not None
                self.recorder.on_gradient(output, lambda grad: entry.update(sign=sign(grad)))
                self.pending.append(entry)

    def _maker(self, given: Any) -> Any:
        """The outermost module that made these very values, detached or not; None for other values."""
        pointer = None if given is None else given.untyped_storage().data_ptr()
        return next((module for output, module in reversed(self.made) if output.untyped_storage().data_ptr() == pointer), None)

    def before_backward(self, roots: Any) -> None:
        self.backward = self.recorder.place()

    def stepped(self, optimizer: Any) -> None:
        own = {id(parameter) for parameter in held(optimizer)}
        for entry in self.pending:
            if entry["sign"] is not None:
                self._tell(entry, own)
        self.pending = [entry for entry in self.pending if entry["sign"] is None][-4:]

    def _tell(self, entry: dict[str, Any], own: set) -> None:
        judge, maker = entry["judge"], entry["maker"]
        judged = any(id(parameter) in own for parameter in judge.parameters())
        made = maker is not None and any(id(parameter) in own for parameter in maker.parameters())
        if judged == made:
            return
        role = "maker" if made else "judge" if maker is not None else "real"
        key = (id(judge), id(maker), role)
        self.steps[key] = self.steps.get(key, 0) + 1
        if self.steps[key] > STEPS:
            return
        facts = {
            "step": role,
            "sign": entry["sign"],
            "attached": entry["attached"],
            "judge": self.recorder.module_ref(judge),
            "maker": None if maker is None else self.recorder.module_ref(maker),
            "call": entry["place"],
        }
        self.recorder.observe("adversary", facts, self.backward)


def sign(gradient: Any) -> int:
    """1 when the score is pushed down (the loss grows with it), -1 when it is pushed up, 0 when mixed or flat."""
    low, high = float(gradient.min()), float(gradient.max())
    if low >= 0 and high > 0:
        return 1
    return -1 if high <= 0 and low < 0 else 0


def install(recorder: Any) -> None:
    adversaries = Adversaries(recorder)
    recorder.on_module(post=adversaries.called)
    recorder.on_backward(pre=adversaries.before_backward)
    recorder.on_step(post=adversaries.stepped)

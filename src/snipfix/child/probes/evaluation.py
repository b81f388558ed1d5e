"""Models called after training and steps taken meanwhile: in which mode. And dropout that works while its module is in evaluation mode."""

# ruff: noqa: ARG001  (callbacks share a signature)

from __future__ import annotations

import sys
from typing import Any

from .steps import held

WAITING = 64
NOISY = ("Dropout", "BatchNorm", "AlphaDropout", "SyncBatchNorm")
DROPOUTS = ("torch.nn.functional.dropout", "torch.nn.functional.dropout1d", "torch.nn.functional.dropout2d", "torch.nn.functional.alpha_dropout", "torch.dropout")  # fmt: skip


def install(recorder: Any) -> None:
    torch = sys.modules["torch"]
    seen: dict[Any, int] = {}
    modes = Modes(recorder)

    def called(module: Any, args: tuple, kwargs: dict, output: Any) -> None:
        modes.called(module)
        if recorder.modules.running or recorder.stage != "run" or not module.training or not recorder.steps:
            return
        place = recorder.place()
        key = (id(module), None if place is None else tuple(place))
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 1 and gathers_statistics():
            return
        noisy = noisy_layers(module)
        if seen[key] == 1 and noisy:
            recorder.observe(
                "training-mode",
                {"module": recorder.module_ref(module), "layers": noisy, "steps": recorder.steps, "graph": torch.is_grad_enabled()},
                place,
            )

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
    recorder.on_step(pre=modes.stepping)
    recorder.on_function(DROPOUTS, after=dropped)


def gathers_statistics() -> bool:
    """Whether torch itself runs the model in training mode, to gather the statistics of its normalisation anew."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "update_bn" and frame.f_globals.get("__name__") == "torch.optim.swa_utils":
            return True
        frame = frame.f_back
    return False


class Modes:
    """In which mode each outermost module was when its graph was made, and stepped for."""

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.waiting: dict[int, tuple[Any, bool, Any]] = {}
        """Modules called with a graph since the last step: the module, whether it was in training mode, where it was called."""
        self.trained: set[int] = set()

    def called(self, module: Any) -> None:
        torch = sys.modules["torch"]
        if not self.recorder.modules.running and self.recorder.stage == "run" and torch.is_grad_enabled() and len(self.waiting) < WAITING:
            self.waiting[id(module)] = (module, bool(module.training), self.recorder.place())

    def stepping(self, optimizer: Any) -> None:
        """Tells of a module that was stepped for in training mode before and is now in evaluation mode."""
        stepped = {id(parameter) for parameter in held(optimizer) if parameter.grad is not None}
        for key, (module, training, place) in list(self.waiting.items()):
            if not any(id(parameter) in stepped for parameter in module.parameters()):
                continue
            del self.waiting[key]
            layers = noisy_layers(module, training=False)
            if training:
                self.trained.add(key)
            elif key in self.trained and layers:
                facts = {"module": self.recorder.module_ref(module), "layers": layers, "steps": self.recorder.steps}
                self.recorder.observe("evaluation-step", facts, place)


def noisy_layers(module: Any, *, training: bool = True) -> list[str]:
    """Types of the layers that behave otherwise in training mode and are (not) in it."""
    found = {
        type(one).__name__
        for one in module.modules()
        if type(one).__name__.startswith(NOISY) and one.training is training and getattr(one, "p", 1) != 0
    }
    return sorted(found)

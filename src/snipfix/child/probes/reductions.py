"""Sums and means on the way to a loss: what they run over, and with which sign the training uses them."""

from __future__ import annotations

import sys
from typing import Any

PER_PLACE = 2
NAMED = 24


def install(recorder: Any) -> None:
    seen: dict[Any, int] = {}

    def reduced(function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        source = args[0] if args else kwargs.get("input")
        if not getattr(result, "requires_grad", False) or result.dim() > 1 or source.dim() == 0:
            return
        place = recorder.place()
        key = None if place is None else tuple(place)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > PER_PLACE:
            return
        gradient: dict[str, Any] = {}
        values = source.detach()
        facts = {
            "function": function.__name__,
            "shape": list(source.shape),
            "result": list(result.shape),
            "numel": source.numel(),
            "low": float(values.min()),
            "high": float(values.max()),
            "value": float(result.detach().sum()),
            "gradient": gradient,
            "trained": trained_names(recorder),
        }
        recorder.on_gradient(result, lambda grad: gradient.update(low=float(grad.min()), high=float(grad.max())))
        recorder.observe("reduction", facts, place)

    recorder.on_function(("torch.sum", "Tensor.sum", "torch.mean", "Tensor.mean"), after=reduced)


def trained_names(recorder: Any) -> list[str]:
    """The local names of the innermost frame of the snippet that hold tensors with a gradient."""
    frame = next(recorder.sources.frames(sys._getframe(1)), None)
    held = [] if frame is None else list(frame.f_locals.items())
    tensor = sys.modules["torch"].Tensor
    return [name for name, value in held if isinstance(value, tensor) and value.requires_grad][:NAMED]

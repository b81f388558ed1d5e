"""Whether random numbers were drawn, and whether the snippet seeded the generators first: an output may only be compared when it is determined."""

# ruff: noqa: ARG001, B905  (callbacks share a signature; zip has no strict in Python 3.9)

from __future__ import annotations

import random
import sys
from typing import Any


def install(recorder: Any) -> Any:
    torch = sys.modules["torch"]
    numpy = sys.modules.get("numpy")
    seeds = {"torch": False}
    start = state(torch, numpy)

    def seeded(function: Any) -> Any:
        def seed(*args: Any, **kwargs: Any) -> Any:
            if recorder.stage == "run":  # also in a block that the snippet builds on
                seeds["torch"] = True
            return function(*args, **kwargs)

        seed.__name__, seed.__doc__ = function.__name__, function.__doc__
        return seed

    torch.manual_seed = seeded(torch.manual_seed)
    torch.random.manual_seed = torch.manual_seed

    def finish() -> None:
        drawn = [name for name, before, now in zip(("torch", "python", "numpy"), start, ended[0] or state(torch, numpy)) if before != now]
        recorder.observe("randomness", {"drawn": drawn, "seeded": seeds["torch"]})

    ended = [None]

    def entered(module: Any, args: tuple, kwargs: dict) -> None:
        """The state at the end of the run is the one before the first call that the snippet does not make."""
        if recorder.stage != "run" and ended[0] is None:
            ended[0] = state(torch, numpy)

    recorder.on_module(pre=entered)
    return finish


def state(torch: Any, numpy: Any) -> tuple:
    """Cheap fingerprints of the generators' states."""
    return (
        hash(torch.random.get_rng_state().numpy().tobytes()),
        hash(random.getstate()),
        None if numpy is None else _of_numpy(numpy.random.get_state()),
    )


def _of_numpy(state: tuple) -> int:
    return hash((state[1].tobytes(), state[2]))

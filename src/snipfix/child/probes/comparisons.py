"""Comparisons that are not what they seem: scores with classes, a column with a row, a tuple with a tensor, a parameter with itself."""

# ruff: noqa: ARG001  (callbacks share a signature)

from __future__ import annotations

import sys
from typing import Any

SAME = ("torch.equal", "Tensor.equal", "torch.allclose", "Tensor.allclose", "torch.isclose", "Tensor.sub", "torch.sub", "torch.dist")
EQUAL = ("Tensor.__eq__", "Tensor.eq", "torch.eq", "Tensor.ne", "torch.ne")
PER_PLACE = 2


def install(recorder: Any) -> None:
    torch = sys.modules["torch"]
    seen: dict[Any, int] = {}

    def compared(function: Any, args: tuple, kwargs: dict) -> None:
        if len(args) != 2:
            return
        place = recorder.place()
        key = None if place is None else tuple(place)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > PER_PLACE:
            return
        if isinstance(args[1], torch.Tensor) and recorder.modules.calls:
            for position, (scores, classes) in enumerate((args, args[::-1])):
                if is_column_against_row(scores, classes):
                    facts = {"position": position, "shape": list(scores.shape), "other_shape": list(classes.shape)}
                    recorder.observe("comparison-broadcast", facts, place)
                if never_equal(torch, scores, classes):
                    recorder.observe("scores-compared", facts_of(scores, classes, position), place)
        elif isinstance(args[1], tuple) and any(isinstance(one, torch.Tensor) for one in args[1]):
            facts = {"type": type(args[1]).__name__, "length": len(args[1]), "names": names_of(recorder, args[1])}
            recorder.observe("tuple-compared", facts, place)

    def itself(function: Any, args: tuple, kwargs: dict) -> None:
        both = len(args) >= 2 and all(isinstance(one, torch.Tensor) for one in args[:2])
        if both and recorder.steps and is_parameter_itself(torch, *args[:2]):
            recorder.observe("compared-with-itself", {"shape": list(args[0].shape), "steps": recorder.steps}, recorder.place())

    recorder.on_function(EQUAL, before=compared)
    recorder.on_function((*EQUAL, *SAME), before=itself)


def is_column_against_row(column: Any, row: Any) -> bool:
    """Whether (n, 1) meets (n,) with other values; the same values against themselves are meant to be paired."""
    if column.dim() != 2 or row.dim() != 1 or column.shape[1] != 1 or column.shape[0] != row.shape[0] or row.shape[0] < 2:
        return False
    return column.untyped_storage().data_ptr() != row.untyped_storage().data_ptr()


def is_parameter_itself(torch: Any, one: Any, other: Any) -> bool:
    """Whether both are the same numbers in memory, and one of them is a parameter."""
    if one.shape != other.shape or one.stride() != other.stride() or one.numel() == 0 or one.data_ptr() != other.data_ptr():
        return False
    return isinstance(one, torch.nn.Parameter) or isinstance(other, torch.nn.Parameter)


def never_equal(torch: Any, scores: Any, classes: Any) -> bool:
    """Whether no score is a whole number and every class is one. Asking whether numbers are whole, `x == x.long()`, is no such comparison."""
    if not scores.is_floating_point() or min(scores.numel(), classes.numel()) < 2 or classes.dtype == torch.bool or classes.is_complex():
        return False
    scores, classes = scores.detach(), classes.detach()
    if bool((scores == scores.round()).any()) or not bool(torch.isfinite(scores).all()):
        return False
    kinds = classes.unique().tolist()
    if len(kinds) < 2 or (classes.is_floating_point() and kinds != [0.0, 1.0]):
        return False
    roundings = (scores.trunc(), scores.round(), scores.floor(), scores.ceil())
    return not any(one.shape == classes.shape and bool((one == classes).all()) for one in roundings)


def facts_of(scores: Any, classes: Any, position: int) -> dict[str, Any]:
    one_hot = scores.shape == classes.shape and scores.dim() == 2 and scores.shape[1] > 1 and bool((classes.sum(dim=1) == 1).all())
    return {
        "position": position,
        "scores": list(scores.shape),
        "classes": list(classes.shape),
        "type": str(classes.dtype).removeprefix("torch."),
        "low": float(scores.min()),
        "high": float(scores.max()),
        "one_hot": one_hot,
    }


def names_of(recorder: Any, value: Any) -> list[str]:
    """What the innermost frame of the snippet calls the object."""
    frame = next(recorder.sources.frames(sys._getframe(1)), None)
    return [] if frame is None else [name for name, held in list(frame.f_locals.items()) if held is value][:4]

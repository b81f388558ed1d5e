"""Views inside a model that give a tensor the same sizes in another order: numbers are dealt out anew where axes should be exchanged."""

# ruff: noqa: ARG001  (callbacks share a signature)

from __future__ import annotations

from typing import Any

VIEWS = ("Tensor.view", "Tensor.reshape", "torch.reshape")
SIZES = 3
COLOURS, SIDE = 3, 8
"""How many channels a picture has, and from which side on it is one and no toy of a page on shapes."""


def install(recorder: Any) -> None:
    def viewed(function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        before, after = list(args[0].shape), list(result.shape)
        inside = recorder.module_now() is not None
        if before == after or len(before) < SIZES or not (inside or is_picture(before, after)):
            return
        form = heads(before, after)
        if form and inside:
            recorder.observe("scattered-heads", {"before": before, "after": after, "form": form}, recorder.place())
        old, new = [size for size in before if size != 1], [size for size in after if size != 1]
        if old != new and len(old) >= SIZES and sorted(old) == sorted(new):
            recorder.observe("reordered-view", {"before": before, "after": after}, recorder.place())

    recorder.on_function(VIEWS, after=viewed)


def is_picture(before: list[int], after: list[int]) -> bool:
    """Whether pictures with their channels last are given the sizes of pictures with their channels first."""
    if len(before) != 4 or before[3] != COLOURS or min(before[1:3]) < SIDE:
        return False
    return after == [before[0], before[3], before[1], before[2]]


def heads(before: list[int], after: list[int]) -> str:
    """`split` for (batch, steps, width) dealt out as (batch, heads, steps, part), `joined` for the way back; empty for anything else."""
    long, short = (after, before) if len(after) == 4 else (before, after)
    if len(long) != 4 or len(short) != 3 or min(long[:3]) < 2 or long[1] == long[2]:
        return ""
    if long[0] != short[0] or long[2] != short[1] or long[1] * long[3] != short[2]:
        return ""
    return "split" if long is after else "joined"

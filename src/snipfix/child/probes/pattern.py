"""Which output depends on which input, each with each: the module is run on the first few indices of one dim alone, one of them changed at a time."""

# ruff: noqa: B905  (zip has no strict in Python 3.9)

from __future__ import annotations

from typing import Any

from . import rerun

EDGE = 8
"""Indices that are looked at: a picture that a reader takes in, and not much more work than one call on the whole input."""
ELEMENTS = 100_000


def look(bench: Any, name: str, dim: int) -> dict[str, Any] | None:
    """For each index of the input, the indices of the output that move with it; None where the module takes no shorter input."""
    size = bench.tensors()[name].shape[dim]
    for given in shorter(bench, size, dim):
        if given[name].numel() > ELEMENTS:
            return None
        moved = columns(bench, name, dim, given)
        if moved is not None:
            return {"of": size, "moved": moved}
    return None


def shorter(bench: Any, size: int, dim: int) -> list[dict[str, Any]]:
    """The arguments cut to the first indices of `dim`; if that does not run, of whatever dim is as long (a state has its batch in the second)."""
    values = {**dict(zip(bench.names, bench.args)), **bench.kwargs}
    if size <= EDGE:
        return [values]
    return [{one: cut(bench.torch, value, size, where) for one, value in values.items()} for where in (dim, None)]


def cut(torch: Any, value: Any, size: int, dim: int | None) -> Any:
    if isinstance(value, torch.Tensor):
        for axis in range(value.dim()):
            if value.shape[axis] == size and dim in (axis, None):
                value = value.narrow(axis, 0, EDGE)
        return value
    if type(value) in (tuple, list):
        return type(value)(cut(torch, one, size, dim) for one in value)
    return value


def columns(bench: Any, name: str, dim: int, given: dict[str, Any]) -> list[list[int]] | None:
    base = bench.run(**given)
    count = given[name].shape[dim]
    if base is None or dim >= base.dim() or base.shape[dim] != count or not base.is_floating_point() or not bool(base.isfinite().all()):
        return None
    moved = []
    for index in range(count):
        changed = rerun.altered(bench.torch, given[name], dim, index)
        output = None if changed is None else bench.run(**{**given, name: changed})
        if output is None or output.shape != base.shape:
            return None
        moved.append(rerun.touched(base, output, dim))
    return moved

"""Calling a module again on changed inputs: in evaluation mode, without a graph, leaving no trace in it."""

# ruff: noqa: ARG001, B905  (callbacks share a signature; zip has no strict in Python 3.9)

from __future__ import annotations

import contextlib
import inspect
import sys
import time
from collections.abc import Iterator
from typing import Any

SECONDS = 8.0
"""Processor time for all that is called again: what is seen is no matter of the machine's load."""
SLOW = 2.0
"""Processor time of one call; slower modules are called on fewer samples, or not at all."""
QUICK = 0.3
"""Processor time up to which a call is repeated on all samples."""
FEW = 4
ELEMENTS = 2_000_000
TOLERANCE = 1e-4
ROOTS = 16


class Bench:
    """One module with the arguments of its first call, ready to be called again."""

    def __init__(self, recorder: Any, call: Any) -> None:
        self.recorder, self.module, self.span = recorder, call.module, call.span
        self.torch = sys.modules["torch"]
        self.args, self.kwargs = call.args, call.kwargs
        self.names = argument_names(call.module, call.args, call.kwargs)
        self.whole = self.tensors()
        """The tensor arguments as the snippet gave them, where fewer samples are called again."""
        self.seed = 0

    def tensors(self) -> dict[str, Any]:
        """The tensor arguments by parameter name."""
        pairs = {**dict(zip(self.names, self.args)), **self.kwargs}
        return {name: value for name, value in pairs.items() if isinstance(value, self.torch.Tensor)}

    def run(self, **changed: Any) -> Any | None:
        """The first tensor of the output with some arguments replaced; None when there is none or the call fails."""
        args = tuple(changed.get(name, value) for name, value in zip(self.names, self.args))
        kwargs = {**self.kwargs, **{name: value for name, value in changed.items() if name not in self.names[: len(self.args)]}}
        torch = self.torch
        generator = torch.random.get_rng_state()
        try:
            with torch.no_grad():
                torch.manual_seed(self.seed)
                return first_tensor(torch, self.module(*args, **kwargs))
        except Exception:
            return None
        finally:
            torch.random.set_rng_state(generator)

    def steady(self) -> Any | None:
        """The output on the unchanged arguments, when two calls agree and are quick enough; else None. Slow modules are given fewer samples."""
        output, spent = self.timed()
        if output is not None and spent > QUICK and self.narrow():
            output, spent = self.timed()
        if output is None or spent > SLOW or not output.is_floating_point() or not bool(output.isfinite().all()):
            return None
        again = self.run()
        return output if again is not None and again.shape == output.shape and close(output, again) else None

    def draws(self) -> bool:
        """Whether its output hangs on random numbers."""
        before = self.run()
        self.seed = 1
        try:
            after = self.run()
        finally:
            self.seed = 0
        return before is None or after is None or differs(before, after)

    def timed(self) -> tuple[Any | None, float]:
        started = time.process_time()
        return self.run(), time.process_time() - started

    def narrow(self) -> bool:
        """Keep the first few along a dim in which all tensors agree, if the module takes them so: the batch, or as good as one."""
        tensors = list(self.tensors().values())
        kept = self.args, self.kwargs
        for dim in (0, 1):
            sizes = {one.shape[dim] if one.dim() > dim else -1 for one in tensors}
            size = sizes.pop() if len(sizes) == 1 else -1
            if size <= FEW:
                continue
            cut = {id(one): one.narrow(dim, 0, FEW).contiguous() for one in tensors}
            self.args = tuple(cut.get(id(value), value) for value in kept[0])
            self.kwargs = {name: cut.get(id(value), value) for name, value in kept[1].items()}
            if self.run() is not None:
                return True
        self.args, self.kwargs = kept
        return False


def benches(recorder: Any) -> Iterator[Bench]:
    """A bench for each outermost module whose call is small enough, while the time for looking again lasts."""
    spent = recorder.__dict__.setdefault("_rerun_seconds", [0.0])
    known = set()
    for call in list(recorder.root_calls):
        if id(call.module) in known or spent[0] > SECONDS or len(known) >= ROOTS or not has_parameters(call.module):
            continue
        known.add(id(call.module))
        bench = Bench(recorder, call)
        tensors = bench.tensors()
        if not tensors or any(one.numel() > ELEMENTS for one in tensors.values()):
            continue
        started = time.process_time()
        with evaluating(bench.torch, call.module):
            yield bench
        spent[0] += time.process_time() - started


@contextlib.contextmanager
def evaluating(torch: Any, module: Any) -> Iterator[None]:
    """The module in evaluation mode; parameters that are all zero get small values meanwhile, so that what they add shows."""
    modes = [(one, one.training) for one in module.modules()]
    zeros: list[tuple[Any, Any]] = []
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    generator = torch.Generator().manual_seed(0)
    try:
        module.eval()
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.is_floating_point() and not bool((parameter != 0).any()):
                    zeros.append((parameter, parameter.detach().clone()))
                    parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zeros:
                parameter.copy_(value)
        for one, training in modes:
            one.training = training
        torch.backends.mha.set_fastpath_enabled(fast)


def has_parameters(module: Any) -> bool:
    return next(module.parameters(), None) is not None


def argument_names(module: Any, args: tuple, kwargs: dict) -> list[str]:
    """The parameter names of forward, in order, for the positional arguments."""
    try:
        parameters = [
            one.name
            for one in inspect.signature(module.forward).parameters.values()
            if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        parameters = []
    return [*parameters, *(f"argument {n}" for n in range(len(parameters), len(args)))][: max(len(args), len(parameters))]


def first_tensor(torch: Any, output: Any) -> Any | None:
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, (tuple, list)):
        return next((found for found in (first_tensor(torch, item) for item in output) if found is not None), None)
    return None


def close(one: Any, other: Any) -> bool:
    return not differs(one, other)


def differs(one: Any, other: Any) -> bool:
    """Whether two outputs differ by more than rounding."""
    if one.shape != other.shape:
        return True
    if not one.numel():
        return False
    return bool(((one - other).abs() > TOLERANCE * scale(one)).any())


def scale(tensor: Any) -> float:
    return max(float(tensor.abs().max()), 1e-6) if tensor.numel() else 1.0


def touched(one: Any, other: Any, dim: int) -> list[int]:
    """The indices along `dim` at which two outputs differ by more than rounding."""
    if one.shape != other.shape:
        return list(range(one.shape[dim]))
    moved = (one - other).abs() > TOLERANCE * scale(one)
    others = [axis for axis in range(one.dim()) if axis != dim]
    flat = moved.sum(dim=others) if others else moved
    return [int(index) for index in flat.nonzero().flatten()]


def altered(torch: Any, tensor: Any, dim: int, index: int) -> Any | None:
    """The tensor with other values at one index of one dim: noise, or other ids among those seen; None when there are no others."""
    changed = tensor.clone()
    view = changed.select(dim, index)
    if tensor.is_floating_point():
        generator = torch.Generator().manual_seed(1)
        spread = float(tensor.std()) if tensor.numel() > 1 else 1.0
        noise = torch.randn(view.shape, generator=generator)
        view += (noise * (spread or 1.0) * 2).to(view.dtype).to(view.device)
    elif tensor.dtype is not torch.bool:
        high = int(tensor.max())
        if high <= int(tensor.min()) or int(tensor.min()) < 0:
            return None
        view.copy_((view + 1 + high // 3) % (high + 1))
    else:
        return None
    return changed


def is_mask(name: str, torch: Any, tensor: Any) -> bool:
    return "mask" in name.lower() or tensor.dtype is torch.bool

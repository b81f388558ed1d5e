"""Do the samples of a batch stay apart? One sample is changed, and every output that moves is noted, along every dim; then which call mixed first."""

# ruff: noqa: B905  (zip has no strict in Python 3.9)

from __future__ import annotations

from typing import Any

from . import pattern, rerun

LAYERS = ("MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer", "Transformer", "RNN", "LSTM", "GRU")
CALLS = 200


def install(recorder: Any) -> Any:
    def finish() -> None:
        for bench in rerun.benches(recorder):
            facts = look(bench)
            if facts:
                recorder.observe("batch", facts, bench.span)

    return finish


def look(bench: Any) -> dict[str, Any] | None:
    """The dependence of the output on the first argument, for its first two dims, and the first module call that mixed."""
    torch = bench.torch
    main = main_argument(bench)
    if main is None or bench.tensors()[main].dim() < 2:
        return None
    base = bench.steady()
    if base is None or base.dim() == 0:
        return None
    dims: dict[str, Any] = {}
    for dim in (0, 1):
        found = dependence(bench, main, base, dim)
        if found:
            dims[str(dim)] = found
    if not dims:
        return None
    tensor = bench.whole[main]  # what the author calls a batch is the whole of it
    return {
        "module": bench.recorder.module_ref(bench.module),
        "argument": main,
        "arguments": {name: list(one.shape) for name, one in bench.whole.items()},
        "input": list(tensor.shape),
        "integers": not (tensor.is_floating_point() or tensor.dtype is torch.bool),
        "output": list(base.shape),
        "dims": dims,
        "layers": sequence_layers(bench),
        "mixer": mixer(bench, main) if dims.get("0", {}).get("mixes") else None,
    }


def main_argument(bench: Any) -> str | None:
    return next((name for name, one in bench.tensors().items() if not rerun.is_mask(name, bench.torch, one)), None)


def dependence(bench: Any, main: str, base: Any, dim: int) -> dict[str, Any] | None:
    """Which indices of the output move when index k of one input dim is changed, for every output dim of that size."""
    tensor = bench.tensors()[main]
    size = tensor.shape[dim]
    if size < 2 or size > 4096:
        return None
    index = size // 2
    changed = together(bench, main, dim, index)
    if changed is None:
        return None
    output = bench.run(**changed)
    if output is None:
        return None
    moved = {str(axis): rerun.touched(base, output, axis)[:64] for axis in range(base.dim()) if base.shape[axis] == size}
    own = dim < base.dim() and base.shape[dim] == size
    others = [one for one in moved.get(str(dim), []) if one != index]
    facts = {"size": size, "index": index, "moved": moved, "kept": own, "mixes": bool(own and others), "alive": rerun.differs(base, output)}
    return {**facts, "pattern": pattern.look(bench, main, dim) if own and dim == 0 else None}


def together(bench: Any, main: str, dim: int, index: int) -> dict[str, Any] | None:
    """The main argument changed at one index; other arguments stay."""
    changed = rerun.altered(bench.torch, bench.tensors()[main], dim, index)
    return None if changed is None else {main: changed}


def sequence_layers(bench: Any) -> list[dict[str, Any]]:
    """The layers whose meaning of dim 0 depends on batch_first, outermost of their kind."""
    found, inner = [], set()
    for module in bench.module.modules():
        if type(module).__name__ in LAYERS and id(module) not in inner and type(module).__module__.startswith("torch.nn"):
            inner.update(id(one) for one in module.modules())
            reference = bench.recorder.module_ref(module)
            reference["first"] = batch_first(module)
            found.append(reference)
    return found[:12]


def batch_first(module: Any) -> bool | None:
    own = getattr(module, "batch_first", None)
    if own is None and hasattr(module, "self_attn"):
        own = module.self_attn.batch_first
    return own


def mixer(bench: Any, main: str) -> dict[str, Any] | None:
    """The first torch function whose output depends on the changed sample in other rows of dim 0: its place, what came before it, and
    whether nothing comes after it."""
    size = bench.tensors()[main].shape[0]
    index = size // 2
    changed = together(bench, main, 0, index)
    if changed is None:
        return None
    before, after = trace(bench, {}), trace(bench, changed)
    for number, ((name, span, one, path), (other_name, _, other, _)) in enumerate(zip(before, after)):
        if name != other_name or one.shape != other.shape:
            return None
        if one.dim() and one.shape[0] == size and one.is_floating_point() and set(rerun.touched(one, other, 0)) - {index}:
            facts = {"function": name, "span": span, "module": path, "shape": list(one.shape)}
            return {**facts, "of": before[number - 1][0] if number else "", "last": number + 1 == len(before)}
    return None


def trace(bench: Any, changed: dict[str, Any]) -> list[tuple]:
    """The tensors that the torch functions called in one forward gave: (name, place, tensor, running module), the first few."""
    recorder, torch = bench.recorder, bench.torch
    found: list[tuple] = []

    class Trace(torch.overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
        def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
            result = function(*args, **(kwargs or {}))
            value = rerun.first_tensor(torch, result) if len(found) < CALLS else None
            if value is not None and value.numel() <= 1_000_000:
                running = recorder.module_now()
                found.append(
                    (function.__name__, recorder.place(), value.detach().clone(), None if running is None else recorder.module_ref(running))
                )
            return result

    with Trace():
        bench.run(**changed)
    return found

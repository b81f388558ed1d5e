"""Does a sequence model know the order, and does it see what is still to come? Later positions are changed, and positions are exchanged."""

# ruff: noqa: ARG001, B905  (callbacks share a signature; zip has no strict in Python 3.9)

from __future__ import annotations

from typing import Any

from . import pattern, rerun
from .batches import batch_first, main_argument, trace

ATTENTION = (
    "MultiheadAttention",
    "TransformerEncoderLayer",
    "TransformerDecoderLayer",
    "Transformer",
    "TransformerEncoder",
    "TransformerDecoder",
)
PROJECTIONS = ({"query", "key"}, {"q", "k"}, {"wq", "wk"}, {"queries", "keys"}, {"toq", "tok"})
STACKS = (
    "TransformerDecoder",
    "TransformerEncoder",
    "Transformer",
    "TransformerDecoderLayer",
    "TransformerEncoderLayer",
    "MultiheadAttention",
)


def install(recorder: Any) -> Any:
    targets: list[Any] = []

    def loss(function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if len(targets) < 8 and target is not None and not target.is_floating_point():
            targets.append(target.detach().reshape(-1).clone())

    def finish() -> None:
        for bench in rerun.benches(recorder):
            facts = look(bench, targets)
            if facts:
                recorder.observe("order", facts, bench.span)

    recorder.on_function(("torch.nn.functional.cross_entropy", "torch.nn.functional.nll_loss"), after=loss)
    return finish


def look(bench: Any, targets: list[Any]) -> dict[str, Any] | None:
    torch, module = bench.torch, bench.module
    attention = sorted({type(one).__name__ for one in module.modules() if type(one).__name__ in ATTENTION or is_own_attention(one)})
    base = bench.steady()
    if base is None:
        return None
    arguments = {}
    for name, tensor in bench.tensors().items():
        if not rerun.is_mask(name, torch, tensor) and tensor.dim() >= 2:
            arguments[name] = argument(bench, name, tensor, base, targets)
    main = main_argument(bench)
    if not arguments or main is None:
        return None
    return {
        "module": bench.recorder.module_ref(module),
        "main": main,
        "attention": attention,
        "embeddings": embeddings(bench),
        "vocabularies": sorted({one.num_embeddings for one in module.modules() if type(one).__name__ == "Embedding"}),
        "stacks": stacks(bench),
        "masks": [name for name in bench.names if "mask" in name.lower()],
        "parameters": list(bench.names),
        "output": list(base.shape),
        "arguments": arguments,
    }


def is_own_attention(module: Any) -> bool:
    """Whether a module of the author's is an attention: by its name, or by its projections to queries and keys."""
    if not any(True for _ in module.parameters()):
        return False
    parts = {name.lower().replace("_", "").replace("proj", "").replace("layer", "") for name, _ in module.named_children()}
    return "attention" in type(module).__name__.lower() or any(pair <= parts for pair in PROJECTIONS)


def argument(bench: Any, name: str, tensor: Any, base: Any, targets: list[Any]) -> dict[str, Any]:
    """What the output does when later positions of one argument change, and when its positions change places."""
    torch = bench.torch
    facts: dict[str, Any] = {
        "shape": list(tensor.shape),
        "integers": not (tensor.is_floating_point() or tensor.dtype is torch.bool),
        "future": {},
        "blind": {},
    }
    for dim in (0, 1):
        if tensor.shape[dim] >= 2:
            facts["future"][str(dim)] = future(bench, name, tensor, base, dim)
            facts["blind"][str(dim)] = blind(bench, name, tensor, base, dim)
    given = [value for value in (*bench.args, *bench.kwargs.values()) if value is not None]
    others = len(given) > 1  # a state, say, would have to change places with it
    if facts["blind"].get("0") is False and not others and not bench.draws():
        facts["placed"] = placed(bench, name, tensor)
    if facts["integers"]:
        facts["target"] = next((kind for kind in (shifted(bench.whole.get(name, tensor), target) for target in targets) if kind), "")
    return facts


def future(bench: Any, name: str, tensor: Any, base: Any, dim: int) -> dict[str, Any] | None:
    """Positions of the output that move when position t of the argument is changed; None when the output has no such positions."""
    size = tensor.shape[dim]
    t = size // 2
    if dim >= base.dim() or base.shape[dim] != size:
        return None
    changed = rerun.altered(bench.torch, tensor, dim, t)
    output = None if changed is None else bench.run(**{name: changed})
    if output is None or output.shape != base.shape:
        return None
    moved = rerun.touched(base, output, dim)
    return {
        "t": t,
        "earlier": [one for one in moved if one < t][:8],
        "later": [one for one in moved if one > t][:8],
        "own": t in moved,
        "pattern": pattern.look(bench, name, dim) if attends(bench.module) else None,
    }


def attends(module: Any) -> bool:
    """Whether it is a model of which one asks what it sees of the time to come."""
    return any(type(one).__name__ in ATTENTION or is_own_attention(one) for one in module.modules())


def blind(bench: Any, name: str, tensor: Any, base: Any, dim: int) -> bool | None:
    """Whether exchanging positions only exchanges the outputs, or changes nothing."""
    torch = bench.torch
    size = tensor.shape[dim]
    places = torch.arange(size).roll(1)
    if rerun.close(tensor.float(), tensor.index_select(dim, places).float()):
        return None
    output = bench.run(**{name: tensor.index_select(dim, places)})
    if output is None or output.shape != base.shape:
        return None
    if rerun.close(base, output):
        return True
    return dim < base.dim() and base.shape[dim] == size and rerun.close(base.index_select(dim, places), output)


def placed(bench: Any, name: str, tensor: Any) -> dict[str, Any] | None:
    """The first torch function that tells the rows of dim 0 apart by their place: its results do not change places when the rows do."""
    size = tensor.shape[0]
    places = bench.torch.arange(size).roll(1)
    before, after = trace(bench, {}), trace(bench, {name: tensor.index_select(0, places)})
    for (function, span, one, path), (other_function, _, other, _) in zip(before, after):
        if function != other_function or one.shape != other.shape:
            return None
        rows = one.dim() and one.shape[0] == size and one.is_floating_point()
        if rows and not rerun.close(one, other) and not rerun.close(one.index_select(0, places), other):
            return {"function": function, "span": span, "module": path, "shape": list(one.shape)}
    return None


def shifted(tensor: Any, target: Any) -> str:
    """How a target relates to the input: `same` or `next` (the target at t is the input at t + 1)."""
    if tensor.dim() != 2 or tensor.numel() < 4:
        return ""
    flat = tensor.reshape(-1)
    if target.numel() == flat.numel() and bool((target == flat).all()):
        return "same"
    if target.numel() == flat.numel():
        grid = target.reshape(tensor.shape)
        if tensor.shape[1] > 2 and bool((grid[:, :-1] == tensor[:, 1:]).all()):
            return "next"
        if tensor.shape[0] > 2 and bool((grid[:-1] == tensor[1:]).all()):
            return "next"
    return ""


def embeddings(bench: Any) -> list[dict[str, Any]]:
    """Where ids become vectors: the embedding modules that were called in one forward, with the place of the call."""
    return called(bench, ("Embedding",))


def stacks(bench: Any) -> list[dict[str, Any]]:
    """The outermost attention modules called in one forward: place, and whether their output at t depends on later positions."""
    torch = bench.torch
    main = main_argument(bench)
    before = called(bench, STACKS, keep=True)
    tensor = bench.tensors()[main] if main else None
    results = []
    for dim in (0, 1):
        changed = rerun.altered(torch, tensor, dim, tensor.shape[dim] // 2) if tensor is not None and tensor.shape[dim] >= 2 else None
        after = called(bench, STACKS, keep=True, changed={main: changed}) if changed is not None else []
        for one, other in zip(before, after):
            output, moved = one["tensor"], other["tensor"]
            if (
                output is not None
                and moved is not None
                and output.shape == moved.shape
                and dim < output.dim()
                and output.shape[dim] == tensor.shape[dim]
            ):
                t = tensor.shape[dim] // 2
                one.setdefault("earlier", {})[str(dim)] = [index for index in rerun.touched(output, moved, dim) if index < t][:8]
    for one in before:
        one.pop("tensor", None)
        results.append(one)
    return results


def called(bench: Any, types: tuple, keep: bool = False, changed: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The outermost calls of modules of these types in one forward."""
    recorder, torch = bench.recorder, bench.torch
    found: list[dict[str, Any]] = []

    def after(module: Any, args: tuple, kwargs: dict, output: Any) -> None:
        outer = any(type(one).__name__ in types for one in recorder.modules.running)
        if type(module).__name__ in types and not outer and len(found) < 16:
            facts = {
                "module": recorder.module_ref(module),
                "span": recorder.place(),
                "masks": sorted(name for name, value in kwargs.items() if value is not None and ("mask" in name or name == "is_causal")),
                "arguments": len(args),
                "first": batch_first(module) if not hasattr(module, "layers") else batch_first(module.layers[0]),
            }
            if keep:
                value = rerun.first_tensor(torch, output)
                facts["tensor"] = None if value is None else value.detach().clone()
            found.append(facts)

    recorder.on_module(post=after)
    try:
        bench.run(**(changed or {}))
    finally:
        recorder.modules.subscribers.pop()
    return found

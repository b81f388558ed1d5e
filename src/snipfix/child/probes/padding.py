"""Is padding ignored? A sequence is compared with itself and one more position that the mask rules out."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from . import rerun
from .order import ATTENTION, is_own_attention


def install(recorder: Any) -> Any:
    def finish() -> None:
        for bench in rerun.benches(recorder):
            facts = look(bench)
            if facts:
                recorder.observe("padding", facts, bench.span)

    return finish


def look(bench: Any) -> Optional[Dict[str, Any]]:
    """Facts about a model that takes ids or vectors of shape (B, S, ...) and a mask of shape (B, S)."""
    found = sequence_and_mask(bench)
    if found is None:
        return None
    name, mask_name = found
    tensor, mask = bench.tensors()[name], bench.tensors()[mask_name]
    verdicts = {polarity: compare(bench, name, tensor, mask_name, mask, polarity) for polarity in ("real", "padding")}
    if all(verdict is None for verdict in verdicts.values()):
        return None
    module = bench.module
    return {
        "module": bench.recorder.module_ref(module),
        "input": name,
        "mask": mask_name,
        "attention": sorted({type(one).__name__ for one in module.modules() if type(one).__name__ in ATTENTION or is_own_attention(one)}),
        "verdicts": verdicts,
    }


def sequence_and_mask(bench: Any) -> Optional[Tuple[str, str]]:
    tensors = bench.tensors()
    for mask_name, mask in tensors.items():
        if "mask" not in mask_name.lower() or mask.dim() != 2 or mask.shape[1] < 3:
            continue
        for name, tensor in tensors.items():
            if name != mask_name and tensor.dim() >= 2 and tensor.shape[:2] == mask.shape and "mask" not in name.lower():
                return name, mask_name
    return None


def compare(bench: Any, name: str, tensor: Any, mask_name: str, mask: Any, polarity: str) -> Optional[Dict[str, Any]]:
    """The output for the whole sequence with its last position masked, against the output for the sequence without it."""
    size = tensor.shape[1]
    everything = mask.new_full(mask.shape, polarity == "real")
    masked = everything.clone()
    masked[:, -1] = polarity != "real"
    others = {key: value[:, :-1] for key, value in bench.tensors().items() if value.dim() >= 2 and value.shape[1] == size and key not in (name, mask_name)}
    long = bench.run(**{mask_name: masked})
    whole = bench.run(**{mask_name: everything})
    short = bench.run(**{**others, name: tensor[:, :-1], mask_name: everything[:, :-1]})
    if long is None or short is None or whole is None or long.dim() != short.dim():
        return None
    kept = long
    if long.dim() > 1 and long.shape[1] == size and short.shape[1] == size - 1:
        kept = long[:, :-1]
    if kept.shape != short.shape or not bool(kept.isfinite().all()):
        return None
    return {"changes": rerun.differs(short, kept), "used": rerun.differs(long, whole)}

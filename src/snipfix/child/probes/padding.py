"""Is padding ignored? A sequence is compared with itself and one more position that the mask rules out."""

from __future__ import annotations

import re
from typing import Any

from . import rerun
from .order import ATTENTION, is_own_attention

OF_TOKENS = re.compile(r"^(attention_mask|mask|masks|padding_mask|pad_mask|input_mask|token_mask|\w*key_padding_mask)$", re.IGNORECASE)


def install(recorder: Any) -> Any:
    def finish() -> None:
        for bench in rerun.benches(recorder):
            facts = look(bench)
            if facts:
                recorder.observe("padding", facts, bench.span)

    return finish


def look(bench: Any) -> dict[str, Any] | None:
    """Facts about a model that takes ids or vectors of shape (B, S, ...) and a mask of shape (B, S)."""
    found = sequence_and_mask(bench)
    if found is None:
        return None
    name, mask_name, mask = found
    tensor = bench.tensors()[name]
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


def sequence_and_mask(bench: Any) -> tuple[str, str, Any] | None:
    """The names of a sequence and of the mask that fits it, and such a mask: made here when the call had none."""
    tensors = bench.tensors()
    sequences = {name: one for name, one in tensors.items() if one.dim() >= 2 and one.shape[1] >= 3 and "mask" not in name.lower()}
    for mask_name in [name for name in bench.names if OF_TOKENS.search(name)]:
        mask = tensors.get(mask_name)
        for name, tensor in sequences.items():
            if mask is None and not tensor.is_floating_point():
                return name, mask_name, bench.torch.ones(tensor.shape[:2], dtype=bench.torch.long)
            if mask is not None and mask.dim() == 2 and tensor.shape[:2] == mask.shape:
                return name, mask_name, mask
    return None


def compare(bench: Any, name: str, tensor: Any, mask_name: str, mask: Any, polarity: str) -> dict[str, Any] | None:
    """The output for the whole sequence with its last position masked, against the output for the sequence without it."""
    size = tensor.shape[1]
    everything = mask.new_full(mask.shape, polarity == "real")
    masked = everything.clone()
    masked[:, -1] = polarity != "real"
    others = {
        key: value[:, :-1]
        for key, value in bench.tensors().items()
        if value.dim() >= 2 and value.shape[1] == size and key not in (name, mask_name)
    }
    long = bench.run(**{mask_name: masked})
    whole = bench.run(**{mask_name: everything})
    short = bench.run(**{**others, name: tensor[:, :-1], mask_name: everything[:, :-1]})
    if long is None or short is None or whole is None or long.dim() != short.dim():
        return None
    if not long.dim():  # a loss, which counts what the labels hold, whatever the mask says
        return None
    kept = long
    if long.dim() > 1 and long.shape[1] == size and short.shape[1] == size - 1:
        kept = long[:, :-1]
    if kept.shape != short.shape or not bool(kept.isfinite().all()):
        return None
    return {"changes": rerun.differs(short, kept), "used": rerun.differs(long, whole)}

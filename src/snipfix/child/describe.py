"""Bounded descriptions of live objects (`evidence.Value`). Nothing of the object is trusted: any of its methods may raise or lie."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from itertools import islice
from typing import Any

TEXT = 200
ITEMS = 8
PRETENDED_CARD = "cuda:0"
STATISTICS = 1_000_000
SCALARS = (bool, int, float, complex, str, bytes)


def cut(text: str, limit: int = TEXT) -> str:
    """The text, shortened to `limit` characters, encodable."""
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def type_name(kind: Any) -> str:
    """The qualified name of a type; plain for builtins and for the snippet's own."""
    try:
        module, name = type.__getattribute__(kind, "__module__"), type.__getattribute__(kind, "__qualname__")
    except Exception:
        return "object"
    return cut(str(name) if module in ("builtins", "__main__", None) else f"{module}.{name}")


def describe(value: Any, *, statistics: bool = True, depth: int = 2) -> dict[str, Any]:
    """The Value of an object, as the protocol wants it. Never raises, never changes the object."""
    try:
        return _describe(value, statistics, depth)
    except Exception as error:
        return {"kind": "object", "type": type_name(type(value)), "text": f"<cannot be described: {type(error).__name__}>"}


def _describe(value: Any, statistics: bool, depth: int) -> dict[str, Any]:
    kind = type(value)
    if value is None:
        return {"kind": "none", "type": "NoneType", "text": "None"}
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "Tensor"):
        if issubclass(kind, torch.Tensor):
            return _tensor(torch, value, statistics)
        if issubclass(kind, torch.nn.Module):
            return {"kind": "module", "type": type_name(kind), "text": type_name(kind)}
    if kind in SCALARS:
        return {"kind": kind.__name__ if kind in (bool, int, float, str) else "object", "type": kind.__name__, "text": _literal(value)}
    if issubclass(kind, (list, tuple, set, frozenset)):
        return _sequence(value, statistics, depth)
    if isinstance(value, Mapping):
        return _mapping(value, statistics, depth)
    if issubclass(kind, type):
        return {"kind": "type", "type": "type", "text": type_name(value)}
    if callable(value) and hasattr(value, "__qualname__"):
        return {"kind": "function", "type": type_name(kind), "text": cut(f"{getattr(value, '__module__', '')}.{value.__qualname__}")}
    return _other(value, kind)


def _literal(value: Any) -> str:
    if isinstance(value, (str, bytes)):
        return cut(repr(value[:TEXT]))
    if isinstance(value, int) and value.bit_length() > 2_000:
        return f"<int of {value.bit_length()} bits>"
    return cut(repr(value))


def _sequence(value: Any, statistics: bool, depth: int) -> dict[str, Any]:
    length = len(value)
    facts: dict[str, Any] = {"kind": "sequence", "type": type_name(type(value)), "text": type_name(type(value)), "length": length}
    if depth > 0:
        facts["items"] = [describe(item, statistics=statistics, depth=depth - 1) for item in islice(value, ITEMS)]
    if _is_size(value):
        facts["text"] = cut(repr(tuple(value)))
    return facts


def _is_size(value: Any) -> bool:
    return len(value) <= ITEMS and all(type(item) in (int, float, bool, str) for item in value)


def _mapping(value: Any, statistics: bool, depth: int) -> dict[str, Any]:
    keys = [cut(key if isinstance(key, str) else type(key).__name__, 40) for key in islice(value, ITEMS)]
    facts: dict[str, Any] = {"kind": "mapping", "type": type_name(type(value)), "length": len(value), "text": cut(", ".join(keys))}
    if depth > 0:
        facts["items"] = [describe(item, statistics=statistics, depth=depth - 1) for item in islice(value.values(), ITEMS)]
    return facts


def _other(value: Any, kind: type) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": "object", "type": type_name(kind), "text": type_name(kind)}
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if type(shape) is tuple and all(type(size) is int for size in shape):
        facts["shape"] = list(shape)
        facts["dtype"] = cut(str(dtype), 40)
    return facts


def on_card(_: Any) -> bool:
    """Whether a tensor would be on the card that is none; `card` puts its own here."""
    return False


def _tensor(torch: Any, value: Any, statistics: bool) -> dict[str, Any]:
    with torch._C.DisableTorchFunction(), torch.no_grad():
        grad_fn = value.grad_fn
        facts: dict[str, Any] = {
            "kind": "tensor",
            "type": type_name(type(value)),
            "text": type_name(type(value)),
            "shape": [int(size) for size in value.shape],
            "dtype": str(value.dtype).replace("torch.", ""),
            "device": PRETENDED_CARD if on_card(value) else str(value.device),
            "requires_grad": bool(value.requires_grad),
            "grad_fn": type(grad_fn).__name__ if grad_fn is not None else "",
        }
        plain = value.layout is torch.strided and value.device.type != "meta" and not value.is_complex() and not value.is_quantized
        if statistics and plain and 0 < value.numel() <= STATISTICS:
            try:
                facts.update(_statistics(torch, value.detach()))
            except Exception:
                facts["text"] = "<no statistics>"
        return facts


def _statistics(torch: Any, value: Any) -> dict[str, Any]:
    if value.dtype is torch.bool:
        return {"low": float(value.min()), "high": float(value.max()), "whole": True, "finite": True}
    if not value.is_floating_point():
        low, high = torch.aminmax(value)
        return {"low": float(low), "high": float(high), "whole": True, "finite": True}
    value = value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
    low, high = (float(bound) for bound in torch.aminmax(value))
    if not (math.isfinite(low) and math.isfinite(high)):
        return {"finite": False}
    facts: dict[str, Any] = {"low": low, "high": high, "finite": True, "whole": bool((value == value.round()).all())}
    if low >= 0 and high <= 1 + 1e-4 and value.dim() <= 5:
        # A dim of size one sums to one only when every value is one, which says nothing.
        facts["sums"] = [dim for dim in range(value.dim()) if value.shape[dim] > 1 and bool(((value.sum(dim) - 1).abs() < 1e-3).all())]
    return facts

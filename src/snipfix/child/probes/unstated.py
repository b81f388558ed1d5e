"""Calls that leave to torch which dimensions they mean: `.T` of other than two, `cross` without its `dim`."""

from __future__ import annotations

from typing import Any


def install(recorder: Any) -> None:
    def transposed(function: Any, args: tuple, kwargs: dict) -> None:  # noqa: ARG001  (callbacks share a signature)
        if args[0].dim() != 2:
            recorder.observe("transposed", {"shape": list(args[0].shape)}, recorder.place())

    def crossed(function: Any, args: tuple, kwargs: dict) -> None:  # noqa: ARG001
        if len(args) == 2 and kwargs.get("dim") is None:
            recorder.observe("crossed", {"shape": list(args[0].shape)}, recorder.place())

    recorder.on_function("Tensor.T.__get__", before=transposed)
    recorder.on_function(("torch.cross", "Tensor.cross"), before=crossed)

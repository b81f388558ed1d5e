"""One TorchFunctionMode for everyone: who asked for a torch function is called before and after it; the last failure is kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

Before = Callable[[Any, tuple, dict], None]
After = Callable[[Any, tuple, dict, Any], None]


class Failed(NamedTuple):
    """A torch function or module call that raised `error`, with what it was given and the modules that were running, outermost first."""

    function: Any
    args: tuple
    kwargs: dict
    error: BaseException
    running: tuple
    inside_snippet: bool = False


def resolve(name: str) -> Any | None:
    """The function object behind `torch.nn.functional.cross_entropy`, `Tensor.view` or `torch.Tensor.view`; None when this torch lacks it."""
    parts = name.split(".")
    found: Any = sys.modules["torch"]
    for part in parts if parts[0] != "torch" else parts[1:]:
        found = getattr(found, part, None)
    return found


def public_name(function: Any) -> str:
    """How a reader names a torch function: `torch.nn.functional.linear`, `Tensor.view`."""
    torch = sys.modules["torch"]
    name = getattr(function, "__name__", type(function).__name__)
    owner = getattr(function, "__self__", None)
    if name == "__get__" and owner is not None:
        return f"Tensor.{getattr(owner, '__name__', 'attribute')}"
    if name in ("__set__", "__delete__") and owner is not None:
        return f"Tensor.{getattr(owner, '__name__', 'attribute')} ="
    qualified = str(getattr(function, "__qualname__", name))
    if getattr(torch.Tensor, name, None) is function or qualified.startswith(("Tensor", "_Tensor")):
        return f"Tensor.{name}"
    for place in ("torch.nn.functional", "torch", "torch.linalg", "torch.fft", "torch.special", "torch.nn.utils.rnn"):
        short = name[len(place) - 5 :] if name.startswith(f"{place[6:]}_") else name
        if getattr(sys.modules.get(place), short, None) is function:
            return f"{place}.{short}"
    module = getattr(function, "__module__", None)
    return f"{module}.{qualified}" if isinstance(module, str) else qualified


class Functions:
    """Subscriptions to torch functions, by function object. `mode` is entered around the snippet."""

    def __init__(self, running: list) -> None:
        self.failed: Failed | None = None
        self.failed_call: Failed | None = None
        self._running = running
        self._subscribers: dict[Any, list[tuple[Before | None, After | None]]] = {}

    def subscribe(self, names: Any, before: Before | None, after: After | None) -> None:
        """Calls `before(function, args, kwargs)` and `after(function, args, kwargs, result)` around each named function."""
        for name in [names] if isinstance(names, str) else names:
            function = resolve(name)
            if function is not None:
                self._subscribers.setdefault(function, []).append((before, after))

    def fail(self, function: Any, args: tuple, kwargs: dict, error: BaseException) -> None:
        """Keeps the innermost function that raised: the first to see an exception is the one closest to its cause."""
        if self.failed is None or self.failed.error is not error:
            self.failed = Failed(function, args, kwargs, error, tuple(self._running))

    def fail_call(self, module: Any, args: tuple, kwargs: dict, error: BaseException, inside_snippet: bool) -> None:
        """The same for the innermost module; `inside_snippet`: the exception came from the author's code in it."""
        if self.failed_call is None or self.failed_call.error is not error:
            self.failed_call = Failed(module, args, kwargs, error, tuple(self._running), inside_snippet)

    def _observed(self, subscribers: Any, function: Any, args: tuple, kwargs: dict) -> Any:
        for before, _ in subscribers:
            if before is not None:
                quietly(before, function, args, kwargs)
        result = function(*args, **kwargs)
        for _, after in subscribers:
            if after is not None:
                quietly(after, function, args, kwargs, result)
        return result

    def mode(self) -> Any:
        """A context manager: while it is open, torch functions are observed."""
        table, owner = self._subscribers, self
        base = sys.modules["torch"].overrides.TorchFunctionMode

        class Mode(base):  # type: ignore[misc, valid-type]
            def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
                kwargs = kwargs or {}
                try:
                    subscribers = table.get(function)
                    if subscribers is None:
                        return function(*args, **kwargs)
                    return owner._observed(subscribers, function, args, kwargs)
                except BaseException as error:
                    owner.fail(function, args, kwargs, error)
                    raise

        return Mode()


def quietly(callback: Callable[..., None], *args: Any) -> None:
    """An observer that fails must not change what is observed."""
    try:
        callback(*args)
    except Exception:
        return

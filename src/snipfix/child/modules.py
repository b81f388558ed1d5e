"""What becomes of nn.Modules: where each was built, which are running, what each was first called with."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from functools import wraps
from types import FrameType
from typing import Any, NamedTuple

from describe import SCALARS, cut, describe, type_name
from tracing import Place

CALLS = 400
ROOTS = 64
OPAQUE = ("_parameters", "_buffers", "_modules")


class RootCall(NamedTuple):
    """The first call of an outermost module, kept alive for whoever needs another forward. Tensors are cut from their graph."""

    module: Any
    args: tuple
    kwargs: dict
    output: Any
    span: Place | None


class Registry:
    """Facts about modules by identity, forgotten when the module dies."""

    def __init__(self) -> None:
        self._facts: dict[int, tuple[weakref.ref, Any]] = {}

    def put(self, module: Any, fact: Any) -> None:
        key = id(module)
        self._facts[key] = (weakref.ref(module, lambda _: self._facts.pop(key, None)), fact)

    def get(self, module: Any, default: Any = None) -> Any:
        found = self._facts.get(id(module))
        return found[1] if found is not None and found[0]() is module else default


class Modules:
    """Watches nn.Module through its two entrances, `__init__` and `__call__`."""

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.running: list[Any] = []
        self.calls: list[dict[str, Any]] = []
        self.root_calls: list[RootCall] = []
        self.made: set[type] = set()
        self.entered: list[Any] = []
        """Modules first called while exercising, in order."""
        self.subscribers: list[tuple[Callable | None, Callable | None]] = []
        self._built = Registry()
        self._called = Registry()
        self._paths: dict[int, tuple[weakref.ref, weakref.ref, str]] = {}

    def install(self, torch: Any) -> None:
        """Wraps the two methods for the rest of this process's life."""
        kind = torch.nn.Module
        kind.__init__ = self._watch_init(kind.__init__)
        kind.__call__ = self._watch_call(kind.__call__)

    def was_called(self, module: Any) -> bool:
        return self._called.get(module, False)

    # Making ----------------------------------------------------------------------------------------------------------

    def _watch_init(self, original: Callable) -> Callable:
        @wraps(original)
        def init(module: Any, *args: Any, **kwargs: Any) -> None:
            original(module, *args, **kwargs)
            self.made.add(type(module))
            self._built.put(module, self._birthplace(module, sys._getframe(1)))

        return init

    def _birthplace(self, module: Any, frame: FrameType | None) -> Place | None:
        """The constructor call, when it stands in the snippet: the first frame that is not a constructor of this very module."""
        while frame is not None:
            code = frame.f_code
            own = code.co_argcount and code.co_name == "__init__" and frame.f_locals.get(code.co_varnames[0]) is module
            if not own:
                return self.recorder.sources.of_frame(frame) if self.recorder.sources.is_audited(code) else None
            frame = frame.f_back
        return None

    def built(self, module: Any) -> Place | None:
        return self._built.get(module)

    # Calling ---------------------------------------------------------------------------------------------------------

    def _watch_call(self, original: Callable) -> Callable:
        running, called, functions = self.running, self._called, self.recorder.functions
        tracing = sys.modules["torch"]._C._get_tracing_state

        @wraps(original)
        def call(module: Any, *args: Any, **kwargs: Any) -> Any:
            if tracing() is not None:
                return original(module, *args, **kwargs)  # what an observer computes would become part of the traced graph
            first = not called.get(module, False)
            record = self._enter(module, args, kwargs) if first else None
            for before, _ in self.subscribers:
                if before is not None:
                    _quietly(before, module, args, kwargs)
            running.append(module)
            try:
                output = original(module, *args, **kwargs)
            except BaseException as error:
                functions.fail_call(module, args, kwargs, error, self._in_snippet(error))
                raise
            finally:
                running.pop()
            for _, after in self.subscribers:
                if after is not None:
                    _quietly(after, module, args, kwargs, output)
            if record is not None:
                self._leave(record, module, args, kwargs, output)
            return output

        return call

    def _in_snippet(self, error: BaseException) -> bool:
        """Whether a frame of the author's code lies between the call that is unwinding and the place that raised."""
        trace = error.__traceback__.tb_next if error.__traceback__ is not None else None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in self.recorder.sources:
                return True
            trace = trace.tb_next
        return False

    def _enter(self, module: Any, args: tuple, kwargs: dict) -> dict[str, Any] | None:
        self._called.put(module, True)
        if self.recorder.stage == "exercise":
            self.entered.append(module)
        if len(self.calls) >= CALLS:
            return None
        call: dict[str, Any] = {
            "module": self.ref(module),
            "inputs": [describe(value) for value in [*args, *kwargs.values()][:8]],
            "depth": len(self.running),
        }
        place = self.recorder.place()
        if place is not None:
            call["span"] = place
        self.calls.append(call)
        return call

    def _leave(self, call: dict[str, Any], module: Any, args: tuple, kwargs: dict, output: Any) -> None:
        call["output"] = describe(output)
        if not self.running and len(self.root_calls) < ROOTS:
            self.root_calls.append(RootCall(module, loose(args), loose(kwargs), loose(output), call.get("span")))

    def forget(self, calls: int, roots: int, entered: int) -> None:
        """Takes back what a failed attempt left: its calls were not the snippet's."""
        for module in self.entered[entered:]:
            self._called.put(module, False)
        del self.calls[calls:], self.root_calls[roots:], self.entered[entered:]

    # Naming ----------------------------------------------------------------------------------------------------------

    def ref(self, module: Any, roots: tuple = ()) -> dict[str, Any]:
        """The ModuleRef of a module."""
        kind = type(module)
        facts: dict[str, Any] = {
            "path": cut(self._path(module, roots)),
            "type": cut(kind.__name__),
            "qualified": type_name(kind),
            "config": config(module),
            "parameters": parameters(module),
        }
        built = self.built(module)
        if built is not None:
            facts["built"] = built
        return facts

    def _path(self, module: Any, roots: tuple) -> str:
        known = self._paths.get(id(module))
        if known is not None and known[0]() is module and known[1]() is not None:
            return known[2]
        for root in (*roots, *self.running[:1], *self.recorder.namespace_modules()):
            self._name_all(root)
            known = self._paths.get(id(module))
            if known is not None and known[0]() is module:
                return known[2]
        return type(module).__name__

    def _name_all(self, root: Any) -> None:
        try:
            for name, child in root.named_modules():
                path = f"{type(root).__name__}.{name}" if name else type(root).__name__
                self._paths[id(child)] = (weakref.ref(child), weakref.ref(root), path)
        except Exception:
            return


def config(module: Any) -> dict[str, Any]:
    """The module's public scalar attributes: in_features, batch_first, kernel_size."""
    found: dict[str, Any] = {}
    for name, value in vars(module).items():
        if not name.startswith("_") and name != "training" and len(found) < 40 and _plain(value):
            found[cut(str(name), 60)] = describe(value, statistics=False, depth=1)
    return found


def _plain(value: Any) -> bool:
    if type(value) is tuple:
        return len(value) <= 8 and all(type(item) in SCALARS for item in value)
    return value is None or type(value) in SCALARS


def parameters(module: Any) -> int:
    try:
        return sum(parameter.numel() for parameter in module.parameters())
    except Exception:
        return 0


def loose(value: Any) -> Any:
    """The same value with its tensors detached, through plain containers."""
    torch = sys.modules["torch"]
    if isinstance(value, torch.Tensor):
        if value.grad_fn is None:
            return value
        with torch._C.DisableTorchFunction():
            return value.detach()
    if type(value) in (tuple, list):
        return type(value)(loose(item) for item in value)
    if type(value) is dict:
        return {key: loose(item) for key, item in value.items()}
    return value


def _quietly(callback: Callable, *args: Any) -> None:
    try:
        callback(*args)
    except Exception:
        return

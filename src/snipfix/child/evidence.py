"""The Recorder: everything that is seen of one job, and the one door through which probes look.

Facts are kept bounded and sent as they come, so that a killed process has said what it knew.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from describe import cut, describe
from functions import Functions, quietly
from modules import Modules, RootCall
from tracing import Place, Sources

PER_PROBE = 60
PER_PLACE = 3
WARNINGS = 50
FLUSH_SECONDS = 0.5


class Recorder:
    """What one job shows of itself. Observers that raise are ignored."""

    def __init__(self, job: dict[str, Any], namespace: dict[str, Any], send: Callable[[dict], None]) -> None:
        self.job, self.namespace, self.filename = job, namespace, str(job["name"])
        self.send = send
        self.stage = "run"
        self.sources = Sources()
        self.steps = self.backwards = 0
        self.observations: list[dict[str, Any]] = []
        self.warnings: list[dict[str, Any]] = []
        self.exercises: list[dict[str, Any]] = []
        self._counts: dict[tuple, dict[str, Any]] = {}
        self._per_probe: dict[str, int] = {}
        self._flushed = time.monotonic()
        self._hooks: dict[str, list[tuple[Callable | None, Callable | None]]] = {}
        self.modules = Modules(self)
        self.functions = Functions(self.modules.running)
        self.watching = False
        self.failure: dict[str, Any] | None = None
        """How the run failed, once it has."""

    # Places ----------------------------------------------------------------------------------------------------------

    def place(self) -> Place | None:
        """[line, column, end line, end column] of the innermost snippet frame that is running, or None."""
        frame = next(self.sources.frames(sys._getframe(1)), None)
        return None if frame is None else self.sources.of_frame(frame)

    def places(self) -> list[Place]:
        """The places of all snippet frames, innermost first."""
        return [self.sources.of_frame(frame) for frame in self.sources.frames(sys._getframe(1))]

    # What was seen ---------------------------------------------------------------------------------------------------

    def observe(self, probe: str, facts: dict[str, Any], span: Place | None = None, stage: str | None = None) -> None:
        """Keeps an observation. At one place a probe keeps its first few; later ones only raise `count` of the last one kept."""
        key = (probe, None if span is None else tuple(span))
        kept = self._counts.setdefault(key, {"kept": 0, "last": None})
        if kept["kept"] >= PER_PLACE or self._per_probe.get(probe, 0) >= PER_PROBE:
            if kept["last"] is not None:
                kept["last"]["facts"]["count"] = kept["last"]["facts"].get("count", 1) + 1
            return
        observation: dict[str, Any] = {"probe": probe, "facts": dict(facts), "stage": stage or self.stage}
        if span is not None:
            observation["span"] = list(span)
        kept["kept"] += 1
        kept["last"] = observation
        self._per_probe[probe] = self._per_probe.get(probe, 0) + 1
        self.observations.append(observation)
        self.flush(lazily=True)

    def warn(self, category: str, message: str, direct: bool) -> None:
        """Keeps a Python warning raised while a line of the snippet was running. `direct`: on the snippet's own line."""
        span = self.place()
        if span is not None and len(self.warnings) < WARNINGS:
            facts = {"category": category, "message": cut(message, 1_000), "direct": direct}
            self.warnings.append({"probe": "warning", "span": span, "facts": facts, "stage": self.stage})

    def describe(self, value: Any) -> dict[str, Any]:
        """The Value of an object; a module's has its path."""
        facts = describe(value)
        if facts.get("kind") == "module":
            facts["path"] = self.modules.ref(value)["path"]
        return facts

    def flush(self, *, lazily: bool = False) -> None:
        """Sends what is known. `lazily`: unless that was done a moment ago."""
        now = time.monotonic()
        if lazily and now - self._flushed < FLUSH_SECONDS:
            return
        self._flushed = now
        fields = {
            "observations": self.observations,
            "warnings": self.warnings,
            "calls": self.modules.calls,
            "exercises": self.exercises,
        }
        self.send({"set": {name: value for name, value in fields.items() if value}})

    def mark(self) -> tuple:
        """A point in the records to come back to."""
        modules = self.modules
        return len(self.observations), len(self.warnings), len(modules.calls), len(modules.root_calls), len(modules.entered)

    def rewind(self, mark: tuple) -> None:
        """Forgets what was recorded since the mark: a call that did not fit is none of the snippet's."""
        observations, warnings, calls, roots, entered = mark
        for observation in self.observations[observations:]:
            span = observation.get("span")
            self._counts.pop((observation["probe"], None if span is None else tuple(span)), None)
            self._per_probe[observation["probe"]] -= 1
        del self.observations[observations:], self.warnings[warnings:]
        self.modules.forget(calls, roots, entered)

    # Modules ---------------------------------------------------------------------------------------------------------

    @property
    def root_calls(self) -> list[RootCall]:
        """The first call of each outermost module, alive: (module, args, kwargs, output, span)."""
        return self.modules.root_calls

    def module_ref(self, module: Any) -> dict[str, Any]:
        """The ModuleRef of a module: path from its root's class, type, configuration, where it was built."""
        return self.modules.ref(module)

    def module_now(self) -> Any | None:
        """The innermost module whose call is running."""
        return self.modules.running[-1] if self.modules.running else None

    def namespace_modules(self) -> list[Any]:
        """The nn.Modules that the snippet's global names hold."""
        torch = sys.modules.get("torch")
        if torch is None:
            return []
        return [value for value in list(self.namespace.values()) if isinstance(value, torch.nn.Module)]

    # Subscriptions ---------------------------------------------------------------------------------------------------

    def on_function(self, names: Any, before: Callable | None = None, after: Callable | None = None) -> None:
        """before(function, args, kwargs) and after(function, args, kwargs, result) around torch functions named by qualified name.

        Only calls made from outside torch's own functions are seen, `F.cross_entropy` but not the `log_softmax` in it.
        """
        if self.watching:
            self.functions.subscribe(names, before, after)

    def on_module(self, pre: Callable | None = None, post: Callable | None = None) -> None:
        """pre(module, args, kwargs) and post(module, args, kwargs, output) around every module call."""
        self.modules.subscribers.append((pre, post))

    def on_step(self, pre: Callable | None = None, post: Callable | None = None) -> None:
        """pre(optimizer) and post(optimizer) around every optimizer step."""
        self._hooks.setdefault("step", []).append((pre, post))

    def on_zero_grad(self, pre: Callable | None = None, post: Callable | None = None) -> None:
        """pre(owner) and post(owner) around zero_grad of an optimizer or a module."""
        self._hooks.setdefault("zero_grad", []).append((pre, post))

    def on_backward(self, pre: Callable | None = None, post: Callable | None = None) -> None:
        """pre(tensors) and post(tensors) around every backward pass; `tensors` is a tuple."""
        self._hooks.setdefault("backward", []).append((pre, post))

    def on_gradient(self, tensor: Any, note: Callable[[Any], None]) -> None:
        """note(gradient) when a backward pass reaches the tensor. Under vmap a gradient has no numbers to look at: that must not reach the snippet."""
        tensor.register_hook(lambda gradient: quietly(note, gradient))

    def watch(self, torch: Any) -> None:
        """Starts observing: modules, optimizer steps, zero_grad, backward. Functions are observed while `functions.mode()` is open."""
        self.watching = True
        self.modules.install(torch)
        hooks = sys.modules["torch.optim.optimizer"]
        hooks.register_optimizer_step_pre_hook(lambda optimizer, *_: self._tell("step", 0, optimizer))
        hooks.register_optimizer_step_post_hook(lambda optimizer, *_: self._stepped(optimizer))
        for owner in (torch.optim.Optimizer, torch.nn.Module):
            owner.zero_grad = _unobserved(torch, self._around("zero_grad", owner.zero_grad, lambda args: args[0]))
        for kind in torch.optim.Optimizer.__subclasses__():
            if "step" in vars(kind):
                kind.step = _unobserved(torch, kind.step)
        torch.autograd.backward = self._around("backward", torch.autograd.backward, _roots)

    def _stepped(self, optimizer: Any) -> None:
        self.steps += 1
        self._tell("step", 1, optimizer)

    def _tell(self, event: str, when: int, subject: Any) -> None:
        for pair in self._hooks.get(event, ()):
            if pair[when] is not None:
                try:
                    pair[when](subject)
                except Exception:
                    continue

    def _around(self, event: str, original: Callable, subject: Callable[[tuple], Any]) -> Callable:
        @wraps(original)
        def around(*args: Any, **kwargs: Any) -> Any:
            about = subject(args) if args else kwargs.get("tensors")
            self._tell(event, 0, about)
            result = original(*args, **kwargs)
            self.backwards += event == "backward"
            self._tell(event, 1, about)
            return result

        return around


def _roots(args: tuple) -> tuple:
    return tuple(args[0]) if isinstance(args[0], (tuple, list)) else (args[0],)


def _unobserved(torch: Any, method: Callable) -> Callable:
    """The method without observation of the dozens of functions that it calls; they cost more than it does and tell nothing.

    An optimizer's step that is given a closure runs the snippet's own code, and is observed.
    """

    @wraps(method)
    def unobserved(owner: Any, *args: Any, **kwargs: Any) -> Any:
        if any(callable(value) for value in (*args, *kwargs.values())):
            return method(owner, *args, **kwargs)
        with torch._C.DisableTorchFunction():
            return method(owner, *args, **kwargs)

    return unobserved

"""Calls what the snippet only defines, with inputs made to fit (DESIGN §5.4).

A failure is reported only when no plausible input avoids it, and then the failure of the most plausible one.
"""

from __future__ import annotations

import ast
import inspect
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import arguments
import authored
from dataflow import Reader, read_forward
from describe import describe
from failures import failure
from images import bisection
from inputs import USUAL, Candidate, Scene, candidates, is_sure
from needs import Flow, Need, Texts

TARGETS = 12
SECONDS, TOTAL = 3.0, 20.0
EXTRAS = 3


class OutOfTime(BaseException):
    """Raised by the clock inside a call that takes too long."""


class Target(NamedTuple):
    """A module to exercise: the expression that gives it, and how it came to be."""

    name: str
    kind: str
    text: str
    module: Any
    guessed: bool = False
    """Its constructor arguments are not the author's."""


class Attempt(NamedTuple):
    """How one call went."""

    text: str
    inputs: dict[str, Any]
    output: Any = None
    failure: dict[str, Any] | None = None
    error: BaseException | None = None


def exercise(recorder: Any, namespace: dict[str, Any], code: str) -> None:
    """Exercises every model that the run left uncalled. What comes of it is added to `recorder.exercises`."""
    tree = ast.parse(code, recorder.filename)
    budget = min(TOTAL, float(recorder.job.get("timeout") or TOTAL) / 3)
    Session(recorder, namespace, tree, time.monotonic() + budget).run()


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises OutOfTime in what runs longer."""

    def ring(*_: Any) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    # Once more after a while: a snippet may swallow the first one.
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.05), 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Session:
    """The exercises of one job."""

    def __init__(self, recorder: Any, namespace: dict[str, Any], tree: ast.Module, deadline: float) -> None:
        self.recorder, self.namespace, self.tree, self.deadline = recorder, namespace, tree, deadline
        self.torch = sys.modules["torch"]
        self.texts = Texts([tree])
        self.reported: set[tuple] = {_place(recorder.failure)} if recorder.failure else set()
        self.done = 0
        self.hurried = False
        """Whether the time for a target was over before everything plausible was tried."""
        self.missing = _later_names(tree, namespace) if recorder.failure else frozenset()
        """Names that the module would have bound, had it not stopped."""

    def run(self) -> None:
        for text, error in authored.complete(self.recorder, self.namespace, self.tree, limited):
            name = text.split("(")[0]
            self.add({"target": name, "kind": "class", "call": text, "failure": failure(self.recorder, error)}, name)
        self.instances()
        self.classes()
        self.functions()

    def left(self) -> float:
        return min(SECONDS, self.deadline - time.monotonic())

    # Targets ---------------------------------------------------------------------------------------------------------

    def instances(self) -> None:
        """Models under a global name that nobody called, those that contain others first."""
        found = [
            (name, value)
            for name, value in list(self.namespace.items())
            if isinstance(value, self.torch.nn.Module) and not name.startswith("_") and self.is_worth(value)
        ]
        inside = {id(child) for _, value in found for child in _children(value)}
        for name, module in sorted(found, key=lambda item: id(item[1]) in inside):
            if not self.recorder.modules.was_called(module):
                self.exercise(Target(type(module).__name__, "module", name, module))

    def is_worth(self, module: Any) -> bool:
        """Whether the snippet made something of its own here: a class, or a chain of layers."""
        if isinstance(module, self.torch.nn.modules.loss._Loss):
            return False
        own = any(type(part).__module__ == "__main__" for part in [module, *_children(module)])
        return own or isinstance(module, self.torch.nn.Sequential)

    def classes(self) -> None:
        """Module classes of the snippet that were never instantiated."""
        made = self.recorder.modules.made
        for name, kind in list(self.namespace.items()):
            is_model = isinstance(kind, type) and issubclass(kind, self.torch.nn.Module) and kind.__module__ == "__main__"
            if not is_model or name != kind.__name__ or any(issubclass(other, kind) for other in made):
                continue
            if self.texts.of(kind.forward, self.recorder.sources) is None:
                continue
            self.instantiate(kind)

    def instantiate(self, kind: type) -> None:
        """Builds a class with guessed arguments and exercises what comes of it; other guesses are made while it fails."""
        first: tuple[Target, list[Attempt]] | None = None
        for made in arguments.constructor_arguments(kind, self.namespace):
            text = arguments.construction(kind, made)
            guessed = any(name != expression for name, expression in made)
            built = self.attempt(text, {}, lambda text=text: self.evaluate(text))
            target = Target(kind.__name__, "class", text, built.output, guessed)
            attempts = [built] if built.error is not None else self.calls(target)
            if attempts and attempts[-1].error is None:
                self.report(target, attempts)
                return
            first = first or (target, attempts)
            if self.left() < 0.2:
                break
        refused = first is not None and first[0].module is None and isinstance(first[1][0].error, TypeError)
        if first is None or (refused and arguments.takes_anything(kind)):
            self.skip(Target(kind.__name__, "class", kind.__name__, None), "no constructor arguments could be guessed")
        else:
            self.report(*first)

    def functions(self) -> None:
        """Functions never mentioned again, called with the globals that their parameters are named after."""
        for name, given in authored.uncalled(self.tree, self.namespace):
            if self.left() < 0.2:
                return
            inputs = {parameter: describe(self.namespace[parameter]) for parameter in given}
            text = f"{name}({', '.join(given)})"
            attempt = self.attempt(text, inputs, lambda text=text: self.evaluate(text))
            facts: dict[str, Any] = {"target": name, "kind": "function", "call": text, "inputs": inputs}
            if attempt.error is None:
                facts["output"] = describe(attempt.output)
            elif attempt.failure and not isinstance(attempt.error, (OSError, EOFError, SystemExit)):
                facts["failure"] = attempt.failure
            else:
                facts["skipped"] = "took too long" if isinstance(attempt.error, OutOfTime) else f"{attempt.failure['type']} in this sandbox"
            self.add(facts, name)

    # One target ------------------------------------------------------------------------------------------------------

    def exercise(self, target: Target) -> None:
        """Calls a module of the snippet as its author would, else with inputs made to fit."""
        own = authored.calls(self.tree, target.text, self.namespace)
        attempts = [self.call(target, own[0])] if own else self.calls(target)
        self.report(target, attempts, sure=bool(own))
        if not own and attempts and attempts[-1].error is None:
            self.extras(target)

    def calls(self, target: Target) -> list[Attempt]:
        """The attempts to call a module with what it requires, up to the first that works."""
        parameters = _parameters(target.module)
        self.done += 1
        if self.done > TARGETS or self.left() < 0.2 or parameters is None:
            return []
        return self.search(target, [item for item in parameters if item.default is item.empty])

    def needs(self, module: Any) -> dict[str, Need]:
        """What the text says; for a chain of layers, what its first layer says."""
        try:
            found = read_forward(module, self.texts, self.recorder.sources)
        except RecursionError:
            found = {}
        if not found and isinstance(module, self.torch.nn.Sequential):
            found = {"input": Need("input")}
            Reader(self.texts, self.recorder.sources, found).into(module, [Flow("input")], {})
        return found

    def search(self, target: Target, given: list[inspect.Parameter]) -> list[Attempt]:
        """The attempts up to the first that works, or up to one whose failure no input avoids."""
        until = time.monotonic() + self.left()
        tried = candidates(self.torch, target.module, self.namespace, self.needs(target.module), given)
        made: list[Candidate] = []
        attempts: list[Attempt] = []
        self.hurried = False
        for candidate in tried:
            made.append(candidate)
            attempts.append(self.call(target, candidate))
            self.hurried = time.monotonic() > until or isinstance(attempts[-1].error, OutOfTime)
            if attempts[-1].error is None or _is_certain(attempts[-1].failure) or self.hurried:
                return attempts
        sizes = bisection(made, [(attempt.text, attempt.failure) for attempt in attempts])
        while sizes is not None and (candidate := sizes.propose()) is not None and self.left() > 0.2:
            attempts.append(self.call(target, candidate))
            if attempts[-1].error is None:
                break
            sizes.learn(attempts[-1].text, attempts[-1].failure)
        return attempts

    def extras(self, target: Target) -> None:
        """A second call for each optional argument that opens another path: targets, masks, states."""
        parameters = _parameters(target.module) or []
        required = [item for item in parameters if item.default is item.empty]
        for item in [item for item in parameters if item.default is None][:EXTRAS]:
            if self.left() < 0.2:
                return
            attempts = self.search(target, [*required, item])
            # Only a call that works says something: the argument may be of a kind that was not thought of.
            if attempts and (attempts[-1].error is None or _is_certain(attempts[0].failure)):
                self.report(target, attempts)

    def call(self, target: Target, candidate: Candidate) -> Attempt:
        values: dict[str, Any] = {}

        def work() -> Any:
            for name, expression in candidate.values:
                values[name] = self.evaluate(expression)
            described.update({name: describe(value) for name, value in values.items()})
            plain = [values[name] for name, _ in candidate.values if name not in candidate.keywords]
            output = target.module(*plain, **{name: values[name] for name in candidate.keywords if name in values})
            self.backward(target.module, output)
            return output

        described: dict[str, Any] = {}
        return self.attempt(f"{target.text}({candidate.text})", described, work)

    def attempt(self, text: str, inputs: dict[str, Any], work: Any) -> Attempt:
        """Runs `work`; what a failure left in the records is taken back."""
        mark = self.recorder.mark()
        try:
            with limited(self.left()):
                return Attempt(text, inputs, work())
        except OutOfTime as error:
            self.recorder.rewind(mark)
            return Attempt(text, inputs, None, {}, error)
        except BaseException as error:
            facts = failure(self.recorder, error)
            self.recorder.rewind(mark)
            return Attempt(text, inputs, None, facts, error)

    def backward(self, module: Any, output: Any) -> None:
        """A backward pass through the first result that has a graph; the gradients that were there stay."""
        result = _differentiable(self.torch, output)
        if result is None:
            return
        parameters = list(module.parameters())
        before = [parameter.grad for parameter in parameters]
        try:
            result.sum().backward()
        finally:
            for parameter, gradient in zip(parameters, before):  # noqa: B905
                parameter.grad = gradient

    def evaluate(self, text: str) -> Any:
        scope = {**self.namespace, "torch": self.torch}
        if "Data(" in text and "Data" not in self.namespace:
            scope["Data"] = _graph_data()
        return eval(text, scope)  # noqa: S307

    # Reports ---------------------------------------------------------------------------------------------------------

    def report(self, target: Target, attempts: list[Attempt], *, sure: bool = False) -> None:
        """Adds what came of a target: the call that worked, else the most plausible one that did not."""
        if not attempts:
            self.skip(target, "no plausible input")
            return
        first, last = attempts[0], attempts[-1]
        facts: dict[str, Any] = {"target": target.name, "kind": target.kind, "tried": len(attempts)}
        if last.error is None:
            facts |= {"call": last.text, "inputs": last.inputs, "output": describe(last.output)}
        elif first.failure and (sure or _is_certain(first.failure) or self.is_own_fault(target)):
            facts |= {"call": first.text, "inputs": first.inputs, "failure": first.failure}
        else:
            reason = f"{first.failure['type']}: {first.failure['message'][:200]}" if first.failure else "took too long"
            facts |= {"call": first.text, "inputs": first.inputs, "skipped": f"no plausible input was accepted ({reason})"}
        self.add(facts, target.name)

    def is_own_fault(self, target: Target) -> bool:
        """Whether a failure of every input tried is the module's own: nothing about the inputs was in doubt."""
        if target.guessed or target.module is None or self.hurried:
            return False
        needs = self.needs(target.module)
        scene = Scene(self.torch, target.module, self.namespace, USUAL)
        required = [item for item in _parameters(target.module) or () if item.default is item.empty]
        return all(is_sure(scene, needs.get(item.name)) for item in required)

    def skip(self, target: Target, reason: str) -> None:
        self.add({"target": target.name, "kind": target.kind, "call": f"{target.text}(...)", "skipped": reason}, target.name)

    def add(self, facts: dict[str, Any], name: str) -> None:
        found = facts.get("failure")
        if found:
            if _place(found) in self.reported or _missing_name(found) in self.missing:
                return
            self.reported.add(_place(found))
        place = authored.definition(self.recorder, self.tree, name)
        if place is not None:
            facts["definition"] = place
        self.recorder.exercises.append(facts)
        self.recorder.flush(lazily=True)


def _children(module: Any) -> list:
    try:
        return [child for child in module.modules() if child is not module]
    except Exception:
        return []


def _parameters(module: Any) -> list[inspect.Parameter] | None:
    """The parameters of a module's forward that can be given; None where it takes whatever comes, as a wrapper does."""
    try:
        found = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return None
    named = [item for item in found if item.kind not in (item.VAR_POSITIONAL, item.VAR_KEYWORD)]
    return None if found and not named else named


def _differentiable(torch: Any, output: Any, depth: int = 0) -> Any:
    if isinstance(output, torch.Tensor):
        return output if output.requires_grad and output.grad_fn is not None else None
    if depth < 3 and isinstance(output, (tuple, list)):
        return next((found for item in output if (found := _differentiable(torch, item, depth + 1)) is not None), None)
    if depth < 3 and isinstance(output, dict):
        return _differentiable(torch, list(output.values()), depth + 1)
    return None


def _place(found: dict[str, Any]) -> tuple:
    """What makes two failures the same one: the kind of exception and the line of the snippet."""
    own = [frame["span"] for frame in found["frames"] if frame.get("snippet", True)]
    return (found["type"], *(own[-1] if own else ()))


def _later_names(tree: ast.Module, namespace: dict[str, Any]) -> frozenset[str]:
    """The names that a module binds at its top level and does not have."""
    bound: set[str] = set()
    for node in authored.module_level(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
    bound |= {node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    return frozenset(bound - set(namespace))


def _missing_name(found: dict[str, Any]) -> str | None:
    """The name that a NameError is about."""
    quoted = found["message"].split("'") if found["type"] == "NameError" else []
    return quoted[1] if len(quoted) > 1 else None


def _is_certain(found: dict[str, Any] | None) -> bool:
    """Whether a failure cannot come from the inputs: a missing name, a call that its callee does not take, a class set up wrongly."""
    if not found:
        return False
    kind, message = found["type"], found["message"]
    if kind in ("NameError", "UnboundLocalError") or "Module.__init__" in message:
        return True
    if kind == "TypeError":
        return "positional argument" in message or "unexpected keyword argument" in message
    own = found["frames"] and next((frame for frame in reversed(found["frames"]) if frame.get("snippet", True)), {}).get("owner")
    return kind == "AttributeError" and (message.startswith("module ") or (bool(own) and message.startswith(f"'{own}' object")))


def _graph_data() -> Any:
    try:
        from torch_geometric.data import Data
    except ImportError:
        from types import SimpleNamespace as Data
    return Data

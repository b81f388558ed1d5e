"""What optimizers step: parameters without gradient, gradients without step, gradients cleared before the step."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from . import history

NAMED = 12
WALKS = 6
ANEW = 3
MODULES = 60


class Steps:
    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.torch = sys.modules["torch"]
        self.reached: dict[int, Any] = {}
        self.graded: set[int] = set()
        self.held: dict[int, Any] = {}
        self.first: dict[int, Any] = {}
        self.optimizers: dict[int, dict[str, Any]] = {}
        self.walks: dict[Any, int] = {}
        self.rootless: dict[Any, Any] = {}
        """The first tensor without a history that was the root of a backward pass, by place."""
        self.backwards = 0
        self.zeroed: Any | None = None

    def before_backward(self, roots: Any) -> None:
        if self.recorder.stage == "exercise":
            return  # not the snippet's own training
        with self.torch._C.DisableTorchFunction():
            place = self.recorder.place()
            key = None if place is None else tuple(place)
            self.walks[key] = self.walks.get(key, 0) + 1
            if key is not None and all(one.grad_fn is None for one in roots):
                self.rootless.setdefault(key, roots[0])
            if self.walks[key] <= WALKS:
                for leaf in history.leaves(roots):
                    if id(leaf) not in self.reached:
                        self.reached[id(leaf)] = leaf
                        self.first[id(leaf)] = leaf.detach().clone() if leaf.numel() <= 65_536 else None
            self.backwards += 1
            self.zeroed = None

    def zeroing(self, owner: Any) -> None:
        """A zero_grad after a backward pass that nobody stepped for: kept until the next step tells whether it did harm."""
        if self.backwards and self.zeroed is None:
            with self.torch._C.DisableTorchFunction():
                parameters = parameters_of(owner)
                if any(parameter.grad is not None for parameter in parameters):
                    self.zeroed = {"place": self.recorder.place(), "ids": {id(parameter) for parameter in parameters}}

    def after_step(self, optimizer: Any) -> None:
        with self.torch._C.DisableTorchFunction():
            place = self.recorder.place()
            known = self.optimizers.get(id(optimizer))
            if known is None:
                known = self.optimizers[id(optimizer)] = {
                    "optimizer": optimizer,
                    "steps": 0,
                    "empty": 0,
                    "place": place,
                    "type": type(optimizer).__name__,
                }
            parameters = list(held(optimizer))
            known["steps"] += 1
            with_gradient = [one for one in parameters if one.grad is not None]
            self.graded.update(id(one) for one in with_gradient)
            self.held.update((id(one), one) for one in parameters)
            moved = any(bool((one.grad != 0).any()) if not one.grad.is_sparse else True for one in with_gradient[:50])
            if not moved and self.backwards:
                known["empty"] += 1
                self._cleared(parameters, place)
            self.backwards, self.zeroed = 0, None

    def _cleared(self, parameters: list[Any], place: Any) -> None:
        if self.zeroed is not None and any(id(one) in self.zeroed["ids"] and id(one) in self.reached for one in parameters):
            self.recorder.observe("cleared-gradient", {"step": place}, self.zeroed["place"])

    def finish(self) -> None:
        if not self.optimizers:
            return
        names = self._names()
        for known in self.optimizers.values():
            parameters = list(held(known["optimizer"]))
            trainable = [one for one in parameters if one.requires_grad]
            bare = [one for one in trainable if id(one) not in self.graded]
            facts = {
                "type": known["type"],
                "steps": known["steps"],
                "empty": known["empty"],
                "parameters": len(parameters),
                "trainable": len(trainable),
                "without_gradient": [self._described(one, names) for one in bare[:NAMED]],
                "bare": len(bare),
                "graded": sum(id(one) in self.graded for one in parameters),
                "reached": sum(id(one) in self.reached for one in parameters),
                "reached_by_others": sum(id(one) not in self.held for one in self.reached.values()),
            }
            self.recorder.observe("optimizer", facts, known["place"])
        self._unstepped(names)
        self._made_anew()
        self._arrived(names)
        for place, root in self.rootless.items():
            known = {*self.reached, *map(id, self.rootless.values())}
            unreached = [one for one in self.optimizers.values() if not any(id(leaf) in known for leaf in held(one["optimizer"]))]
            facts = {"held": id(root) in self.held, "unreached": sum(one["steps"] for one in unreached)}
            self.recorder.observe("backward-of-leaf", facts, list(place))

    def _unstepped(self, names: dict[int, dict[str, Any]]) -> None:
        """Parameters of named modules that got gradients, that no optimizer holds and that never changed."""
        lost = []
        for key, leaf in self.reached.items():
            before = self.first.get(key)
            if key in names and key not in self.held and before is not None and bool((leaf.detach() == before).all()):
                lost.append(names[key])
        if lost:
            stepped = {names[key]["root"] for key in self.held if key in names}
            self.recorder.observe("unstepped", {"parameters": lost[:NAMED], "count": len(lost), "stepped_roots": sorted(stepped)})

    def _made_anew(self) -> None:
        """Places where each step was the first of another optimizer of the same parameters, with a state that was to build up."""
        by_place: dict[tuple, list[dict[str, Any]]] = {}
        for known in self.optimizers.values():
            if known["place"] is not None:
                by_place.setdefault(tuple(known["place"]), []).append(known)
        for place, all_here in by_place.items():
            same = {tuple(map(id, held(known["optimizer"]))) for known in all_here}
            remembers = all(known["optimizer"].state for known in all_here) and all_here[0]["type"] != "LBFGS"
            if len(all_here) >= ANEW and len(same) == 1 and remembers and all(known["steps"] == 1 for known in all_here):
                facts = {"type": all_here[0]["type"], "optimizers": len(all_here)}
                self.recorder.observe("optimizer-anew", facts, list(place))

    def _arrived(self, names: dict[int, dict[str, Any]]) -> None:
        """For each called module of the author's with parameters: how many there are, how many got gradients, how many are held by an optimizer."""
        modules: dict[tuple[str, str], dict[str, Any]] = {}
        for key, name in names.items():
            if name["called"]:
                path = ".".join(part for part in (name["root"], name["module"]) if part)
                known = modules.setdefault(
                    (name["root"], name["module"]), {"path": path, "type": name["type"], "parameters": 0, "graded": 0, "held": 0}
                )
                known["parameters"] += 1
                known["graded"] += key in self.reached or key in self.graded
                known["held"] += key in self.held
        if modules:
            self.recorder.observe("gradients", {"modules": list(modules.values())[:MODULES]})

    def _described(self, parameter: Any, names: dict[int, dict[str, Any]]) -> dict[str, Any]:
        return names.get(id(parameter), {"name": "?", "root": "", "called": False, "shape": list(parameter.shape)})

    def _names(self) -> dict[int, dict[str, Any]]:
        """Each parameter of the modules that global names hold: its name, and whether its module was ever called."""
        found: dict[int, dict[str, Any]] = {}
        for variable, root in list(self.recorder.namespace.items()):
            if not isinstance(root, self.torch.nn.Module):
                continue
            for path, module in root.named_modules():
                for name, parameter in module.named_parameters(recurse=False):
                    found.setdefault(
                        id(parameter),
                        {
                            "name": ".".join(part for part in (variable, path, name) if part),
                            "root": variable,
                            "module": path,
                            "type": type(module).__name__,
                            "called": bool(self.recorder.modules.was_called(module)),
                            "shape": list(parameter.shape),
                        },
                    )
        return found


def held(optimizer: Any) -> Iterator[Any]:
    for group in optimizer.param_groups:
        yield from group["params"]


def parameters_of(owner: Any) -> list[Any]:
    """The parameters of an optimizer or a module."""
    return list(owner.parameters() if hasattr(owner, "parameters") else held(owner))


def install(recorder: Any) -> Any:
    steps = Steps(recorder)
    recorder.on_backward(pre=steps.before_backward)
    recorder.on_zero_grad(pre=steps.zeroing)
    recorder.on_step(post=steps.after_step)
    return steps.finish

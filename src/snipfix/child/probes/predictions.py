"""Classes taken from scores: along which dim, beside which dim the classes have in the loss; and along a dim that has one entry only."""

from __future__ import annotations

from typing import Any

CHOOSING = ("torch.argmax", "Tensor.argmax", "torch.max", "Tensor.max")


class Predictions:
    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.seen: dict[Any, int] = {}
        self.classes: dict[tuple, int] = {}
        self.single: dict[Any, dict[str, Any] | None] = {}
        """What was chosen along a dim of size one, by place; None where the dim has had more entries."""
        self.flattened: set[tuple[int, int]] = set()
        """The shapes of two-dimensional inputs of losses, which may be (batch, steps, classes) made flat."""
        self.sequences: dict[Any, dict[str, Any]] = {}
        """What was chosen from three dims along another than the last, by place."""

    def loss(self, function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        if len(args) > 1 and args[0].dim() == 2 and args[1].dim() == 1:
            self.classes[tuple(args[0].shape[1:])] = 1
            self.flattened.add((int(args[0].shape[0]), int(args[0].shape[1])))

    def chosen(self, function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        scores = args[0] if args else kwargs.get("input")
        dim = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else None))
        if not isinstance(dim, int) or not scores.is_floating_point() or not -scores.dim() <= dim < scores.dim():
            return
        place = self.recorder.place()
        key = None if place is None else tuple(place)
        self._of_one(function, scores, dim % scores.dim(), key, kwargs)
        if scores.dim() == 3 and dim % 3 != 2 and key is not None and scores.shape[dim] not in (1, scores.shape[2]):
            self.sequences.setdefault(key, {"function": function.__name__, "shape": list(scores.shape), "dim": dim})
        self.seen[key] = self.seen.get(key, 0) + 1
        if scores.dim() == 2 and self.seen[key] <= 2 and dim % 2 == 0 and min(scores.shape) > 1:
            trained = tuple(scores.shape[1:]) in self.classes
            facts = {"function": function.__name__, "shape": list(scores.shape), "dim": dim, "classes_in_loss": trained}
            self.recorder.observe("prediction", facts, place)

    def _of_one(self, function: Any, scores: Any, dim: int, key: Any, kwargs: dict) -> None:
        if scores.shape[dim] != 1:
            self.single[key] = None
        elif scores.numel() > 1 and key not in self.single and self.recorder.stage == "run" and self.recorder.modules.calls:
            facts = {"function": function.__name__, "shape": list(scores.shape), "dim": dim, "kept": bool(kwargs.get("keepdim"))}
            self.single[key] = {**facts, "low": float(scores.detach().min()), "high": float(scores.detach().max())}

    def finish(self) -> None:
        for key, facts in self.single.items():
            if key is not None and facts is not None:
                self.recorder.observe("class-of-one", facts, list(key), "run")
        for key, facts in self.sequences.items():
            batch, steps, classes = facts["shape"]
            if (batch * steps, classes) in self.flattened:
                self.recorder.observe("prediction-of-steps", facts, list(key), "run")


def install(recorder: Any) -> Any:
    predictions = Predictions(recorder)
    recorder.on_function(("torch.nn.functional.cross_entropy", "torch.nn.functional.nll_loss"), after=predictions.loss)
    recorder.on_function(CHOOSING, after=predictions.chosen)
    return predictions.finish

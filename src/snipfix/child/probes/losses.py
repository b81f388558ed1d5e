"""What loss functions are fed: how the prediction was made, its values, the target, the reduction. Also which lines squash values."""

# ruff: noqa: ARG001  (callbacks share a signature)

from __future__ import annotations

from typing import Any

from . import history

LOSSES = (
    "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss", "smooth_l1_loss",
    "huber_loss", "kl_div", "poisson_nll_loss", "gaussian_nll_loss", "ctc_loss",
)  # fmt: skip
PAIRS = ("margin_ranking_loss", "cosine_embedding_loss", "hinge_embedding_loss", "soft_margin_loss")
SQUASHING = (
    "torch.nn.functional.softmax", "torch.softmax", "Tensor.softmax", "torch.nn.functional.log_softmax", "torch.log_softmax",
    "Tensor.log_softmax", "torch.sigmoid", "Tensor.sigmoid", "torch.nn.functional.sigmoid", "torch.nn.functional.logsigmoid",
    "torch.nn.functional.relu", "torch.relu", "Tensor.relu", "torch.log", "Tensor.log", "torch.tanh", "Tensor.tanh",
)  # fmt: skip
ARITHMETIC = ("Tensor.sub", "torch.sub", "Tensor.__sub__", "Tensor.__rsub__")
MOVING = ("View", "Reshape", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Select", "Slice", "ToCopy")
NEAR = 40
PER_PLACE = 3
SOFTMAX_DIM = ("softmax", "log_softmax")


def install(recorder: Any) -> None:
    seen: dict[Any, int] = {}

    def fresh(kind: str, place: Any) -> bool:
        key = (kind, None if place is None else tuple(place))
        seen[key] = seen.get(key, 0) + 1
        return seen[key] <= PER_PLACE

    def loss(function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        place = recorder.place()
        if fresh("loss", place):
            facts = _loss_facts(recorder, function, args, kwargs, result)
            if facts is not None:
                recorder.observe("loss", facts, place)

    def squash(function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        place = recorder.place()
        source = args[0] if args else kwargs.get("input")
        if result.grad_fn is not None:
            history.tag(result, span=place, built=activation(recorder))
        name = function.__name__
        # A model that is only exercised was given an image or a sequence of some size: that it leaves one step says nothing.
        invented = recorder.stage == "exercise" and source.dim() > 2
        if name in SOFTMAX_DIM and not invented and fresh("softmax", place):
            dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
            facts = {"function": name, "dim": dim, "shape": list(source.shape), "module": _module(recorder), "grad": result.requires_grad}
            recorder.observe("softmax", facts, place)
        elif name == "sigmoid":
            made = history.head(source)
            if made and made["op"] == "Relu" and fresh("squashed", place):
                recorder.observe("squashed", {"outer": name, "head": made, "low": _bound(source)}, place)

    def difference(function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        pair = _pair(args)
        if pair and _spreads(*pair):
            place = recorder.place()
            if fresh("difference", place):
                shapes = [list(one.shape) for one in pair]
                facts = {"shapes": shapes, "result": list(result.shape), "grad": result.requires_grad}
                flat, column = sorted(pair, key=lambda one: one.dim())
                facts["estimated"] = not flat.requires_grad and (history.head(column) or {}).get("op") in ("Addmm", "Mm")
                recorder.observe("difference", facts, place)

    def pairs(function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        target = kwargs.get("target", args[-1] if args else None)
        place = recorder.place()
        if target is not None and result.requires_grad and fresh("pairs", place):
            values = target.detach()
            zeros, ones = int((values == 0).sum()), int((values == 1).sum())
            facts = {"function": function.__name__, "zeros": zeros, "others": values.numel() - zeros - ones}
            recorder.observe("pair-target", facts, place)

    recorder.on_function([f"torch.nn.functional.{name}" for name in LOSSES], after=loss)
    recorder.on_function([f"torch.nn.functional.{name}" for name in PAIRS], after=pairs)
    recorder.on_function(SQUASHING, after=squash)
    recorder.on_function(ARITHMETIC, after=difference)


def _loss_facts(recorder: Any, function: Any, args: tuple, kwargs: dict, result: Any) -> dict[str, Any] | None:
    is_ctc = function.__name__ == "ctc_loss"
    given, target = (
        _argument(args, kwargs, 0, "log_probs" if is_ctc else "input"),
        _argument(args, kwargs, 1, "targets" if is_ctc else "target"),
    )
    if given is None or target is None:
        return None
    facts = {
        "function": function.__name__,
        "input": recorder.describe(given),
        "target": recorder.describe(target),
        "head": history.head(given),
        "target_head": history.head(target),
        "reduction": kwargs.get("reduction", "mean"),
        "log_target": bool(kwargs.get("log_target", False)),
        "module": _module(recorder),
        "grad": bool(getattr(result, "requires_grad", False)),
        "value": recorder.describe(result).get("low"),
        "bootstrapped": target.requires_grad and bootstrapped(given, target),
    }
    if function.__name__ == "cross_entropy" and target.is_floating_point() and target.dim() == 2 and target.numel():
        sums = target.detach().sum(dim=1)
        facts["target_sums"] = [float(sums.min()), float(sums.max())]
    if (is_ctc or function.__name__ == "nll_loss") and given.dim() >= 1:
        totals = given.detach().float().logsumexp(-1 if is_ctc else 1 if given.dim() > 1 else 0)
        facts["log_totals"] = [float(totals.min()), float(totals.max())]
    return facts


def bootstrapped(given: Any, target: Any) -> bool:
    """Whether the target is made by arithmetic from a maximum or choice among values of the very parameters that the prediction was chosen from."""
    if not _found(given, ("Gather", "Index"), MOVING) or not _found(
        target, ("Max", "Amax", "Gather"), (*MOVING, "Add", "Sub", "Mul", "Rsub")
    ):
        return False
    known = {id(one) for one in history.leaves([given])}
    return any(id(one) in known for one in history.leaves([target]))


def _found(tensor: Any, wanted: tuple[str, ...], through: tuple[str, ...]) -> bool:
    """Whether one of the operations made the tensor, followed back through others only."""
    stack, steps = [tensor.grad_fn], 0
    while stack and steps < NEAR:
        node, steps = stack.pop(), steps + 1
        name = "" if node is None else history.operation(node).rstrip("0123456789")
        if name in wanted:
            return True
        if name in through:
            stack.extend(one for one, _ in node.next_functions)
    return False


def _argument(args: tuple, kwargs: dict, index: int, name: str) -> Any:
    value = args[index] if len(args) > index else kwargs.get(name)
    return value if hasattr(value, "grad_fn") else None


def _module(recorder: Any) -> dict[str, Any] | None:
    running = recorder.module_now()
    return None if running is None else recorder.module_ref(running)


def activation(recorder: Any) -> Any:
    """Where the activation module that is running was built; None when a function was called instead."""
    running = recorder.module_now()
    kind = type(running).__module__
    return recorder.modules.built(running) if kind == "torch.nn.modules.activation" else None


def _bound(tensor: Any) -> float | None:
    return float(tensor.detach().min()) if tensor.numel() else None


def _pair(args: tuple) -> tuple[Any, Any] | None:
    if len(args) >= 2 and all(hasattr(one, "grad_fn") for one in args[:2]):
        return args[0], args[1]
    return None


def _spreads(one: Any, other: Any) -> bool:
    """Whether (n, 1) meets (n,): both have the n numbers, the result has n x n."""
    shapes: list[tuple[int, ...]] = sorted([tuple(one.shape), tuple(other.shape)], key=len)
    flat, column = shapes
    return len(flat) == 1 and len(column) == 2 and column == (flat[0], 1) and flat[0] > 1

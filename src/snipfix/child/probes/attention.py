"""What attention weights are multiplied with: along which dim they sum to one, and along which the product adds up. Told by the autograd graph."""

# ruff: noqa: ARG001  (callbacks share a signature)

from __future__ import annotations

from typing import Any

from . import history

PRODUCTS = ("torch.matmul", "Tensor.matmul", "Tensor.__matmul__", "torch.bmm", "Tensor.bmm")
SCALING = ("Mul", "Div")
KEEPING = ("NativeDropout", "ToCopy", "Clone", "Alias", "MaskedFill", "Where")
"""Operations between a softmax and the product that leave every weight in its place; a scaling does where it scales by a constant."""
SCORING = (*SCALING, *KEEPING, "Add", "Sub", "Clamp", "Tanh")
STEPS = 12


def install(recorder: Any) -> None:
    def multiplied(function: Any, args: tuple, kwargs: dict, result: Any) -> None:
        weights = args[0]
        softmax = softmax_behind(weights.grad_fn) if weights.dim() >= 2 else None
        if softmax is None or not is_product(softmax.next_functions[0][0]) or softmax._saved_result.shape != weights.shape:
            return
        found = history.facts_of(softmax)
        running = recorder.module_now()
        facts = {
            "softmax": found,
            "shape": list(weights.shape),
            "summed": weights.dim() - 1,
            "module": None if running is None else recorder.module_ref(running),
        }
        recorder.observe("attention", facts, recorder.place())

    recorder.on_function(PRODUCTS, after=multiplied)


def softmax_behind(node: Any) -> Any | None:
    """The softmax whose result, every weight in its place, is multiplied: dropout and a scaling by a constant are looked through."""
    for _ in range(STEPS):
        operation = "" if node is None else history.operation(node).rstrip("0123456789")
        if operation == "Softmax":
            return node
        constant = operation in SCALING and len([one for one, _ in node.next_functions if one is not None]) == 1
        if not constant and operation not in KEEPING:
            return None
        node = next(one for one, _ in node.next_functions if one is not None)
    return None


def is_product(node: Any) -> bool:
    """Whether scores were made by multiplying two computed tensors, as queries and keys are; a layer multiplies with a parameter."""
    for _ in range(STEPS):
        node = history.origin(node)
        operation = "" if node is None else history.operation(node).rstrip("0123456789")
        if operation in ("Bmm", "Mm"):
            factors = [history.origin(one) for one, _ in node.next_functions]
            return not any(one is not None and history.operation(one) == "AccumulateGrad" for one in factors)
        if operation not in SCORING:
            return False
        node = next((one for one, _ in node.next_functions if one is not None), None)
    return False

"""What the autograd graph tells of a tensor: the operation that made its values, and the leaves it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TRANSPARENT = (
    "View", "UnsafeView", "ReshapeAlias", "Reshape", "Squeeze", "Unsqueeze", "Permute", "Transpose", "T", "Slice", "Select", "Index",
    "Clone", "ToCopy", "Expand", "Alias", "Narrow", "Split", "SplitWithSizes", "Unbind", "Clamp", "ClampMin", "ClampMax", "Gather",
)  # fmt: skip
"""Operations that hand on the values they get (clamp keeps a probability a probability)."""

NODES = 20_000
TAG = "snipfix"


def operation(node: Any) -> str:
    """`Softmax` for a SoftmaxBackward0 node."""
    name = str(node.name()).rpartition("::")[2]
    return name.partition("Backward")[0]


def tag(tensor: Any, **facts: Any) -> None:
    """Leaves facts on the graph node that made the tensor; they live as long as the node does."""
    if tensor.grad_fn is not None:
        tensor.grad_fn.metadata.setdefault(TAG, {}).update(facts)


def tags(node: Any) -> dict[str, Any]:
    """The facts left on a node."""
    return node.metadata.get(TAG, {})


def origin(node: Any) -> Any | None:
    """The node that made the values: views, slices and casts are looked through."""
    for _ in range(50):
        if node is None or operation(node).rstrip("0123456789") not in TRANSPARENT:
            return node
        node = node.next_functions[0][0]
    return node


def head(tensor: Any) -> dict[str, Any] | None:
    """How the values were made: {op, dim, span, of: the same for its argument}; None for a leaf."""
    node = origin(tensor.grad_fn)
    if node is None or operation(node) == "AccumulateGrad":
        return None
    facts = facts_of(node)
    for argument, _ in node.next_functions[:1]:
        inner = origin(argument)
        if inner is not None and operation(inner) != "AccumulateGrad":
            facts["of"] = facts_of(inner)
    return facts


def facts_of(node: Any) -> dict[str, Any]:
    """What a graph node says of itself: {op, dim, span, built}."""
    facts: dict[str, Any] = {"op": operation(node)}
    dim = getattr(node, "_saved_dim", None)
    if isinstance(dim, int):
        facts["dim"] = dim - 2**64 if dim >= 2**63 else dim
    for name in ("span", "built"):
        found = tags(node).get(name)
        if found:
            facts[name] = list(found)
    return facts


def walk(tensors: Any) -> Iterator[Any]:
    """Every node of the graph behind the tensors, each once, the roots first; bounded."""
    seen = set()
    stack: list[Any] = [tensor.grad_fn for tensor in tensors if getattr(tensor, "grad_fn", None) is not None]
    while stack and len(seen) < NODES:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        yield node
        stack.extend(following for following, _ in node.next_functions if following is not None)


def leaves(tensors: Any) -> list[Any]:
    """The tensors whose gradient a backward pass from here adds to, each once."""
    found = {}
    for node in walk(tensors):
        if operation(node) == "AccumulateGrad":
            found[id(node.variable)] = node.variable
    return list(found.values())

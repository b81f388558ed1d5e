"""What a loss function was fed, read from the `loss` observations."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from snipfix.code import Code
from snipfix.evidence import Outcome, Span
from snipfix.model import Edit, Stage
from snipfix.rules.edits import drop_layer, rename_callee, unwrap
from snipfix.rules.observed import each, flag, items, mapping, number, place, shape, text

__all__ = ["Fed", "fed", "replace_loss", "without_activation"]


@dataclass(frozen=True)
class Fed:
    """One call of a loss function."""

    code: Code
    facts: Mapping[str, Any]
    span: Span
    stage: Stage

    @property
    def head(self) -> str:
        """The operation that made the prediction: softmax, logsoftmax, sigmoid, addmm ...; empty when it came from no graph.

        `log(softmax(x))` is a log-softmax in two steps.
        """
        op, inner = text(self.facts, "head", "op").lower(), text(self.facts, "head", "of", "op").lower()
        return "logsoftmax" if op == "log" and inner == "softmax" else op

    @property
    def shape(self) -> tuple[int, ...]:
        return shape(self.facts, "input", "shape") or ()

    @property
    def target_shape(self) -> tuple[int, ...]:
        return shape(self.facts, "target", "shape") or ()

    @property
    def low(self) -> float | None:
        return number(self.facts, "input", "low")

    @property
    def high(self) -> float | None:
        return number(self.facts, "input", "high")

    @property
    def trained(self) -> bool:
        """Whether a gradient can flow back from this loss."""
        return flag(self.facts, "grad")

    def sums_to_one(self, which: str = "input") -> bool:
        """Whether the values are fractions that add up to one over the classes."""
        size = shape(self.facts, which, "shape") or ()
        whole = mapping(self.facts, which).get("whole") is True
        classes = {1, len(size) - 1} if len(size) > 1 else {0}
        return not whole and bool(classes & {dim for dim in items(self.facts, which, "sums") if isinstance(dim, int)})

    def values(self) -> str:
        """The values as a reader wants them: `values from 0.03 to 0.41`."""
        return "" if self.low is None or self.high is None else f"values from {self.low:.4g} to {self.high:.4g}"

    def evidence(self) -> dict[str, Any]:
        return {
            "function": text(self.facts, "function"),
            "head": text(self.facts, "head", "op"),
            "head_at": shape(self.facts, "head", "span"),
            "head_built": shape(self.facts, "head", "built"),
            "loss_built": shape(self.facts, "module", "built"),
            "input": {"shape": self.shape, "low": self.low, "high": self.high},
            "target": {"shape": self.target_shape},
        }


def fed(code: Code, outcome: Outcome, *functions: str) -> Iterator[Fed]:
    """The calls of these loss functions, one for each place."""
    for observation, span in each(outcome, code, "loss"):
        if text(observation.facts, "function") in functions:
            yield Fed(code, observation.facts, span, Stage.EXERCISE if observation.stage == "exercise" else Stage.PROBE)


def without_activation(code: Code, evidence: Mapping[str, Any]) -> tuple[Edit, ...]:
    """Edits that leave out the activation in front of a loss: the call, or the layer in a Sequential."""
    built = place(code, evidence, "head_built")
    if built is not None and (edits := drop_layer(code, built)):
        return edits
    at = place(code, evidence, "head_at")
    node = code.node_at(at, ast.Call) if at is not None else None
    if isinstance(node, ast.Call) and code.span(node) == at:
        return unwrap(code, node)
    return ()


def replace_loss(code: Code, evidence: Mapping[str, Any], span: Span, layer: str, function: str) -> tuple[Edit, ...]:
    """Edits that use another loss: its class where the criterion was built, else the function where it is called."""
    built = place(code, evidence, "loss_built")
    node = code.node_at(built or span, ast.Call)
    if not isinstance(node, ast.Call) or code.span(node) != (built or span):
        return ()
    return rename_callee(code, node, layer if built else function)

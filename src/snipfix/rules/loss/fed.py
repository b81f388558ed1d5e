"""What a loss function was fed, read from the `loss` observations."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from snipfix.code import Code
from snipfix.codemods import insert_statement_before, joined, replace_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Edit, Stage
from snipfix.rules.edits import applied_to, drop_layer, rename_callee, statement_of, unwrap
from snipfix.rules.observed import called, each, flag, items, mapping, number, place, shape, text
from snipfix.rules.training_loop.loops import home

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


def without_activation(code: Code, evidence: Mapping[str, Any], loss: Span) -> tuple[Edit, ...]:
    """Edits that leave out the activation in front of a loss: the call, or the layer in a Sequential.

    Where what the activation gives is read for something else too, it stays, and the loss alone is given what it was made of.
    """
    built = place(code, evidence, "head_built")
    if built is not None and (edits := drop_layer(code, built)):
        return edits
    at = place(code, evidence, "head_at")
    node = code.node_at(at, ast.Call) if at is not None else None
    if isinstance(node, ast.Call) and code.span(node) == at:
        return _at_the_loss(code, node, loss) or unwrap(code, node)
    return ()


def _at_the_loss(code: Code, activation: ast.Call, span: Span) -> tuple[Edit, ...]:
    """Edits in the call of the loss, where the name that the activation is bound to is also read elsewhere; () where it is not."""
    made, loss, inner = statement_of(code, activation), code.node_at(span, ast.Call), applied_to(activation)
    if not isinstance(made, ast.Assign) or made.value is not activation or not isinstance(made.targets[0], ast.Name):
        return ()
    name = made.targets[0].id
    reads = [one for one in code.mentions(name) if isinstance(one.ctx, ast.Load) and home(code, one) is home(code, made)]
    within = [one for one in reads if loss is not None and loss in code.ancestors(one)]
    if inner is None or not within or all(one in within or _order_alone(code, one) for one in reads):
        return ()
    if isinstance(inner, ast.Name) and inner.id != name and _bound_once(code, inner):
        return joined(*(replace_expression(code, one, inner.id) for one in within))
    taken = {one.id for one in code.all(ast.Name)}
    new = next((word for word in ("logits", "scores", f"{name}_scores") if word not in taken), "")
    if not new or not isinstance(inner, ast.Call):
        return ()
    before = insert_statement_before(code, made.lineno, f"{new} = {code.slice(inner)}")
    return joined(before, replace_expression(code, inner, new), *(replace_expression(code, one, new) for one in within))


def _bound_once(code: Code, name: ast.Name) -> bool:
    """Whether a name has one value in its function: a parameter that is never set, or set in one place."""
    stores = [one for one in code.mentions(name.id) if isinstance(one.ctx, ast.Store) and home(code, one) is home(code, name)]
    function = home(code, name)
    given = isinstance(function, ast.FunctionDef) and name.id in {one.arg for one in function.args.args}
    return len(stores) + given == 1


def _order_alone(code: Code, node: ast.AST) -> bool:
    """Whether only the order of the values is asked for, which an activation keeps: `p.argmax(1)`, `torch.max(p, 1)`."""
    up = code.parents.get(node)
    call = code.parents.get(up) if isinstance(up, ast.Attribute) else up
    if not isinstance(call, ast.Call):
        return False
    return called(call) in {"argmax", "argsort"} or (called(call) == "max" and _picks(code, call))


def _picks(code: Code, call: ast.Call) -> bool:
    """Whether of the value and the place of a maximum only the place is kept: `_, pred = p.max(1)`, `p.max(1)[1]`."""
    up = code.parents.get(call)
    if isinstance(up, ast.Assign) and isinstance(up.targets[0], ast.Tuple):
        first = up.targets[0].elts[0]
        return isinstance(first, ast.Name) and first.id.startswith("_")
    return (isinstance(up, ast.Subscript) and ast.unparse(up.slice) in {"1", "-1"}) or (
        isinstance(up, ast.Attribute) and up.attr == "indices"
    )


def replace_loss(code: Code, evidence: Mapping[str, Any], span: Span, layer: str, function: str) -> tuple[Edit, ...]:
    """Edits that use another loss: its class where the criterion was built, else the function where it is called."""
    built = place(code, evidence, "loss_built")
    node = code.node_at(built or span, ast.Call)
    if not isinstance(node, ast.Call) or code.span(node) != (built or span):
        return ()
    return rename_callee(code, node, layer if built else function)

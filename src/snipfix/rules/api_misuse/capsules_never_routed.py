"""Capsules with weights for routing, and no routing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.model import Category, Finding
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.written import forward_of

CODE = (
    "import torch, torch.nn as nn\nclass CapsuleLayer(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.route_weights = nn.Parameter(torch.randn(10, 6, 8, 16))\n    def forward(self, x):\n"
    "        priors = x[None, :, :, None, :] @ self.route_weights[:, None, :, :, :]\n{}"
    "        return (priors{}).sum(2)\nCapsuleLayer()(torch.randn(2, 6, 8))\n"
)
ROUTED = CODE.format(
    "        logits = torch.zeros_like(priors[..., :1])\n        for _ in range(3):\n            weights = logits.softmax(0)\n"
    "            out = (weights * priors).sum(2, keepdim=True)\n            logits = logits + (priors * out).sum(-1, keepdim=True)\n",
    " * weights",
)
WEIGHING = frozenset("softmax softmin exp sigmoid normalize entmax sparsemax logsumexp log_softmax Softmax Sigmoid".split())


class CapsulesNeverRouted(Rule):
    """A capsule layer has weights for routing, and nothing weighs the capsules below by their agreement.

    ## What it does
    Reports a module called capsule with parameters called routes whose class neither computes a share for each lower capsule (by a softmax
    or its kin) nor calls anything that routes.

    ## Why is this bad?
    Without the coupling coefficients every lower capsule counts alike: what is left is one linear layer. Routing by agreement is what a capsule
    network is.

    ## Example
    ```python
    priors = x[None, :, :, None, :] @ self.route_weights[:, None, :, :, :]
    return self.squash(priors)
    ```

    ## Use instead
    ```python
    for _ in range(3):
        weights = logits.softmax(dim=0)
        outputs = self.squash((weights * priors).sum(dim=2, keepdim=True))
        logits = logits + (priors * outputs).sum(dim=-1, keepdim=True)
    ```

    ## Fix safety
    No fix: a missing algorithm is no edit.

    ## References
    - Sabour et al. 2017, "Dynamic Routing Between Capsules", procedure 1.
    """

    id = "SNF341"
    name = "capsules-never-routed"
    category = Category.API_MISUSE
    GOOD = (
        Good(ROUTED),
        Good(CODE.format("        priors = dynamic_routing(priors)\n", ""), runs=False),
        Good(CODE.format("", "").replace("CapsuleLayer", "Projection")),
    )
    BAD = (Bad(CODE.format("", ""), at=(7, 43), runs=False),)

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for node in code.all(ast.ClassDef):
            forward = forward_of(node)
            if forward is None or not any(word.startswith("caps") for word in words(node.name)) or _routes(code, node):
                continue
            weights = {ast.unparse(one.targets[0]) for one in code.all(ast.Assign, node) if called(one.value) == "Parameter"}
            used = [one for one in code.all(ast.Attribute, forward) if ast.unparse(one) in weights and _is_route(one.attr)]
            if used:
                first = min(used, key=lambda one: (one.lineno, one.col_offset))
                message = f"`{node.name}` never routes: no lower capsule is weighed by how well it agrees with the ones above"
                yield self.finding(message, code.span(first))


def _is_route(name: str) -> bool:
    return any(word in {"route", "routes", "routing", "router"} for word in words(name))


def _routes(code: Code, node: ast.ClassDef) -> bool:
    """Whether a class computes shares, or hands its capsules to something that routes them."""
    calls = [called(one) for one in code.all(ast.Call, node)]
    return any(name in WEIGHING or "softmax" in name or _is_route(name) for name in calls)

"""A sigmoid straight behind a ReLU."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import drop_layer, unwrap
from snipfix.rules.observed import each, place, shape


class HalvedOutputRange(Rule):
    """A sigmoid is applied to the output of a ReLU: it can never fall below one half.

    ## What it does
    Reports a sigmoid whose input was made by a ReLU, seen in the autograd graph.

    ## Why is this bad?
    A ReLU gives nothing below 0, so the "probability" lies in [0.5, 1): the model can never say no. Where the ReLU is flat it does not even
    learn.

    ## Example
    ```python
    x = torch.relu(self.fc(x))
    return torch.sigmoid(x)
    ```

    ## Use instead
    ```python
    x = self.fc(x)
    return torch.sigmoid(x)
    ```

    ## Fix safety
    Unsafe: trained weights of the old model do not fit the new one.

    ## References
    - torch.nn.ReLU, torch.nn.Sigmoid: their ranges.
    """

    id = "SNF411"
    name = "halved-output-range"
    category = Category.LOSS
    GOOD = (
        Good("import torch, torch.nn as nn\nnn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1), nn.Sigmoid())(torch.randn(4, 3))\n"),
        Good("import torch, torch.nn as nn\nprint(torch.sigmoid(nn.LeakyReLU()(nn.Linear(3, 1)(torch.randn(4, 3)))).shape)\n"),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nx = torch.relu(nn.Linear(3, 1)(torch.randn(4, 3)))\np = torch.sigmoid(x)\n",
            at=(3, 5),
            fixed="import torch, torch.nn as nn\nx = nn.Linear(3, 1)(torch.randn(4, 3))\np = torch.sigmoid(x)\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "squashed"):
            facts = observation.facts
            message = "a sigmoid behind a ReLU can never fall below 0.5: the ReLU gives nothing negative"
            evidence = {"relu_at": shape(facts, "head", "span"), "relu_built": shape(facts, "head", "built")}
            stage = Stage.EXERCISE if observation.stage == "exercise" else Stage.PROBE
            yield self.finding(message, span, stage=stage, evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        built, at = place(code, finding.evidence, "relu_built"), place(code, finding.evidence, "relu_at")
        if built is not None and (edits := drop_layer(code, built)):
            yield self.fix("leave the ReLU out in front of the sigmoid", *edits)
            return
        node = code.node_at(at, ast.Call) if at is not None else None
        if isinstance(node, ast.Call) and code.span(node) == at and (edits := unwrap(code, node)):
            yield self.fix("leave the ReLU out in front of the sigmoid", *edits)

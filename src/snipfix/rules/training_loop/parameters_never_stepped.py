"""Parameters that get gradients and that no optimizer holds."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import items, mapping, number, text


class ParametersNeverStepped(Rule):
    """The loss depends on parameters that no optimizer was given.

    ## What it does
    Reports parameters of the author's modules that got gradients in every backward pass, changed in no step, and are in no optimizer, while an
    optimizer was stepping.

    ## Why is this bad?
    Part of the model keeps its random start values: usually `parameters()` of one of several modules was forgotten.

    ## Example
    ```python
    optimizer = torch.optim.Adam(encoder.parameters())  # and the decoder?
    ```

    ## Use instead
    ```python
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()])
    ```

    ## Fix safety
    No fix: leaving parameters alone may be meant; then `requires_grad_(False)` says so.

    ## References
    - torch.optim: "Constructing it".
    """

    id = "SNF434"
    name = "parameters-never-stepped"
    category = Category.TRAINING_LOOP
    severity = Severity.WARNING
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nbody, head = nn.Linear(3, 3), nn.Linear(3, 1)\nbody.requires_grad_(False)\n"
            "o = torch.optim.SGD(head.parameters(), lr=0.1)\nfor _ in range(3):\n    o.zero_grad()\n    head(body(torch.ones(2, 3))).mean().backward()\n    o.step()\n"
        ),
        Good(
            "import torch, torch.nn as nn\na, b = nn.Linear(3, 3), nn.Linear(3, 1)\noa, ob = (torch.optim.SGD(m.parameters(), lr=0.1) for m in (a, b))\n"
            "for _ in range(3):\n    for o in (oa, ob):\n        o.zero_grad()\n    b(a(torch.ones(2, 3))).mean().backward()\n    oa.step()\n    ob.step()\n"
        ),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nencoder, decoder = nn.Linear(3, 3), nn.Linear(3, 1)\no = torch.optim.SGD(encoder.parameters(), lr=0.1)\n"
            "for _ in range(3):\n    o.zero_grad()\n    decoder(encoder(torch.ones(2, 3))).mean().backward()\n    o.step()\n",
            at=(7, 5),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        steppers = [one for one in outcome.seen("optimizer") if one.span is not None and number(one.facts, "reached")]
        if not steppers or outcome.kind != "ok":
            return
        for observation in outcome.seen("unstepped"):
            lost = [mapping({"p": one}, "p") for one in items(observation.facts, "parameters")]
            names = [text(one, "name") for one in lost]
            stepped = set(items(observation.facts, "stepped_roots"))
            whole = {text(one, "root") for one in lost} - stepped
            span = steppers[0].span
            if names and span is not None:
                shown = ", ".join(f"`{name}`" for name in (sorted(whole) or names)[:4])
                message = f"{shown} gets gradients, but no optimizer holds its parameters: it keeps its start values"
                evidence = {"parameters": names, "count": number(observation.facts, "count")}
                yield self.finding(message, span, stage=Stage.PROBE, evidence=evidence)

"""Parameters that get gradients and that no optimizer holds."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called, items, mapping, number, text, words
from snipfix.rules.training_loop.layer_swapped_after_optimizer import swaps
from snipfix.rules.training_loop.loops import OPTIMIZERS, assigned


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
    Leaving parameters alone may be meant; then `requires_grad_(False)` says so. A fix is offered only where two optimizers hold the same model.

    ## References
    - torch.optim: "Constructing it".
    """

    id = "SNF434"
    name = "parameters-never-stepped"
    category = Category.TRAINING_LOOP
    severity = Severity.WARNING
    TWO = (
        "import torch, torch.nn as nn\nG, D = nn.Linear(3, 3), nn.Linear(3, 1)\nopt_g = torch.optim.Adam({}.parameters())\n"
        "opt_d = torch.optim.Adam({}.parameters())\nfor _ in range(3):\n    opt_g.zero_grad()\n    opt_d.zero_grad()\n"
        "    D(G(torch.ones(2, 3))).mean().backward()\n    opt_g.step()\n    opt_d.step()\n"
    )
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
        Bad(
            TWO.format("D", "D"),
            at=(3, 26),
            fixed=TWO.format("G", "D"),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        steppers = [one for one in outcome.seen("optimizer") if one.span is not None and number(one.facts, "reached")]
        if not steppers or outcome.kind != "ok":
            return
        for observation in outcome.seen("unstepped"):
            lost = [mapping({"p": one}, "p") for one in items(observation.facts, "parameters")]
            replaced = tuple(f"{ast.unparse(swap.targets[0])}.".replace("[", ".").replace("]", "") for _, _, swap in swaps(context.code))
            lost = [one for one in lost if not text(one, "name").startswith(replaced)]  # told where the layer is replaced
            names = [text(one, "name") for one in lost]
            stepped = set(items(observation.facts, "stepped_roots"))
            whole = {text(one, "root") for one in lost} - stepped
            span = steppers[0].span
            if names and span is not None:
                shown = ", ".join(f"`{name}`" for name in (sorted(whole) or names)[:4])
                message = f"{shown} gets gradients, but no optimizer holds its parameters: it keeps its start values"
                evidence = {"parameters": names, "count": number(observation.facts, "count")}
                doubled = next(iter(doubled_owners(context.code)), None)
                if doubled is not None and whole:
                    # Two optimizers of the same model beside a model without one: nobody means that.
                    twin = {**evidence, "forgotten": sorted(whole)}
                    yield self.finding(message, context.code.span(doubled), stage=Stage.PROBE, evidence=twin, severity=Severity.ERROR)
                else:
                    yield self.finding(message, span, stage=Stage.PROBE, evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        for owner in doubled_owners(code) if finding.is_error else ():
            for name in items(finding.evidence, "forgotten"):
                statement = statement_of(code, owner)
                target = ast.unparse(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
                fits = words(target)[-1:] and words(target)[-1][0] == str(name)[0].lower()
                yield self.fix(
                    f"give the optimizer the parameters of {name}", *replace_expression(code, owner, str(name)), preference=0 if fits else 1
                )


def doubled_owners(code: Code) -> list[ast.Name]:
    """The models whose `parameters()` are given to more than one optimizer, wherever they are."""
    owners = [
        call.args[0].func.value
        for _, call in assigned(code, OPTIMIZERS)
        if call.args and called(call.args[0]) == "parameters" and isinstance(call.args[0], ast.Call)
        and isinstance(call.args[0].func, ast.Attribute) and isinstance(call.args[0].func.value, ast.Name)
    ]  # fmt: skip
    return [one for one in owners if sum(other.id == one.id for other in owners) > 1]

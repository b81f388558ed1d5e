"""A model that is evaluated in its training loop and never put back into training mode."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import insert_statement_before
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, items, number, text
from snipfix.rules.training_loop.loops import receiver

CODE = """\
import torch, torch.nn as nn
net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(6, 3), torch.tensor([0, 1, 0, 1, 0, 1])
{0}for epoch in range(3):
{1}    loss = nn.functional.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    net.eval()
    with torch.no_grad():
        print((net(x).argmax(1) == y).float().mean())
"""


class TrainingInEvaluationMode(Rule):
    """A model is trained on in evaluation mode after it was evaluated once.

    ## What it does
    Reports an optimizer's step for a model with dropout or batch normalisation that is in evaluation mode, when earlier steps were taken in
    training mode.

    ## Why is this bad?
    `model.eval()` lasts until `model.train()`. From the second epoch on nothing is dropped and batch normalisation keeps its statistics: the
    model is trained as another one than the first epoch began with, and may overfit.

    ## Example
    ```python
    model.train()
    for epoch in range(epochs):
        train(model)
        model.eval()
        validate(model)
    ```

    ## Use instead
    ```python
    for epoch in range(epochs):
        model.train()
        train(model)
        model.eval()
        validate(model)
    ```

    ## Fix safety
    Unsafe: training differs from the second epoch on.

    ## References
    - torch.nn.Module.train and eval; PyTorch notes "Autograd mechanics", "Evaluation Mode".
    """

    id = "SNF448"
    name = "training-in-evaluation-mode"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(CODE.format("", "    net.train()\n")),
        Good(CODE.format("", "").replace("nn.Dropout(0.5)", "nn.ReLU()")),
        Good(CODE.format("net.eval()  # only the last layer is fitted, on fixed features\n", "")),
    )
    BAD = (
        Bad(CODE.format("net.train()\n", ""), at=(7, 40), fixed=CODE.format("net.train()\n", "    net.train()\n")),
        Bad(CODE.format("", ""), at=(6, 40), fixed=CODE.format("", "    net.train()\n")),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "evaluation-step"):
            layers = [one for one in items(observation.facts, "layers") if isinstance(one, str)]
            message = f"the model is trained in evaluation mode: its {' and '.join(layers)} layers no longer act as in training"
            evidence = {"layers": layers, "module": text(observation.facts, "module", "path"), "step": number(observation.facts, "steps")}
            yield self.finding(message, span, stage=Stage.PROBE, evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        node = code.node_at(finding.span, ast.Call)
        loops = [up for up in code.ancestors(node) if isinstance(up, ast.For | ast.While)] if node is not None else []
        for loop in loops or [one for one in code.nodes if isinstance(one, ast.For | ast.While)]:
            evals = [one for one in ast.walk(loop) if isinstance(one, ast.Call) and called(one) == "eval" and receiver(one)]
            if evals:
                edits = insert_statement_before(code, loop.body[0].lineno, f"{receiver(evals[0])}.train()")
                yield self.fix("go back to training mode in each epoch", *edits)
                return

"""A model evaluated with its dropout on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.codemods import insert_statement_before
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, items, text

WITHOUT_GRADIENTS = re.compile(r"\b(no_grad|inference_mode)\b")
ON_PURPOSE = re.compile(r"monte.?carlo|mc_?dropout|uncertain|\.eval\(|\.train\(False\)", re.IGNORECASE)


class EvaluationInTrainingMode(Rule):
    """After training, the model is called without gradients but still in training mode.

    ## What it does
    Reports a call under `torch.no_grad()` of a trained model that has dropout or batch normalisation and is in training mode. The generator
    of an adversarial pair is left alone: samples are drawn from it as it is trained.

    ## Why is this bad?
    Dropout goes on dropping at random and batch normalisation uses (and changes) the statistics of the test batch: the measured quality is
    not the model's.

    ## Example
    ```python
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == y).float().mean()
    ```

    ## Use instead
    ```python
    model.eval()
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == y).float().mean()
    ```

    ## Fix safety
    Unsafe: training that goes on afterwards needs `model.train()` again.

    ## References
    - PyTorch notes "Autograd mechanics", "Evaluation Mode".
    """

    id = "SNF436"
    name = "evaluation-in-training-mode"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "m(torch.ones(2, 3)).sum().backward()\no.step()\nm.eval()\nwith torch.no_grad():\n    print(m(torch.ones(2, 3)).shape)\n"
        ),
        Good(
            "import torch, torch.nn as nn\nm = nn.Linear(3, 2)\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "m(torch.ones(2, 3)).sum().backward()\no.step()\nwith torch.no_grad():\n    print(m(torch.ones(2, 3)).shape)\n"
        ),
        Good(
            "import torch, torch.nn as nn\ng = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))\nd = nn.Linear(4, 1)\n"
            "fixed_noise = torch.randn(5, 3)\no = torch.optim.SGD(g.parameters(), lr=0.1)\n"
            "nn.functional.softplus(-d(g(torch.randn(5, 3)))).mean().backward()\no.step()\n"
            "with torch.no_grad():\n    samples = g(fixed_noise)\n"
        ),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "m(torch.ones(2, 3)).sum().backward()\no.step()\nwith torch.no_grad():\n    print(m(torch.ones(2, 3)).shape)\n",
            at=(7, 11),
            fixed="import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "m(torch.ones(2, 3)).sum().backward()\no.step()\nm.eval()\nwith torch.no_grad():\n    print(m(torch.ones(2, 3)).shape)\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        generators = {text(one.facts, "maker", "path") for one in outcome.seen("adversary")}
        for observation, span in each(outcome, context.code, "training-mode"):
            if text(observation.facts, "module", "path") in generators:
                continue
            layers = [one for one in items(observation.facts, "layers") if isinstance(one, str)]
            message = f"the model is evaluated in training mode: its {' and '.join(layers)} layers still act as in training"
            severity = Severity.WARNING if ON_PURPOSE.search(context.code.text) else None
            evidence = {"layers": layers, "module": text(observation.facts, "module", "path")}
            yield self.finding(message, span, stage=Stage.PROBE, evidence=evidence, severity=severity)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        node = code.node_at(finding.span, ast.Call)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            return
        for up in code.ancestors(node):
            if isinstance(up, ast.With) and any(called(item.context_expr) in {"no_grad", "inference_mode"} for item in up.items):
                edits = insert_statement_before(code, up.lineno, f"{node.func.id}.eval()")
                yield self.fix("switch to evaluation mode first", *edits)
                return
            if isinstance(up, ast.FunctionDef) and any(WITHOUT_GRADIENTS.search(ast.unparse(one)) for one in up.decorator_list):
                first = up.body[1] if ast.get_docstring(up) and len(up.body) > 1 else up.body[0]
                yield self.fix("switch to evaluation mode first", *insert_statement_before(code, first.lineno, f"{node.func.id}.eval()"))
                return

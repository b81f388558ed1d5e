"""The random numbers start again in every round of training."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_before
from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.training_loop.loops import OPTIMIZERS, assigned, loops_around, optimizers, steps_in

__all__ = ["SeedInTrainingLoop"]

SEEDS = frozenset({"torch.manual_seed", "torch.random.manual_seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all", "numpy.random.seed", "random.seed"})  # fmt: skip
HEAD = "import torch, torch.nn as nn\n\nnet = nn.Linear(3, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
STEP = "    loss = net(torch.randn(4, 3)).pow(2).mean()\n    opt.zero_grad()\n    loss.backward()\n    opt.step()\n"


class SeedInTrainingLoop(Rule):
    """A fixed seed is set in every round of a training loop.

    ## What it does
    Reports `torch.manual_seed` and its kin with a seed that does not change, in a loop that steps an optimizer made outside it.

    ## Why is this bad?
    Every round draws the same random numbers: the same batch, the same order, the same noise and the same dropped units. Training sees a
    sliver of what it should.

    ## Example
    ```python
    for step in range(1000):
        torch.manual_seed(0)
        batch = data[torch.randperm(len(data))[:32]]
    ```

    ## Use instead
    ```python
    torch.manual_seed(0)
    for step in range(1000):
        batch = data[torch.randperm(len(data))[:32]]
    ```

    ## Fix safety
    The numbers that the training prints change.

    ## References
    - PyTorch, "Reproducibility".
    """

    id = "SNF487"
    name = "seed-in-training-loop"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good("import torch\ntorch.manual_seed(0)\n" + HEAD + "for _ in range(3):\n" + STEP),
        Good(HEAD + "for epoch in range(3):\n    torch.manual_seed(epoch)\n" + STEP),
        Good(
            "import torch, torch.nn as nn\n\nfor lr in (0.1, 0.01):\n    torch.manual_seed(0)\n    net = nn.Linear(3, 1)\n"
            "    opt = torch.optim.SGD(net.parameters(), lr=lr)\n    for _ in range(2):\n" + STEP.replace("    ", "        ")
        ),
        Good(HEAD + "for i in range(3):\n    if i == 0:\n        torch.manual_seed(0)\n" + STEP),
    )
    BAD = (
        Bad(
            HEAD + "# 训练\nfor _ in range(3):\n    torch.manual_seed(42)  # 可复现\n" + STEP,
            at=(7, 5),
            fixed=HEAD + "# 训练\ntorch.manual_seed(42)  # 可复现\nfor _ in range(3):\n" + STEP,
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for call in code.calls("manual_seed", "manual_seed_all", "seed"):
            loop = training_loop(code, call) if context.scopes.qualified(call.func) in SEEDS else None
            if loop is not None:
                message = "the random numbers start again in every round: each sees the same batch, noise and dropout"
                yield self.finding(message, code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        call = code.node_at(finding.span, ast.Call)
        loop = training_loop(code, call) if isinstance(call, ast.Call) else None
        if loop is not None and call is not None and len(loop.body) > 1 and finding.span.line == finding.span.end_line:
            outside = insert_statement_before(code, loop.lineno, code.lines[finding.span.line - 1].strip())
            start, end = code.offset(finding.span.line, 1), code.offset(finding.span.line + 1, 1)
            yield self.fix("set the seed once, before the loop", *outside, Edit(start, end, ""))


def training_loop(code: Code, call: ast.Call) -> ast.For | ast.While | None:
    """The outermost loop around a call that trains a model made outside it, where the call is one of its own statements or of a loop in it."""
    statement, loops = statement_of(code, call), loops_around(code, call)
    if not loops or statement not in loops[0].body:
        return None
    varying = {one.id for loop in loops for one in code.all(ast.Name, inside=loop) if isinstance(one.ctx, ast.Store)}
    if not call.args or any(one.id in varying for one in code.all(ast.Name, inside=call)) or code.all(ast.Call, inside=call.args[0]):
        return None
    made = {id(maker) for _, maker in assigned(code, OPTIMIZERS)}
    fitting = [loop for loop in loops if not any(id(one) in made for one in code.calls(*OPTIMIZERS, inside=loop))]
    return fitting[-1] if fitting and steps_in(fitting[-1], set(optimizers(code))) else None

"""Gradients that are to be gathered over several batches and are cleared after each."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_after, remove_statement
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.training_loop.loops import loops_around, optimizers, receiver

__all__ = ["AccumulationThrownAway"]

HEAD = "import torch, torch.nn as nn\n\nnet = nn.Linear(3, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\nfor i in range(8):\n"
BACK = "    (net(torch.ones(2, 3)).pow(2).mean() / 4).backward()\n    if (i + 1) % 4 == 0:\n        opt.step()\n"


class AccumulationThrownAway(Rule):
    """The optimizer steps every few batches, and the gradients are cleared after each batch.

    ## What it does
    Reports a `zero_grad()` that runs in every round of a loop in which `step()` of the same optimizer waits for `if i % n == 0`.

    ## Why is this bad?
    The gradients of the batches in between are thrown away. The step uses one batch out of n, with the loss perhaps divided by n on top: the
    training is slower by that much and looks as if it accumulated.

    ## Example
    ```python
    loss.backward()
    if (i + 1) % 4 == 0:
        optimizer.step()
    optimizer.zero_grad()
    ```

    ## Use instead
    ```python
    loss.backward()
    if (i + 1) % 4 == 0:
        optimizer.step()
        optimizer.zero_grad()
    ```

    ## Fix safety
    The training changes to what was meant.

    ## References
    - PyTorch, "Automatic Mixed Precision examples": gradient accumulation.
    """

    id = "SNF424"
    name = "accumulation-thrown-away"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + BACK + "        opt.zero_grad()\n"),
        Good(HEAD + BACK.replace("    if (i + 1) % 4 == 0:\n        opt", "    if i > 0:\n        opt") + "    opt.zero_grad()\n"),
        Good(HEAD + "    if i % 4 == 0:\n        opt.zero_grad()\n" + BACK),
        Good(  # a generator that waits for its critic: its own backward pass waits with it
            "import torch, torch.nn as nn\ng, d = nn.Linear(3, 3), nn.Linear(3, 1)\nog, od = torch.optim.Adam(g.parameters()), torch.optim.Adam(d.parameters())\n"
            "for i, x in enumerate(torch.randn(6, 2, 3)):\n    od.zero_grad()\n    (d(g(x).detach()) - d(x)).mean().backward()\n    od.step()\n"
            "    og.zero_grad()\n    if i % 5 == 0:\n        (-d(g(x)).mean()).backward()\n        og.step()\n"
        ),
    )
    BAD = (
        Bad(HEAD + BACK + "    opt.zero_grad()\n", at=(9, 5), fixed=HEAD + BACK + "        opt.zero_grad()\n", runs=False),
        Bad(
            HEAD + "    opt.zero_grad()  # 清零\n" + BACK,
            at=(6, 5),
            fixed=HEAD + BACK + "        opt.zero_grad()  # 清零\n",
            runs=False,
        ),
        Bad(  # the optimizer is made in a block before
            HEAD[HEAD.index("for") :] + BACK + "    opt.zero_grad()\n",
            at=(5, 5),
            fixed=HEAD[HEAD.index("for") :] + BACK + "        opt.zero_grad()\n",
            before=HEAD[: HEAD.index("for")],
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for clearing, step in _thrown(context.code):
            message = (
                f"the gradients are cleared in every round, and `{receiver(step)}` steps only in some: those of the rounds between are lost"
            )
            yield self.finding(message, context.code.span(clearing))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        for clearing, step in _thrown(code):
            last = statement_of(code, step)
            if code.span(clearing) == finding.span and last is not None and clearing.lineno == clearing.end_lineno:
                line = code.lines[clearing.lineno - 1]
                after = insert_statement_after(code, last.lineno, line.strip())
                yield self.fix("clear them after the step", *remove_statement(code, clearing.lineno), *after)


def _thrown(code: Code) -> Iterator[tuple[ast.Call, ast.Call]]:
    """Each such `zero_grad()` with the `step()` that waits."""
    for step in code.calls("step"):
        up = code.parents.get(code.parents[step])
        loops = loops_around(code, step)
        waits = isinstance(up, ast.If) and any(isinstance(one.op, ast.Mod) for one in code.all(ast.BinOp, inside=up.test))
        if (
            not loops
            or not waits
            or not isinstance(up, ast.If)
            or code.parents.get(up) is not loops[0]
            or receiver(step) not in optimizers(code)
        ):
            continue
        back = [
            one for one in code.calls("backward", inside=loops[0]) if loops_around(code, one)[:1] == [loops[0]] and one.lineno < up.lineno
        ]
        if code.calls("backward", inside=up):
            continue  # all that the step uses is computed beside it
        for clearing in code.calls("zero_grad", inside=loops[0]):
            statement = statement_of(code, clearing)
            if receiver(clearing) == receiver(step) and statement in loops[0].body and back:
                yield clearing, step

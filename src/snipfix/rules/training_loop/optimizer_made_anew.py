"""A new optimizer for every step."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import CodemodError, insert_statement_before, remove_statement
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import each, number, text
from snipfix.rules.training_loop.loops import OPTIMIZERS, assigned, receiver

__all__ = ["OptimizerMadeAnew"]

HEAD = "import torch, torch.nn as nn\nnet, x = nn.Linear(3, 1), torch.ones(2, 3)\n"
MAKE = "opt = torch.optim.Adam(net.parameters(), lr=0.1)"
LOOP = "for _ in range(4):\n{}    loss = net(x).pow(2).mean()\n    opt.zero_grad()\n    loss.backward()\n    opt.step()\n"


class OptimizerMadeAnew(Rule):
    """Every step is taken by a new optimizer, so that moments and momentum never build up.

    ## What it does
    Reports a place where each step was the first one of another optimizer of the same parameters, three times at least, when that kind of
    optimizer keeps a state.

    ## Why is this bad?
    Adam without its moments is a step of fixed size along the sign of the gradient; momentum never acts, a scheduler starts anew. Training
    goes on, only worse.

    ## Example
    ```python
    for x, y in loader:
        optimizer = torch.optim.Adam(model.parameters())
    ```

    ## Use instead
    ```python
    optimizer = torch.optim.Adam(model.parameters())
    for x, y in loader:
    ```

    ## Fix safety
    Unsafe: training changes to what the optimizer is for. Offered where the constructor needs nothing that the loop makes.

    ## References
    - Kingma and Ba 2015, Adam, algorithm 1.
    """

    id = "SNF481"
    name = "optimizer-made-anew"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(HEAD + MAKE + "\n" + LOOP.format("")),
        Good(HEAD + LOOP.format("    net = nn.Linear(3, 1)\n    " + MAKE + "\n")),
        Good(HEAD + LOOP.format("    " + MAKE.replace("Adam", "SGD") + "\n")),
        Good(
            HEAD
            + "for rate in (0.1, 0.2, 0.3):\n    "
            + MAKE.replace("0.1", "rate")
            + "\n    for _ in range(2):\n        opt.zero_grad()\n        net(x).mean().backward()\n        opt.step()\n"
        ),
    )
    BAD = (
        Bad(
            HEAD + LOOP.format("    " + MAKE + "  # 优化器\n"),
            at=(4, 11),
            fixed=HEAD + MAKE + "\n" + LOOP.format(""),
        ),
        Bad(
            HEAD + "def step(net, x):\n    " + MAKE + "\n    net(x).mean().backward()\n    opt.step()\nfor _ in range(4):\n    step(net, x)\n",
            at=(4, 11),
        ),
    )  # fmt: skip

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "optimizer-anew"):
            made = _constructor(context.code, span)
            if made is not None:
                count, kind = number(observation.facts, "optimizers") or 0, text(observation.facts, "type")
                message = f"each of the {count:.0f} steps is taken by a new {kind}: what it keeps from step to step is lost every time"
                yield self.finding(message, context.code.span(made), stage=Stage.PROBE, evidence=observation.facts)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        call = code.node_at(finding.span, ast.Call)
        statement = statement_of(code, call) if call is not None else None
        loops = _loops(code, statement) if statement is not None else []
        if not isinstance(statement, ast.Assign) or not loops or _bound_in(loops[-1]) & _read_by(statement.value):
            return
        try:
            removed = remove_statement(code, statement.lineno)
            moved = insert_statement_before(code, loops[-1].lineno, code.slice(statement))
        except CodemodError:
            return
        yield self.fix("make the optimizer once, before the loop", *moved, *removed)


def _constructor(code: Code, step: Span) -> ast.Call | None:
    """The call that made the optimizer which steps at a place, when the text has one only."""
    call = code.node_at(step, ast.Call)
    if not isinstance(call, ast.Call) or code.span(call) != step:
        return None
    made = [one for name, one in assigned(code, OPTIMIZERS) if name == receiver(call)]
    return made[0] if len(made) == 1 else None


def _loops(code: Code, node: ast.AST) -> list[ast.For | ast.While]:
    """The loops around a node in its own function, innermost first."""
    found: list[ast.For | ast.While] = []
    for up in code.ancestors(node):
        if isinstance(up, ast.FunctionDef | ast.ClassDef):
            break
        if isinstance(up, ast.For | ast.While):
            found.append(up)
    return found


def _bound_in(loop: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(loop) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


def _read_by(value: ast.expr) -> set[str]:
    return {one.id for one in ast.walk(value) if isinstance(one, ast.Name)}

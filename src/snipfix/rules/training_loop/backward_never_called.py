"""An optimizer that steps without a backward pass."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_after, insert_statement_before
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called, each, number, shape
from snipfix.rules.training_loop.loops import receiver
from snipfix.rules.training_loop.optimizer_never_stepped import blocks

LOSS = re.compile(r"loss|cost|err|objective|nll|elbo", re.IGNORECASE)


class BackwardNeverCalled(Rule):
    """An optimizer steps, and no parameter that it holds ever had a gradient.

    ## What it does
    Reports an optimizer that found no gradient at any of its steps, although it holds parameters that could have one and no gradients were
    cleared on the way; and a step right after the gradients of its optimizer were cleared, with a loss before it that has no backward pass.

    ## Why is this bad?
    A step without gradients does nothing: the model keeps its random start values.

    ## Example
    ```python
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    optimizer.step()
    ```

    ## Use instead
    ```python
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    ```

    ## Fix safety
    Unsafe: the value that is called a loss and has no backward pass yet is the one that gets it.

    ## References
    - torch.optim: "Taking an optimization step".
    """

    id = "SNF447"
    name = "backward-never-called"
    category = Category.TRAINING_LOOP
    HEAD = (
        "import torch, torch.nn as nn\nm = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\nx = torch.randn(8, 3)\n"
        "for _ in range(3):\n    o.zero_grad()\n    loss = m(x).pow(2).mean()\n{}    o.step()\n"
    )
    TWO = (
        "import torch, torch.nn as nn\na, b = nn.Linear(2, 1), nn.Linear(2, 1)\noa = torch.optim.SGD(a.parameters(), lr=0.1)\n"
        "ob = torch.optim.SGD(b.parameters(), lr=0.1)\nx = torch.ones(4, 2)\nfor _ in range(2):\n    a_loss = a(x).pow(2).mean()\n"
        "    oa.zero_grad()\n    a_loss.backward()\n    oa.step()\n    b_loss = b(x).pow(2).mean()\n    ob.zero_grad()\n{}    ob.step()\n"
    )
    GOOD = (
        Good(TWO.format("    b_loss.backward()\n")),
        Good(HEAD.format("    loss.backward()\n")),
        Good(
            "import torch\nw = torch.ones(2, requires_grad=True)\no = torch.optim.SGD([w], lr=0.1)\nfor _ in range(3):\n"
            "    w.grad = torch.autograd.grad((w ** 2).sum(), w)[0]\n    o.step()\n"
        ),
        Good(
            "import torch\nw = torch.ones(2, requires_grad=True)\no = torch.optim.LBFGS([w])\ndef closure():\n    o.zero_grad()\n"
            "    loss = (w ** 2).sum()\n    loss.backward()\n    return loss\no.step(closure)\n"
        ),
        Good(
            "import torch\nw = torch.ones(2, requires_grad=True)\no = torch.optim.SGD([w], lr=0.1)\n"
            "s = torch.optim.lr_scheduler.StepLR(o, 1)\nfor _ in range(3):\n    o.step()\n    s.step()\n    print(s.get_last_lr())\n"
        ),
    )
    BAD = (
        Bad(TWO.format(""), at=(13, 5), fixed=TWO.format("    b_loss.backward()\n")),
        Bad(HEAD.format("    # now learn\n"), at=(9, 5), fixed=HEAD.format("    # now learn\n    loss.backward()\n")),
        Bad(
            HEAD.format("    nn.utils.clip_grad_norm_(m.parameters(), 1.0)\n"),
            at=(9, 5),
            fixed=HEAD.format("    loss.backward()\n    nn.utils.clip_grad_norm_(m.parameters(), 1.0)\n"),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        code = context.code
        cleared = {shape(one.facts, "step") for one in outcome.seen("cleared-gradient")}
        for observation, span in each(outcome, code, "optimizer"):
            trainable, bare, reached, others = (
                number(observation.facts, name) or 0 for name in ("trainable", "bare", "reached", "reached_by_others")
            )
            at = (span.line, span.column, span.end_line, span.end_column)
            if not trainable or bare < trainable or (others and not reached) or at in cleared:
                continue
            if losses_before(code, span.line):
                message = "no backward pass was run before this step: the parameters have no gradients, and nothing is learnt"
                yield self.finding(message, span, stage=Stage.PROBE, evidence={"parameters": trainable})

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if len(code.calls("zero_grad")) < 2:
            return
        for step in code.calls("step"):
            statement = statement_of(code, step)
            if statement is None or not _cleared_just_now(code, statement, step):
                continue
            if losses_before(code, statement.lineno):
                message = "no backward pass is run between the clearing of the gradients and this step: nothing is learnt from the loss"
                yield self.finding(message, code.span(step))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        step = code.node_at(finding.span, ast.Call)
        step_statement = None if step is None else statement_of(code, step)
        if step_statement is None:
            return
        for at, statement in enumerate(losses_before(code, step_statement.lineno)):
            name = ast.unparse(statement.targets[0])
            block = next((body for body in blocks(code.parents[statement]) if statement in body), [])
            if step_statement in block:
                first = before_clipping(block, step_statement)
                edits = insert_statement_before(code, first.lineno, f"{name}.backward()")
            else:
                edits = insert_statement_after(code, statement.lineno, f"{name}.backward()")
            yield self.fix(f"run the backward pass of {name}", *edits, preference=at)


def _cleared_just_now(code: Code, statement: ast.stmt, step: ast.Call) -> bool:
    """Whether the same optimizer cleared the gradients before a step in its block, and what stands between computes none."""
    block = next((body for body in blocks(code.parents[statement]) if statement in body), [])
    for before in reversed(block[: block.index(statement)] if block else []):
        calls = [one for one in ast.walk(before) if isinstance(one, ast.Call)]
        if any(called(one) == "zero_grad" and receiver(one) == receiver(step) for one in calls):
            return True
        if any(not QUIET.search(called(one)) for one in calls) or isinstance(before, ast.FunctionDef):
            return False
    return False


QUIET = re.compile(r"^(?:zero_grad|print|append|item|clip_grad_\w+|parameters)$")
"""Calls that compute no gradients."""


def losses_before(code: Code, line: int) -> list[ast.Assign]:
    """Assignments of losses before a line, in its function, whose backward pass stands nowhere, the nearest first."""
    passed = {receiver(node) for node in code.calls("backward")}
    home = function_at(code, line)
    found = [
        node for node in code.all(ast.Assign) if node.lineno < line and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        and LOSS.search(node.targets[0].id) and node.targets[0].id not in passed and isinstance(node.value, ast.Call | ast.BinOp | ast.UnaryOp)
        and not called(node.value).endswith("Loss") and function_at(code, node.lineno) is home
    ]  # fmt: skip
    return sorted(found, key=lambda node: -node.lineno)


def function_at(code: Code, line: int) -> ast.AST | None:
    """The innermost function around a line."""
    around = [node for node in code.all(ast.FunctionDef) if node.lineno <= line <= (node.end_lineno or 0)]
    return around[-1] if around else None


def before_clipping(block: list[ast.stmt], step: ast.stmt) -> ast.stmt:
    """The first statement right before a step that clips the gradients, else the step."""
    first = step
    for statement in reversed(block[: block.index(step)]):
        if not any(called(node).startswith("clip_grad") for node in ast.walk(statement)):
            break
        first = statement
    return first

"""A training loop that computes gradients and never takes a step."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_after, insert_statement_before
from snipfix.model import Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import SCHEDULERS, built_here, receiver

LIKE_AN_OPTIMIZER = re.compile(r"(^|_)opt(im(izer)?)?(_|$|\d|[A-Z])", re.IGNORECASE)
ASIDE = frozenset({"zero_grad", "param_groups", "state_dict", "load_state_dict", "add_param_group"})
LOOKS_AT_GRADIENTS = re.compile(r"(?<!autograd)\.grad\b")


class OptimizerNeverStepped(Rule):
    """An optimizer clears gradients in a loop that computes them, and `step()` is never called.

    ## What it does
    Reports an optimizer whose gradients are cleared in a loop with a backward pass, or that is built beside one, when its `step()` stands nowhere
    and it is handed to nobody who could call it. Texts that look at `.grad` themselves are left alone.

    ## Why is this bad?
    Nothing is learnt: the parameters keep their random start values, and the loss only moves with the batches.

    ## Example
    ```python
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
    ```

    ## Use instead
    ```python
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    ```

    ## Fix safety
    Unsafe: the step is put after the backward pass of the same loop.

    ## References
    - torch.optim: "Taking an optimization step".
    """

    id = "SNF446"
    name = "optimizer-never-stepped"
    category = Category.TRAINING_LOOP
    HEAD = (
        "import torch, torch.nn as nn\nm = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\nx = torch.randn(8, 3)\n"
        "for _ in range(3):\n    o.zero_grad()\n    loss = m(x).pow(2).mean()\n    loss.backward()  # gradients\n"
    )
    GOOD = (
        Good(HEAD + "    o.step()\n"),
        Good(HEAD + "    print(m.weight.grad)\n"),
        Good(HEAD + "    apply(o)\n", runs=False),
        Good(HEAD.replace("o.zero_grad()", "m.zero_grad()") + "    scaler.step(o)\n", runs=False),
    )
    BAD = (
        Bad(HEAD, at=(6, 5), fixed=HEAD + "    o.step()\n", runs=False),
        Bad(
            HEAD + "    nn.utils.clip_grad_norm_(m.parameters(), 1.0)\n    print(loss.item())\n",
            at=(6, 5),
            fixed=HEAD + "    nn.utils.clip_grad_norm_(m.parameters(), 1.0)\n    o.step()\n    print(loss.item())\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("backward"):
            return
        built = set(built_here(code))
        clearing = {receiver(node): node for node in reversed(code.calls("zero_grad"))}
        for name, node in clearing.items():
            if (name in built or LIKE_AN_OPTIMIZER.search(name)) and not handed_on(code, name) and backward_for(code, node) is not None:
                if LOOKS_AT_GRADIENTS.search(code.text):
                    return
                message = f"`{name}` clears gradients and never takes a step: nothing is learnt"
                yield self.finding(message, code.span(node), evidence={"optimizer": name})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code, name = context.code, str(finding.evidence.get("optimizer", ""))
        node = code.node_at(finding.span, ast.Call)
        backward = backward_for(code, node) if isinstance(node, ast.Call) and called(node) == "zero_grad" else None
        if backward is None or not isinstance(node, ast.Call):
            return
        if node.lineno > backward.lineno:
            edits = insert_statement_before(code, node.lineno, f"{name}.step()")
        else:
            edits = insert_statement_after(code, after_clipping(code, backward).lineno, f"{name}.step()")
        yield self.fix("take the step after the backward pass", *edits)


def handed_on(code: Code, name: str) -> bool:
    """Whether an optimizer is used in any way but to clear gradients and to build schedulers: stepped, passed on, returned, stored."""
    for node in code.mentions(name):
        if not isinstance(node.ctx, ast.Load):
            continue
        parent = code.parents[node]
        if not (isinstance(parent, ast.Attribute) and parent.attr in ASIDE) and called(parent) not in SCHEDULERS:
            return True
    return False


def backward_for(code: Code, clearing: ast.Call) -> ast.stmt | None:
    """The statement of the backward pass that belongs to a zero_grad(): the next one in its loop or function, else the last one before it."""
    for up in code.ancestors(clearing):
        if isinstance(up, ast.For | ast.While | ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            found = sorted(code.calls("backward", inside=up), key=lambda one: one.lineno)
            later = [one for one in found if one.lineno > clearing.lineno]
            if found:
                return statement_of(code, later[0] if later else found[-1])
            if not isinstance(up, ast.For | ast.While):
                return None
    return None


def after_clipping(code: Code, backward: ast.stmt) -> ast.stmt:
    """The last statement right after a backward pass that clips its gradients, else the backward pass."""
    block = next((body for body in blocks(code.parents[backward]) if backward in body), [backward])
    last = backward
    for statement in block[block.index(backward) + 1 :]:
        if not any(called(node).startswith("clip_grad") for node in ast.walk(statement)):
            break
        last = statement
    return last


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements that a node has."""
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        if isinstance(body, list):
            yield body

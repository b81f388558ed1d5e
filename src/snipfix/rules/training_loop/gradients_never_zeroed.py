"""Gradients of earlier steps are added to the next one's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_after, insert_statement_before, joined
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, words
from snipfix.rules.training_loop.loops import built_here, optimizers, receiver

CLEARED = re.compile(r"zero_grad|\.grad\s*=|\.grad\.(data\.)?zero_|autograd\.grad|\.grad\b.*\b(zero|fill)_")
OPTIMIZER = frozenset("optimizer optimiser optim opt".split())

TWO = (
    "import torch, torch.nn as nn\ng, d = nn.Linear(2, 3), nn.Linear(3, 1)\nog = torch.optim.SGD(g.parameters(), lr=0.1)\n"
    "od = torch.optim.SGD(d.parameters(), lr=0.1)\nfor _ in range(4):\n    fake = g(torch.ones(2, 2))\n    loss = d(fake.detach()).pow(2).mean()\n"
    "{}    loss.backward()\n    od.step()\n    og.zero_grad()\n    loss = (d(fake) - 1).pow(2).mean()\n    loss.backward()\n    og.step()\n"
)

HANDED = (
    "import torch.nn.functional as F\n\ndef train(model, loader, optimizer):\n    for x, y in loader:\n        loss = F.mse_loss(model(x), y)\n"
    "{}        loss.backward()\n        optimizer.step()\n"
)


class GradientsNeverZeroed(Rule):
    """A backward pass adds to gradients that were already used for a step.

    ## What it does
    Reports a `backward()` that finds the gradient of the pass before still in place although the parameter has been changed since, when the
    sum is then used for the next step. From the text: a loop with `backward()` and `step()` in a text that never clears a gradient.

    ## Why is this bad?
    PyTorch adds up gradients until they are cleared. Every step then follows the sum of all gradients so far: the training overshoots,
    and the loss may still fall enough to hide it.

    ## Example
    ```python
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
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
    Unsafe: adding up over several batches on purpose looks alike, but then the optimizer does not step in between.

    ## References
    - PyTorch recipe "Zeroing out gradients in PyTorch".
    """

    id = "SNF430"
    name = "gradients-never-zeroed"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(HANDED.format("        optimizer.zero_grad()\n")),
        Good(HANDED.format("        model.zero_grad(set_to_none=True)\n")),
        Good(
            "import torch, torch.nn as nn\nm = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\nx = torch.randn(8, 3)\n"
            "for i in range(4):\n    m(x).pow(2).mean().backward()\n    if i % 2:\n        o.step()\n        o.zero_grad()\n"
        ),
        Good(
            "import torch\nw = torch.ones(3, requires_grad=True)\nfor _ in range(3):\n    loss = (w ** 2).sum()\n    loss.backward()\n"
            "    with torch.no_grad():\n        w -= 0.1 * w.grad\n        w.grad.zero_()\n"
        ),
        Good(
            "import torch, torch.nn as nn\nm = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\nx = torch.randn(8, 3)\n"
            "for _ in range(3):\n    (g,) = torch.autograd.grad(m(x).mean(), [m.weight])\n    m.weight.grad = g\n    o.step()\n"
        ),
        Good(  # a critic whose weights are clamped after both steps: what the generator's pass left in its gradients is cleared before its own
            TWO.format("    od.zero_grad()\n") + "    for w in d.parameters():\n        w.data.clamp_(-0.05, 0.05)\n"
        ),
    )
    BAD = (
        Bad(HANDED.format(""), at=(6, 9), fixed=HANDED.format("        optimizer.zero_grad()\n"), runs=False),
        Bad(
            "import torch, torch.nn as nn\nm = nn.Linear(3, 1)\nopt = torch.optim.SGD(m.parameters(), lr=0.1)\nx = torch.randn(8, 3)\n"
            "for _ in range(3):\n    loss = m(x).pow(2).mean()\n    loss.backward()  # gradients\n    opt.step()\n",
            at=(7, 5),
            fixed="import torch, torch.nn as nn\nm = nn.Linear(3, 1)\nopt = torch.optim.SGD(m.parameters(), lr=0.1)\nx = torch.randn(8, 3)\n"
            "for _ in range(3):\n    loss = m(x).pow(2).mean()\n    opt.zero_grad()\n    loss.backward()  # gradients\n    opt.step()\n",
        ),
        Bad(
            "import torch, torch.nn as nn\nm = nn.Linear(3, 1)\nopt = torch.optim.SGD(m.parameters(), lr=0.1)\nfor epoch in range(2):\n"
            "    for x in torch.randn(3, 8, 3):\n        loss = m(x).pow(2).mean()\n        loss.backward()\n        opt.step()\n",
            at=(7, 9),
            fixed="import torch, torch.nn as nn\nm = nn.Linear(3, 1)\nopt = torch.optim.SGD(m.parameters(), lr=0.1)\nfor epoch in range(2):\n"
            "    for x in torch.randn(3, 8, 3):\n        loss = m(x).pow(2).mean()\n        opt.zero_grad()\n        loss.backward()\n        opt.step()\n",
        ),
        Bad(
            TWO.format(""),
            at=(12, 5),
            fixed=TWO.format("    od.zero_grad()\n"),
        ),
        Bad(
            "import torch\nw = torch.ones(3, requires_grad=True)\nfor _ in range(4):\n    (w ** 2).sum().backward()\n"
            "    with torch.no_grad():\n        w -= 0.1 * w.grad\n",
            at=(4, 5),
            fixed="import torch\nw = torch.ones(3, requires_grad=True)\nfor _ in range(4):\n    (w ** 2).sum().backward()\n"
            "    with torch.no_grad():\n        w -= 0.1 * w.grad\n        w.grad.zero_()\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("backward") or CLEARED.search(code.text):
            return
        known = {*built_here(code), *handed(code)}
        steps = {_loop_of(code, node): receiver(node) for node in reversed(code.calls("step")) if receiver(node) in known and not node.args}
        calls = {_loop_of(code, node): node for node in reversed(code.calls("backward"))}
        for loop, call in calls.items():
            if loop is not None and loop in steps:
                yield self._report(code.span(call), Stage.STATIC, steps[loop])

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for _, span in each(outcome, context.code, "stale-gradient"):
            yield self._report(span, Stage.PROBE, "")

    def _report(self, span: Span, stage: Stage, optimizer: str) -> Finding:
        message = "this backward pass adds to the gradients of the steps before: they are never cleared"
        return self.finding(message, span, stage=stage, evidence={"optimizer": optimizer})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        node = code.node_at(finding.span, ast.Call)
        if node is None or called(node) != "backward":
            return
        forgotten = list(_never_cleared(code, node))
        for other, backward in forgotten:
            edits = insert_statement_before(code, backward.lineno, f"{other}.zero_grad()")
            yield self.fix("clear the gradients before the backward pass", *edits)
        for names, edits in () if forgotten else _elsewhere(code):
            yield self.fix("clear the gradients before the backward pass", *edits, preference=names)
        if edits := () if code.calls("step") else _by_hand(code, node):
            yield self.fix("clear the gradients after they are used", *edits)
        name = finding.evidence.get("optimizer") or _stepped_after(code, node)
        if name and (name, node) not in forgotten:
            edits = insert_statement_before(code, node.lineno, f"{name}.zero_grad()")  # type: ignore[attr-defined]
            yield self.fix("clear the gradients before the backward pass", *edits, preference=len(forgotten))


def handed(code: Code) -> set[str]:
    """Parameters that are optimizers by their name, and the attributes that keep them: `optimizer`, `self.optimizer`."""
    given = {one.arg for function in code.all(ast.FunctionDef) for one in function.args.args if set(words(one.arg)) & OPTIMIZER}
    kept = (one for one in code.all(ast.Assign) if isinstance(one.value, ast.Name) and one.value.id in given)
    return given | {ast.unparse(one.targets[0]) for one in kept if isinstance(one.targets[0], ast.Attribute)}


def _loop_of(code: Code, node: ast.AST) -> ast.AST | None:
    """The innermost loop that a node stands in, within its function."""
    for up in code.ancestors(node):
        if isinstance(up, ast.For | ast.While):
            return up
        if isinstance(up, ast.FunctionDef | ast.Lambda):
            return None
    return None


def _never_cleared(code: Code, backward: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Optimizers that step in the loop of a backward pass and are never cleared, each with the backward pass before its step."""
    loop, cleared = _loop_of(code, backward), {receiver(node) for node in code.calls("zero_grad")}
    for step in code.calls("step", inside=loop) if loop is not None else ():
        name = receiver(step)
        if name in set(optimizers(code)) - cleared:
            before = [node for node in code.calls("backward", inside=loop) if node.lineno < step.lineno]
            if before:
                yield name, before[-1]


def _elsewhere(code: Code) -> Iterator[tuple[int, tuple[Edit, ...]]]:
    """For an optimizer that steps in a function of its own and is never cleared: the call in front of the backward pass before its step."""
    cleared, known = {receiver(node) for node in code.calls("zero_grad")}, set(optimizers(code))
    for number, step in enumerate(one for one in code.calls("step") if receiver(one) in known - cleared):
        around = code.around(step, ast.FunctionDef)
        before = [one for one in code.calls("backward", inside=around) if one.lineno < step.lineno] if around is not None else []
        if before:
            yield number, insert_statement_before(code, before[-1].lineno, f"{receiver(step)}.zero_grad()")


def _by_hand(code: Code, backward: ast.AST) -> tuple[Edit, ...]:
    """For steps that are taken by hand, `w -= lr * w.grad`: the clearing right behind each."""
    loop = _loop_of(code, backward)
    edits: list[tuple[Edit, ...]] = []
    for step in code.all(ast.AugAssign, inside=loop) if loop is not None else ():
        name = ast.unparse(step.target).removesuffix(".data")
        used = {ast.unparse(one.value) for one in code.all(ast.Attribute, inside=step.value) if one.attr == "grad"}
        if isinstance(step.op, ast.Sub) and name in used:
            edits.append(insert_statement_after(code, step.lineno, f"{name}.grad.zero_()"))
    return joined(*edits)


def _stepped_after(code: Code, backward: ast.AST) -> str:
    """The optimizer whose step follows a backward call in the same block, or anywhere in the same loop."""
    known = set(optimizers(code))
    for up in code.ancestors(backward):
        for node in ast.walk(up):
            if (
                isinstance(node, ast.Call)
                and called(node) == "step"
                and receiver(node) in known
                and node.lineno >= getattr(backward, "lineno", 0)
            ):
                return receiver(node)
        if isinstance(up, ast.For | ast.While | ast.FunctionDef):
            break
    return ""

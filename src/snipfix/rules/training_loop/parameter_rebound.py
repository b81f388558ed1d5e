"""Parameters that a loop means to change, and whose names it only binds anew."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import in_place, without_recording
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home

__all__ = ["ParameterRebound"]

UNCHANGED = frozenset(["", "to", "cuda", "cpu", "detach", "clone", "float", "half", "double", "requires_grad_"])
"""Calls that give the same numbers."""

HEAD = (
    "import torch, torch.nn as nn\nnet = nn.Linear(3, 1)\nslow = nn.Linear(3, 1)\n"
    "net(torch.ones(2, 3)).pow(2).mean().backward()\n{}for p, q in zip(net.parameters(), slow.parameters()):\n"
)


class ParameterRebound(Rule):
    """A loop over parameters binds its own name to a new tensor, and the parameter stays as it is.

    ## What it does
    Reports `p = ...` as the last statement of a loop over `model.parameters()`, or over tensors whose `p.grad` it reads, where the new value is
    computed from `p` and nothing reads it afterwards.

    ## Why is this bad?
    The assignment gives the name another tensor. The model keeps the old one: no weight is ever updated, and nothing says so.

    ## Example
    ```python
    for p in model.parameters():
        p = p - lr * p.grad
    ```

    ## Use instead
    ```python
    for p in model.parameters():
        with torch.no_grad():
            p.copy_(p - lr * p.grad)
    ```

    ## Fix safety
    Unsafe: the parameters change, as the text says they do.

    ## References
    - Python reference, "Assignment statements"; torch.Tensor.copy_; torch.no_grad.
    """

    id = "SNF495"
    name = "parameter-rebound"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    silent = True
    GOOD = (
        Good(HEAD.format("") + "    with torch.no_grad():\n        p -= 0.1 * p.grad\n"),
        Good(HEAD.format("") + "    p = p - 0.1 * p.grad\n    print(p.norm())\n"),
        Good(HEAD.format("found = []\n") + "    p = p.detach() * 2\n    found.append(p)\n"),
        Good(HEAD.format("") + "    p = p.detach()\n    q.data.copy_(p)\n"),
        Good(HEAD.format("") + "    p = p.to('cpu')\n"),
        Good(HEAD.format("total = 0.0\n") + "    total = total + p.pow(2).sum()\n"),
    )
    BAD = (
        Bad(
            HEAD.format("") + "    p = p - 0.1 * p.grad  # 更新\n",
            at=(6, 5),
            fixed=HEAD.format("") + "    with torch.no_grad():\n        p -= 0.1 * p.grad  # 更新\n",
            runs=False,
        ),
        Bad(
            HEAD.format("with torch.no_grad():\n    ") + "        p = p - 0.1 * p.grad\n",
            at=(7, 9),
            fixed=HEAD.format("with torch.no_grad():\n    ") + "        p -= 0.1 * p.grad\n",
            runs=False,
        ),
        Bad(
            "import torch\nw, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)\n(w + b).sum().backward()\n"
            "for p in (w, b):\n    p = p - 0.1 * p.grad\n",
            at=(5, 5),
            fixed="import torch\nw, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)\n(w + b).sum().backward()\n"
            "for p in (w, b):\n    with torch.no_grad():\n        p -= 0.1 * p.grad\n",
            runs=False,
        ),
        Bad(
            HEAD.format("") + "    q = 0.99 * q + 0.01 * p\n",
            at=(6, 5),
            fixed=HEAD.format("") + "    with torch.no_grad():\n        q.copy_(0.99 * q + 0.01 * p)\n",
            runs=False,
        ),
        Bad(  # torch is imported in a block before
            "@torch.no_grad()\ndef update(slow, net):\n    for s, p in zip(slow.parameters(), net.parameters()):\n        s = 0.9 * s + 0.1 * p\n",
            at=(4, 9),
            fixed="@torch.no_grad()\ndef update(slow, net):\n    for s, p in zip(slow.parameters(), net.parameters()):\n        s.copy_(0.9 * s + 0.1 * p)\n",
            before="import torch\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for statement, name in _rebound(context.code):
            message = f"`{name}` is only a name of this loop: it is bound to a new tensor, and the parameter stays as it is"
            yield self.finding(message, context.code.span(statement))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        if context.scopes.alias("torch") != "torch":
            return
        for statement, name in _rebound(code):
            if code.span(statement) == finding.span:
                text = in_place(code, statement) or f"{name}.copy_({code.slice(statement.value)})"
                quiet = any(called(one) == "no_grad" for up in code.ancestors(statement) for one in _entered(up))
                edits = (Edit(*code.range(finding.span), text),) if quiet else without_recording(code, [(statement, text)])
                yield self.fix("change the parameter itself", *edits)


def _rebound(code: Code) -> Iterator[tuple[ast.Assign, str]]:
    """The assignments to a parameter's name in a loop over parameters that nothing reads, each with that name."""
    for loop in code.all(ast.For):
        last = loop.body[-1]
        target = last.targets[0] if isinstance(last, ast.Assign) and len(last.targets) == 1 else None
        if not isinstance(last, ast.Assign) or not isinstance(target, ast.Name) or target.id not in _given(loop.target):
            continue
        over = code.calls("parameters", "named_parameters", inside=loop.iter) or f"{target.id}.grad" in code.slice(last.value)
        if over and _is_from_itself(code, last.value, target.id) and not _read_later(code, loop, target.id):
            yield last, target.id


def _entered(up: ast.AST) -> list[ast.expr]:
    """What a statement puts its body in: the contexts of a `with`, the decorators of a function."""
    return [one.context_expr for one in getattr(up, "items", ())] + getattr(up, "decorator_list", [])


def _given(target: ast.expr) -> set[str]:
    """The names that a loop gives tensors to: in `for name, p in ...` the second."""
    if not isinstance(target, ast.Tuple):
        return {target.id} if isinstance(target, ast.Name) else set()
    return {name for one in target.elts for name in _given(one)} - {"name", "n", "k", "key"}


def _is_from_itself(code: Code, value: ast.expr, name: str) -> bool:
    """Whether a value is computed from what the name has stood for."""
    computed = isinstance(value, ast.BinOp) or called(value) not in UNCHANGED
    return computed and any(one.id == name for one in code.all(ast.Name, value))


def _read_later(code: Code, loop: ast.For, name: str) -> bool:
    """Whether the name is read behind the loop, in its function."""
    end = loop.end_lineno or loop.lineno
    return any(one.lineno > end and isinstance(one.ctx, ast.Load) and home(code, one) is home(code, loop) for one in code.mentions(name))

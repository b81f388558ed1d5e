"""A target network that keeps its start values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.model import Category, Finding
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import loops_around, optimizers, steps_in

__all__ = ["TargetNeverUpdated"]

NETWORKS = frozenset("net network model critic actor q qnet dqn policy value encoder".split())
QUIET = frozenset("eval to cuda cpu train requires_grad_ float double state_dict apply".split())
HEAD = (
    "import copy\nimport torch, torch.nn as nn\n\nq_net = nn.Linear(3, 2)\n{}\nopt = torch.optim.SGD(q_net.parameters(), lr=0.1)\n"
    "for step in range(4):\n    s, r, s2 = torch.randn(8, 3), torch.rand(8), torch.randn(8, 3)\n    with torch.no_grad():\n"
    "        y = r + 0.9 * target_net(s2).max(1).values\n    loss = (q_net(s).max(1).values - y).pow(2).mean()\n"
    "    opt.zero_grad()\n    loss.backward()\n    opt.step()\n"
)
OWN = "target_net = nn.Linear(3, 2)\ntarget_net.load_state_dict(q_net.state_dict())\ntarget_net.eval()"


class TargetNeverUpdated(Rule):
    """A target network is asked for targets all through the training, and never follows the network that is trained.

    ## What it does
    Reports a network named `target...` that is called in a loop or function while an optimizer steps another one, and that the text never
    updates: no `load_state_dict` in a loop or function, no walk over its parameters, no hand to a function that might do it.

    ## Why is this bad?
    The targets are those of the random start values. The values that are learnt never see what was learnt later on: beyond the first reward,
    nothing is learnt.

    ## Example
    ```python
    target_net = QNet()
    for step in range(10_000):
        train_step(q_net, batch, target_net(next_states))
    ```

    ## Use instead
    ```python
    for step in range(10_000):
        train_step(q_net, batch, target_net(next_states))
        if step % 500 == 0:
            target_net.load_state_dict(q_net.state_dict())
    ```

    ## Fix safety
    No fix: how often, and whether at once or little by little, is the author's choice.

    ## References
    - Mnih et al., "Human-level control through deep reinforcement learning", 2015.
    """

    id = "SNF486"
    name = "target-never-updated"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(HEAD.format(OWN) + "    if step % 2 == 0:\n        target_net.load_state_dict(q_net.state_dict())\n"),
        Good(
            HEAD.format("target_net = copy.deepcopy(q_net)")
            + "    for p, t in zip(q_net.parameters(), target_net.parameters()):\n        t.data.lerp_(p.data, 0.01)\n"
        ),
        Good(
            "def follow(net, of, rate=0.01):\n    for p, t in zip(of.parameters(), net.parameters()):\n        t.data.lerp_(p.data, rate)\n"
            + HEAD.format(OWN) + "    follow(target_net, q_net)\n"
        ),
        Good("import torch\n\nwidth = torch.nn.Linear(2, 3)\ntarget_net = torch.nn.Linear(2, 3)\nprint(target_net(torch.ones(1, 2)))\n"),
    )  # fmt: skip
    BAD = (
        Bad(HEAD.format(OWN), at=(5, 14), runs=False),
        Bad(HEAD.format("target_net = copy.deepcopy(q_net).requires_grad_(False)"), at=(5, 14), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for node in code.all(ast.Assign) if "target" in code.text else ():
            target = node.targets[0]
            if not isinstance(node.value, ast.Call) or not isinstance(target, ast.Name | ast.Attribute):
                continue
            name = words(target.id if isinstance(target, ast.Name) else target.attr)
            if "target" in name and NETWORKS & set(name) and optimizers(code) and _stays(code, ast.unparse(target)):
                message = f"`{ast.unparse(target)}` is never updated: its targets stay those of its start values"
                yield self.finding(message, code.span(node.value))


def _stays(code: Code, name: str) -> bool:
    """Whether a network is asked in a loop or function, and everything that is done with it leaves it as it was made."""
    last = name.rpartition(".")[2]
    owners = set(re.findall(rf"([\w.]*\b){re.escape(last)}\b", code.text))
    if owners - {name.removesuffix(last)}:
        return False  # known by another name too
    asked = False
    if not steps_in(code.tree, set(optimizers(code))):
        return False
    for node in code.mentions(name):
        up = code.parents.get(node)
        if isinstance(node.ctx, ast.Store):
            if not isinstance(up, ast.Assign) or asked:
                return False
        elif isinstance(up, ast.Call) and up.func is node:
            asked = asked or _again(code, up)
        elif not isinstance(up, ast.Attribute) or not _leaves(code, up):
            return False
    return asked


def _again(code: Code, node: ast.AST) -> bool:
    """Whether a node stands in a loop, or in a function other than a constructor."""
    functions = [up for up in code.ancestors(node) if isinstance(up, ast.FunctionDef)]
    return bool(loops_around(code, node)) or any(one.name != "__init__" for one in functions)


def _leaves(code: Code, method: ast.Attribute) -> bool:
    """Whether a method that is called leaves the weights alone, or gives them their start values."""
    call = code.parents.get(method)
    if not isinstance(call, ast.Call) or call.func is not method:
        return False
    if method.attr == "load_state_dict":
        return not _again(code, call)
    if method.attr == "parameters":
        loop = code.parents.get(call)
        return isinstance(loop, ast.For) and loop.iter is call and "requires_grad" in ast.unparse(loop.body[0])
    return method.attr in QUIET and called(call) == method.attr

"""The value of the next state counted although there is none."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import words
from snipfix.rules.training_loop.loops import home

__all__ = ["TerminalFlagIgnored"]

FLAGS = frozenset("done dones terminal terminals terminated terminations".split())
REWARDS = frozenset("r reward rewards rew rews".split())
DISCOUNTS = frozenset("gamma discount".split())
BEST = frozenset("max amax gather".split())
HEAD = (
    "import torch, torch.nn as nn\n\nnet = nn.Linear(3, 2)\ns, s2, reward = torch.randn(8, 3), torch.randn(8, 3), torch.rand(8)\n"
    "batch = (s, reward, s2, {})\nstate, rewards, next_state, done = batch\ngamma = 0.99\nwith torch.no_grad():\n    y = {}\nprint(y)\n"
)
NEXT = "rewards + gamma * net(next_state).max(1).values"


class TerminalFlagIgnored(Rule):
    """The flag that an episode ended is taken from the batch and never read, while the value of the next state is counted.

    ## What it does
    Reports `reward + gamma * target(next_state).max(1).values` where `done` (or `terminated`) is unpacked in the same function and not used.

    ## Why is this bad?
    After the last step there is no next state: its value is zero. Without the flag, the network learns the value of a state that begins
    another episode, and the values grow without bound.

    ## Example
    ```python
    states, actions, rewards, next_states, dones = batch
    target = rewards + gamma * net(next_states).max(1).values
    ```

    ## Use instead
    ```python
    states, actions, rewards, next_states, dones = batch
    target = rewards + gamma * net(next_states).max(1).values * (1 - dones)
    ```

    ## Fix safety
    The targets change where an episode ends. Running shows which form fits the flag's type.

    ## References
    - Mnih et al., "Playing Atari with Deep Reinforcement Learning", 2013, algorithm 1.
    """

    id = "SNF485"
    name = "terminal-flag-ignored"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD.format("torch.zeros(8)", NEXT + " * (1 - done)")),
        Good(HEAD.format("torch.zeros(8)", NEXT).replace("print(y)", "y[done.bool()] = rewards[done.bool()]\nprint(y)")),
        Good(HEAD.format("torch.zeros(8)", "rewards + gamma * rewards.mean()")),
        Good(HEAD.format("torch.zeros(8)", NEXT).replace("next_state, done =", "next_state, _ =")),
    )
    BAD = (
        Bad(
            HEAD.format("torch.zeros(8)", NEXT + "  # 目标"),
            at=(9, 9),
            fixed=HEAD.format("torch.zeros(8)", NEXT + " * (1 - done)  # 目标"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for node in (part for one in code.all(ast.Tuple) if isinstance(one.ctx, ast.Store) for part in one.elts):
            if isinstance(node, ast.Name) and FLAGS & set(words(node.id)):
                around = home(code, node)
                if any(_read(code, one) for one in code.all(ast.Name, inside=around) if one.id == node.id):
                    continue
                for target in _targets(code, around):
                    message = f"`{node.id}` is never read: the value of the next state counts although the episode has ended"
                    yield self.finding(message, code.span(target), evidence={"flag": node.id})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        node, flag = code.node_at(finding.span, ast.BinOp), finding.evidence.get("flag")
        if isinstance(node, ast.BinOp) and isinstance(flag, str):
            for preference, text in enumerate((f"(1 - {flag})", f"(1 - {flag}.float())", f"(1 - {flag}.int())")):
                edits = replace_expression(code, node.right, f"{code.slice(node.right)} * {text}")
                yield self.fix("count the next state only where there is one", *edits, preference=preference)


def _read(code: Code, name: ast.Name) -> bool:
    """Whether a name is read, but for turning it into a tensor of the same name: `dones = torch.tensor(dones)`."""
    made = next((up for up in code.ancestors(name) if isinstance(up, ast.stmt)), None)
    again = isinstance(made, ast.Assign) and [ast.unparse(target) for target in made.targets] == [name.id]
    return isinstance(name.ctx, ast.Load) and not again


def _targets(code: Code, around: ast.AST) -> Iterator[ast.BinOp]:
    """`reward + gamma * (the best value of the next state)` in a function."""
    for node in code.all(ast.BinOp, inside=around):
        if not (isinstance(node.op, ast.Add) and isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Mult)):
            continue
        rewarded = any(REWARDS & set(words(one.id)) for one in code.all(ast.Name, inside=node.left))
        discounted = any(_discount(side) for side in (node.right.left, node.right.right))
        if rewarded and discounted and home(code, node) is around and _next_value(code, node.right):
            yield node


def _discount(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float) and 0.5 <= node.value < 1
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return bool(DISCOUNTS & {word.lower() for word in words(name)})


def _next_value(code: Code, product: ast.BinOp) -> bool:
    """Whether the best of a network's values is taken here, or was taken into a name used here."""
    if code.calls(*BEST, inside=product):
        return True
    names = {one.id for one in code.all(ast.Name, inside=product)}
    return any(
        isinstance(one.targets[0], ast.Name) and one.targets[0].id in names and bool(code.calls(*BEST, inside=one.value))
        for one in code.all(ast.Assign)
    )

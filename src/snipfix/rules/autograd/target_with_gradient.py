"""A bootstrapped target that gradients flow into."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import wrap_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import each, flag

__all__ = ["TargetWithGradient"]

HEAD = (
    "import torch, torch.nn as nn, torch.nn.functional as F\nq_net, target_net = nn.Linear(4, 2), nn.Linear(4, 2)\n"
    "s, a, r, s2 = torch.randn(8, 4), torch.randint(0, 2, (8, 1)), torch.randn(8, 1), torch.randn(8, 4)\nq = q_net(s).gather(1, a)\n"
)


class TargetWithGradient(Rule):
    """The target of a temporal-difference loss is made by the network in training, and its gradient is not cut.

    ## What it does
    Reports a regression loss whose prediction was chosen (`gather`) from values of parameters that its target, reward plus a maximum or choice
    of values, depends on too.

    ## Why is this bad?
    Q-learning moves the prediction towards the target. With the gradient on, the target moves towards the prediction as well: another
    algorithm, which learns slowly or wrongly, and no error says so.

    ## Example
    ```python
    target = reward + gamma * q_net(next_state).max(1)[0]
    loss = F.mse_loss(q, target)
    ```

    ## Use instead
    ```python
    target = reward + gamma * q_net(next_state).max(1)[0]
    loss = F.mse_loss(q, target.detach())
    ```

    ## Fix safety
    Unsafe: training changes. Residual-gradient methods leave the gradient on and say so.

    ## References
    - Sutton and Barto, Reinforcement Learning, 9.3 and 11.5 (semi-gradient methods); Mnih et al. 2015.
    """

    id = "SNF295"
    name = "target-with-gradient"
    category = Category.AUTOGRAD
    GOOD = (
        Good(HEAD + "y = r + 0.9 * q_net(s2).max(1, keepdim=True)[0]\nF.mse_loss(q, y.detach()).backward()\n"),
        Good(HEAD + "with torch.no_grad():\n    y = r + 0.9 * q_net(s2).max(1, keepdim=True)[0]\nF.mse_loss(q, y).backward()\n"),
        Good(HEAD + "y = r + 0.9 * target_net(s2).max(1, keepdim=True)[0]\nF.smooth_l1_loss(q, y).backward()\n"),
        Good(HEAD + "F.mse_loss(q_net(s), q_net(s2)).backward()  # two views of one thing are to agree\n"),
    )
    BAD = (
        Bad(
            HEAD + "y = r + 0.9 * q_net(s2).max(1, keepdim=True)[0]  # TD 目标\nF.mse_loss(q, y).backward()\n",
            at=(6, 1),
            fixed=HEAD + "y = r + 0.9 * q_net(s2).max(1, keepdim=True)[0]  # TD 目标\nF.mse_loss(q, y.detach()).backward()\n",
        ),
        Bad(
            HEAD + "criterion = nn.SmoothL1Loss()\nloss = criterion(q, r + 0.9 * q_net(s2).amax(1, keepdim=True))\n",
            at=(6, 8),
            fixed=HEAD + "criterion = nn.SmoothL1Loss()\nloss = criterion(q, (r + 0.9 * q_net(s2).amax(1, keepdim=True)).detach())\n",
        ),
        Bad(
            HEAD.replace("q = q_net(s).gather(1, a)", "q = q_net(s)[range(8), a[:, 0]]")
            + "best = q_net(s2).argmax(1, keepdim=True)\ny = r + 0.9 * q_net(s2).gather(1, best)\nF.huber_loss(q, target=y.squeeze(1))\n",
            at=(7, 1),
            fixed=HEAD.replace("q = q_net(s).gather(1, a)", "q = q_net(s)[range(8), a[:, 0]]")
            + "best = q_net(s2).argmax(1, keepdim=True)\ny = r + 0.9 * q_net(s2).gather(1, best)\nF.huber_loss(q, target=y.squeeze(1).detach())\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "loss"):
            if flag(observation.facts, "bootstrapped"):
                message = "the target is made by the parameters that make the prediction, and its gradient is not cut: it moves towards the prediction"
                yield self.finding(message, span, stage=Stage.PROBE, evidence={"target": observation.facts.get("target")})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        if isinstance(call, ast.Call) and context.code.span(call) == finding.span:
            named = next((one.value for one in call.keywords if one.arg == "target"), None)
            target = named or (call.args[1] if len(call.args) > 1 else None)
            if target is not None:
                yield self.fix("cut the gradient of the target", *wrap_expression(context.code, target, "{}.detach()"))

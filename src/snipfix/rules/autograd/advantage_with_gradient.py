"""An actor's loss that trains the critic."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.policy_driven_down import LOG_PROB, source
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import home
from snipfix.rules.written import value_of

__all__ = ["AdvantageWithGradient"]

LOSSES = frozenset("mse_loss smooth_l1_loss l1_loss huber_loss MSELoss SmoothL1Loss HuberLoss".split())
CUT = ("detach", "item", "no_grad", "numpy", "tolist", "inference_mode")
ADVANTAGE = frozenset("advantage advantages adv advs delta td".split())
CODE = (
    "import torch, torch.nn as nn\nfrom torch.distributions import Categorical\n\nactor, critic = nn.Linear(4, 2), nn.Linear(4, 1)\n"
    "opt = torch.optim.Adam([*actor.parameters(), *critic.parameters()])\nstates, returns = torch.randn(6, 4), torch.randn(6)\n"
    "dist, values = Categorical(logits=actor(states)), critic(states).squeeze(-1)\nactions = dist.sample()\nadvantage = returns - values\n"
    "actor_loss = -(dist.log_prob(actions) * {}).mean()\ncritic_loss = {}\nopt.zero_grad()\n(actor_loss + critic_loss).backward()\nopt.step()\n"
)


class AdvantageWithGradient(Rule):
    """The advantage that weighs an actor's log-probabilities keeps its graph: the actor's loss trains the critic too.

    ## What it does
    Reports a product of a log-probability and a difference between returns and a critic's values, where the same values are fitted to the returns
    by a loss beside it, so that they have a gradient, and nothing detaches the difference.

    ## Why is this bad?
    The advantage is a number that says how good an action was. With a gradient, the actor's loss can be lowered by changing the critic's
    opinion instead of the policy: the critic is pulled from the returns that its own loss fits.

    ## Example
    ```python
    advantage = returns - values
    actor_loss = -(log_probs * advantage).mean()
    critic_loss = advantage.pow(2).mean()
    ```

    ## Use instead
    ```python
    advantage = returns - values
    actor_loss = -(log_probs * advantage.detach()).mean()
    critic_loss = advantage.pow(2).mean()
    ```

    ## Fix safety
    Training changes: the critic follows its own loss alone.

    ## References
    - Mnih et al., "Asynchronous Methods for Deep Reinforcement Learning", 2016, algorithm S3: the gradient of the policy's term is taken with
      respect to the policy's parameters only.
    """

    id = "SNF355"
    name = "advantage-with-gradient"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("advantage.detach()", "advantage.pow(2).mean()")),
        Good(CODE.replace("returns - values", "returns - values.detach()").format("advantage", "nn.functional.mse_loss(values, returns)")),
        Good(
            CODE.replace("returns - values", "(returns - values).detach()").format("advantage", "nn.functional.mse_loss(values, returns)")
        ),
        Good(
            "def step(log_probs, returns, old_values, advantage=None):\n    advantage = returns - old_values\n    return -(log_probs * advantage).mean()\n",
            runs=False,
        ),
    )
    BAD = (
        Bad(
            CODE.format("advantage", "advantage.pow(2).mean()  # 价值损失"),
            at=(10, 41),
            fixed=CODE.format("advantage.detach()", "advantage.pow(2).mean()  # 价值损失"),
            runs=False,
        ),
        Bad(
            CODE.format("advantage", "nn.functional.smooth_l1_loss(values, returns)"),
            at=(10, 41),
            fixed=CODE.format("advantage.detach()", "nn.functional.smooth_l1_loss(values, returns)"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("backward") or not code.calls("log_prob"):
            return
        for product in code.all(ast.BinOp):
            if not isinstance(product.op, ast.Mult):
                continue
            for log, weight in ((product.left, product.right), (product.right, product.left)):
                if isinstance(weight, ast.Name) and ADVANTAGE & set(words(weight.id)) and _is_log(code, product, log):
                    values = _values(code, weight)
                    if values and _is_fitted(code, weight, values):
                        message = f"`{weight.id}` has the graph of `{values}` in it: the actor's loss changes the critic as well"
                        yield self.finding(message, code.span(weight))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Name)
        if node is not None:
            yield self.fix("take it as a number", *replace_expression(context.code, node, f"{context.code.slice(node)}.detach()"))


def _is_log(code: Code, product: ast.BinOp, side: ast.expr) -> bool:
    """Whether a factor is a log-probability: a call, a name, or what a loop takes from a list of that name."""
    if isinstance(side, ast.UnaryOp):
        side = side.operand
    if isinstance(side, ast.Call) and called(side) == "log_prob":
        return True
    inside = code.around(product, ast.Call)
    name = source(code, inside, side) if inside is not None else ast.unparse(side)
    return LOG_PROB.match(name) is not None


def _values(code: Code, advantage: ast.Name) -> str:
    """The name of the values that are taken from the returns in the advantage; empty where the graph is cut, or it is something else."""
    given = value_of(code, advantage)
    value = given[0] if given is not None and given[1] is None else None
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Sub) or not isinstance(value.right, ast.Name):
        return ""
    origin = value_of(code, value.right)
    is_cut = _is_cut(code, value) or (origin is not None and _is_cut(code, origin[0]))
    return "" if is_cut else value.right.id


def _is_cut(code: Code, value: ast.expr) -> bool:
    """Whether a value has no graph: by a call in it, or by what it is computed under."""
    around = [one.context_expr for up in code.ancestors(value) if isinstance(up, ast.With) for one in up.items]
    return any(code.calls(*CUT, inside=one) for one in (value, *around))


def _is_fitted(code: Code, advantage: ast.Name, values: str) -> bool:
    """Whether a loss in the same function is computed from the advantage squared, or from the values: then they have a gradient."""
    around = home(code, advantage)
    for call in code.all(ast.Call, inside=around):
        if called(call) == "pow" and isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == advantage.id:
            return True
        losing = called(call) in LOSSES or "loss" in called(call) or "criterion" in called(call)
        if losing and any(isinstance(one, ast.Name) and one.id == values for one in call.args):
            return True
    squares = (one for one in code.all(ast.BinOp, inside=around) if isinstance(one.op, ast.Pow))
    return any(ast.unparse(one.left) == advantage.id for one in squares)

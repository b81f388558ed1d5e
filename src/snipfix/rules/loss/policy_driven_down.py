"""A policy gradient with the wrong sign."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import home, only_value, receiver

__all__ = ["PolicyDrivenDown"]

LOG_PROB = re.compile(r"^(?:\w*_)?log_?p(?:i|rob|robs|s)?(?:_\w+)?$", re.IGNORECASE)
GAINS = frozenset("return returns reward rewards advantage advantages adv advs gae g".split())
CODE = (
    "import torch\nfrom torch.distributions import Categorical\n\nnet = torch.nn.Linear(3, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
    "dist = Categorical(logits=net(torch.ones(5, 3)))\nlog_probs = {}dist.log_prob(dist.sample())\nreturns = torch.rand(5)\nloss = {}\n"
    "opt.zero_grad()\nloss.backward()\nopt.step()\n"
)


class PolicyDrivenDown(Rule):
    """The loss of a policy is log-probability times return without a minus: good actions are made less likely.

    ## What it does
    Reports a sum or mean of `log_probs * returns` (or rewards, advantages) that is minimised, where no minus sign stands in it or in what the
    log-probabilities are made of.

    ## Why is this bad?
    An optimizer goes down. The expected return is to go up, so the loss is its negative; without the sign, the policy learns to avoid
    whatever was rewarded.

    ## Example
    ```python
    loss = (log_probs * returns).mean()
    loss.backward()
    ```

    ## Use instead
    ```python
    loss = -(log_probs * returns).mean()
    loss.backward()
    ```

    ## Fix safety
    The training goes the other way.

    ## References
    - Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning", 1992.
    """

    id = "SNF425"
    name = "policy-driven-down"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("", "-(log_probs * returns).mean()")),
        Good(CODE.format("-", "(log_probs * returns).mean()")),
        Good(CODE.format("", "(log_probs * -returns).mean()")),
        Good(CODE.format("", "(log_probs * returns).mean()").replace("loss.backward", "(-loss).backward")),
        Good(CODE.format("", "(log_probs * returns).mean()").replace("lr=0.1", "lr=0.1, maximize=True")),
    )
    BAD = (
        Bad(
            CODE.format("", "(log_probs * returns).mean()  # 策略损失"),
            at=(9, 8),
            fixed=CODE.format("", "-(log_probs * returns).mean()  # 策略损失"),
            runs=False,
        ),
        Bad(
            CODE.replace("log_probs = {}", "log_probs = []\nlog_probs.append({}")
            .replace("sample())", "sample()))")
            .format("", "(torch.stack(log_probs) * returns).sum()"),
            at=(10, 8),
            fixed=CODE.replace("log_probs = {}", "log_probs = []\nlog_probs.append({}")
            .replace("sample())", "sample()))")
            .format("", "-(torch.stack(log_probs) * returns).sum()"),
            runs=False,
        ),
        Bad(
            CODE.format("", "torch.sum(returns * log_probs)"),
            at=(9, 8),
            fixed=CODE.format("", "-torch.sum(returns * log_probs)"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("log_prob") or not code.calls("backward") or "maximize" in code.text:
            return
        for statement in code.all(ast.Assign):
            target = statement.targets[0]
            product = _weighed(statement.value)
            if product is None or not isinstance(target, ast.Name) or not _minimised(code, statement, target.id):
                continue
            if not any(_negative(code, _name(side)) for side in (product.left, product.right)):
                message = (
                    f"`{target.id}` goes down with training, and with it the probability of what was rewarded: the minus sign is missing"
                )
                yield self.finding(message, code.span(statement.value))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        if node is not None:
            yield self.fix("minimise the negative", *replace_expression(context.code, node, f"-{context.code.slice(node)}"))


def _weighed(value: ast.expr) -> ast.BinOp | None:
    """The product in `(log_probs * returns).mean()` or `torch.sum(log_probs * returns)`; None for anything else."""
    if not isinstance(value, ast.Call) or called(value) not in ("sum", "mean") or not isinstance(value.func, ast.Attribute):
        return None
    inner = value.args[0] if receiver(value) == "torch" and value.args else value.func.value
    if not isinstance(inner, ast.BinOp) or not isinstance(inner.op, ast.Mult):
        return None
    sides = [_name(side) for side in (inner.left, inner.right)]
    log = [name for name in sides if LOG_PROB.match(name)]
    gains = [name for name in sides if GAINS & set(words(name))]
    return inner if len(log) == 1 and len(gains) == 1 else None


def _name(node: ast.expr) -> str:
    """The name that a factor stands for, out of `torch.stack(...)`, `.detach()` and indexing; empty where it is negative or computed."""
    while True:
        if isinstance(node, ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call) and called(node) in ("stack", "cat", "tensor") and len(node.args) == 1:
            node = node.args[0]
        elif (
            isinstance(node, ast.Call)
            and called(node) in ("detach", "squeeze", "unsqueeze", "view")
            and isinstance(node.func, ast.Attribute)
        ):
            node = node.func.value
        else:
            break
    return node.id if isinstance(node, ast.Name) else ""


def _minimised(code: Code, statement: ast.Assign, name: str) -> bool:
    """Whether `name.backward()` is called in the same function, and nothing else is done with the name that could turn its sign."""
    around = home(code, statement)
    if only_value(code, name) is not statement.value:
        return False
    loads = [one for one in code.mentions(name) if isinstance(one.ctx, ast.Load) and home(code, one) is around]
    turned = [one for one in loads if isinstance(code.parents.get(one), ast.UnaryOp | ast.BinOp | ast.Return)]
    return not turned and any(receiver(call) == name for call in code.calls("backward", inside=around))


def _negative(code: Code, name: str) -> bool:
    """Whether a minus sign stands in what a name is set to, or in what is appended to it."""
    made: list[ast.AST] = [one.value for one in code.all(ast.Assign) if any(ast.unparse(target) == name for target in one.targets)]
    made += [call for call in code.calls("append", "insert", "extend") if receiver(call) == name]
    unknown = not made  # a parameter, or unpacked
    minus = any(
        isinstance(one.op, ast.USub) and not isinstance(one.operand, ast.Constant)
        for node in made
        for one in code.all(ast.UnaryOp, inside=node)
    )
    costs = any("cost" in ast.unparse(node).lower() or "loss" in ast.unparse(node).lower() for node in made)
    return minus or unknown or costs

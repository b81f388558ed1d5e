"""The entropy of a policy is added to its loss."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home, only_value, receiver

__all__ = ["EntropyDrivenDown"]

CODE = (
    "import torch\nfrom torch.distributions import Categorical\n\nnet = torch.nn.Linear(3, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
    "dist = Categorical(logits=net(torch.ones(5, 3)))\nactor = -(dist.log_prob(dist.sample()) * torch.rand(5)).mean()\nloss = {}\n"
    "opt.zero_grad()\nloss.backward()\nopt.step()\n"
)


class EntropyDrivenDown(Rule):
    """The entropy of the policy is added to a loss that is minimised: exploration is driven out instead of rewarded.

    ## What it does
    Reports `+ c * distribution.entropy().mean()` in the loss of a policy gradient (the text calls `log_prob` and `sample`) on which `backward()` is
    called, with a positive constant `c` or none.

    ## Why is this bad?
    The term is there to keep the policy from settling early. With the plus sign the policy settles at once.

    ## Example
    ```python
    loss = actor_loss + 0.01 * dist.entropy().mean()
    ```

    ## Use instead
    ```python
    loss = actor_loss - 0.01 * dist.entropy().mean()
    ```

    ## Fix safety
    The training goes the other way.

    ## References
    - Mnih et al., "Asynchronous Methods for Deep Reinforcement Learning", 2016, section 4.
    """

    id = "SNF423"
    name = "entropy-driven-down"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("actor - 0.01 * dist.entropy().mean()")),
        Good(CODE.format("actor + -0.01 * dist.entropy().mean()")),
        Good(CODE.format("-(dist.entropy().mean() * 0.01 - actor)")),
        Good(CODE.format("actor + 0.01 * dist.entropy().mean()").replace("loss.backward", "(-loss).backward")),
    )
    BAD = (
        Bad(
            CODE.format("actor + 0.01 * dist.entropy().mean()  # \u71b5"),
            at=(8, 16),
            fixed=CODE.format("actor - 0.01 * dist.entropy().mean()  # \u71b5"),
            runs=False,
        ),
        Bad(
            CODE.format("actor + actor.pow(2) + 0.01 * dist.entropy().mean()"),
            at=(8, 31),
            fixed=CODE.format("actor + actor.pow(2) - 0.01 * dist.entropy().mean()"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("entropy") or not code.calls("log_prob") or not code.calls("sample") or "maximize" in code.text:
            return
        for statement in code.all(ast.Assign):
            target, value = statement.targets[0], statement.value
            if not isinstance(target, ast.Name) or not _minimised(code, statement, target.id):
                continue
            while isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
                if isinstance(value.op, ast.Add) and _entropy(value.right):
                    yield self.finding(
                        "the entropy goes down with this loss, and with it exploration: its sign is wrong", code.span(value.right)
                    )
                value = value.left

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        term = code.node_at(finding.span, (ast.BinOp, ast.Call))
        whole = code.parents.get(term) if term is not None else None
        if isinstance(whole, ast.BinOp) and whole.right is term:
            start, end = code.range(code.span(whole.left))[1], code.range(finding.span)[0]
            at = start + code.text[start:end].find("+")
            yield self.fix("subtract the entropy", Edit(at, at + 1, "-"))


def _entropy(node: ast.expr) -> bool:
    """Whether a term is the entropy times a positive constant."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        constant, node = (node.left, node.right) if isinstance(node.left, ast.Constant) else (node.right, node.left)
        if not isinstance(constant, ast.Constant) or not isinstance(constant.value, int | float) or constant.value <= 0:
            return False
    if isinstance(node, ast.Call) and called(node) in ("mean", "sum") and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return isinstance(node, ast.Call) and called(node) == "entropy" and not node.args


def _minimised(code: Code, statement: ast.Assign, name: str) -> bool:
    """Whether `name.backward()` follows and nothing turns the sign of what the name holds."""
    around = home(code, statement)
    loads = [one for one in code.mentions(name) if isinstance(one.ctx, ast.Load) and home(code, one) is around]
    turned = any(isinstance(code.parents.get(one), ast.UnaryOp | ast.BinOp | ast.Return) for one in loads)
    return (
        only_value(code, name) is statement.value
        and not turned
        and any(receiver(call) == name for call in code.calls("backward", inside=around))
    )

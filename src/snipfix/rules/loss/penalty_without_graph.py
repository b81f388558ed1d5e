"""A penalty made of gradients that cannot be differentiated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import add_keyword
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home, receiver
from snipfix.rules.written import criteria

__all__ = ["PenaltyWithoutGraph"]

ELEMENTWISE = frozenset(
    "norm vector_norm pow square sqrt mean sum abs view reshape flatten squeeze unsqueeze contiguous clamp relu mse_loss l1_loss".split()
)
"""What is computed number by number, or only brought into another shape: a penalty is made of nothing else."""
WEIGHT = re.compile(r"lam|weight|coef|^w_|^c_|gp|gamma|alpha|beta|penalty|scale", re.IGNORECASE)
"""How the factor of a penalty is named."""
ROUNDS = 3
CODE = (
    "import torch, torch.nn as nn\n\ncritic = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))\n"
    "opt = torch.optim.Adam(critic.parameters())\n\ndef penalty(mixed):\n    out = critic(mixed)\n"
    "    g = torch.autograd.grad(out.sum(), mixed{})[0]\n    return ((g.norm(2, dim=1) - 1) ** 2).mean()\n\n"
    "real, fake = torch.randn(4, 2), torch.randn(4, 2)\nmixed = (0.5 * real + 0.5 * fake).requires_grad_(True)\nopt.zero_grad()\n"
    "loss = critic(fake).mean() - critic(real).mean() + 10 * penalty(mixed){}\nloss.backward()\nopt.step()\n"
)
ATTACK = (
    "import torch, torch.nn as nn\nnet = nn.Linear(3, 2)\nx, y = torch.randn(4, 3).requires_grad_(True), torch.tensor([0, 1, 0, 1])\n"
    "loss = nn.functional.cross_entropy(net(x), y)\ng = torch.autograd.grad(loss, x)[0]\n"
    "loss = nn.functional.cross_entropy(net(x + 0.1 * g.sign()), y)\nloss.backward()\n"
)


class PenaltyWithoutGraph(Rule):
    """A gradient is taken without `create_graph=True` and a term of the loss is made of it: the term trains nothing.

    ## What it does
    Follows the result of `torch.autograd.grad` without `create_graph=True` through powers, norms, sums and means into a loss on which
    `backward()` is called. Gradients that go through a model again, or only weigh another term, are left alone.

    ## Why is this bad?
    Without `create_graph` the gradient is a constant for autograd. A gradient penalty made of it has a value, and no gradient: the loss
    is reported with the penalty, and the critic is trained without one.

    ## Example
    ```python
    grad = torch.autograd.grad(out, mixed, grad_outputs=torch.ones_like(out))[0]
    loss = loss + 10 * ((grad.norm(2, dim=1) - 1) ** 2).mean()
    ```

    ## Use instead
    ```python
    grad = torch.autograd.grad(out, mixed, grad_outputs=torch.ones_like(out), create_graph=True)[0]
    loss = loss + 10 * ((grad.norm(2, dim=1) - 1) ** 2).mean()
    ```

    ## Fix safety
    Unsafe only in name: the loss keeps its value, and the penalty is trained.

    ## References
    - torch.autograd.grad: create_graph. Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", algorithm 1.
    """

    id = "SNF360"
    name = "penalty-without-graph"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format(", create_graph=True", "")),
        Good(CODE.format("", ".item()")),
        Good(ATTACK),
        Good(CODE.format(", create_graph=True", "") + "g = torch.autograd.grad(critic(mixed).sum(), mixed)[0]\nprint(g.norm())\n"),
    )
    BAD = (
        Bad(
            CODE.format("", "").replace("grad(out.sum(), mixed)", "grad(outputs=out.sum(), inputs=mixed)"),
            at=(8, 9),
            fixed=CODE.format("", "").replace("grad(out.sum(), mixed)", "grad(outputs=out.sum(), inputs=mixed, create_graph=True)"),
            runs=False,
        ),
        Bad(CODE.format("", ""), at=(8, 9), fixed=CODE.format(", create_graph=True", ""), runs=False),
        Bad(
            CODE.format("", "").replace("autograd.grad(", "autograd.grad(  # 梯度\n        "),
            at=(8, 9),
            fixed=CODE.format(", create_graph=True", "").replace("autograd.grad(", "autograd.grad(  # 梯度\n        "),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        calls = [one for one in code.calls("grad") if receiver(one).endswith("autograd") or isinstance(one.func, ast.Name)]
        bare = [one for one in calls if keyword(one, "create_graph") is None and len(one.args) < 5 and (one.args or one.keywords)]
        kept = {home(code, one) for one in calls if one not in bare}
        for call in bare if code.calls("backward") else ():
            if home(code, call) not in kept and (loss := Flow(code, call).loss()):
                message = f"this gradient is taken without create_graph=True: what is made of it adds nothing to the gradients of `{loss}`"
                yield self.finding(message, code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        if isinstance(call, ast.Call) and called(call) == "grad":
            yield self.fix("keep the graph of the gradient", *add_keyword(context.code, call, "create_graph", "True"))


class Flow:
    """Where the result of a call goes, as far as it is only computed with number by number."""

    def __init__(self, code: Code, call: ast.Call) -> None:
        self.code, self.call = code, call
        self.names: set[tuple[ast.AST, str]] = set()
        self.functions: set[str] = set()
        self.criteria = criteria(code, frozenset({"MSELoss", "L1Loss", "SmoothL1Loss"}))

    def loss(self) -> str:
        """The loss, as written, that a backward pass starts from and the result is a term of; empty when there is none."""
        for _ in range(ROUNDS):
            self._follow()
        for backward in self.code.calls("backward"):
            value = backward.func.value if isinstance(backward.func, ast.Attribute) else None
            if value is not None and self.reaches(value, home(self.code, backward)):
                return ast.unparse(value)
        return ""

    def _follow(self) -> None:
        made: list[ast.Assign | ast.AugAssign] = [*self.code.all(ast.Assign), *self.code.all(ast.AugAssign)]
        for one in sorted(made, key=lambda node: node.lineno):
            around = home(self.code, one)
            if self.reaches(one.value, around):
                target = one.targets[0] if isinstance(one, ast.Assign) else one.target
                parts = target.elts[:1] if isinstance(target, ast.Tuple | ast.List) else [target]
                self.names.update((around, ast.unparse(part)) for part in parts)
        for given in self.code.all(ast.Return):
            function = home(self.code, given)
            if given.value is not None and isinstance(function, ast.FunctionDef) and self.reaches(given.value, function):
                self.functions.add(function.name)

    def reaches(self, node: ast.expr, around: ast.AST) -> bool:
        match node:
            case ast.Name() | ast.Attribute():
                return (around, ast.unparse(node)) in self.names
            case ast.Subscript(value=value) | ast.UnaryOp(op=ast.USub(), operand=value) | ast.BinOp(left=value, op=ast.Pow()):
                return self.reaches(value, around)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
                return self.reaches(left, around) or self.reaches(right, around)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return (self.reaches(left, around) and _weight(right)) or (self.reaches(right, around) and _weight(left))
            case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant()):
                return self.reaches(left, around)
            case ast.Call():
                return self._through(node, around)
        return False

    def _through(self, call: ast.Call, around: ast.AST) -> bool:
        if call is self.call or called(call) in self.functions:
            return True
        if called(call) not in ELEMENTWISE and ast.unparse(call.func) not in self.criteria:
            return False
        given = [call.func.value, *call.args] if isinstance(call.func, ast.Attribute) else call.args
        return any(self.reaches(one, around) for one in given)


def _weight(node: ast.expr) -> bool:
    """Whether a factor is a number or named like the weight of a term."""
    named = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return isinstance(node, ast.Constant) or bool(WEIGHT.search(named))

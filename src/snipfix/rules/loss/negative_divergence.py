"""A KL divergence with the wrong sign."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.gaussian import divergences, reduced
from snipfix.rules.loss.policy_driven_down import minimised, reduced_value
from snipfix.rules.observed import called, number
from snipfix.rules.training_loop.loops import home
from snipfix.rules.written import LOSS_CLASSES, LOSS_FUNCTIONS, losses, whole_value

HEAD = "import torch\nmu, logvar = (torch.zeros(4, 2, requires_grad=True) for _ in range(2))\n"
BOTH = (
    HEAD + "kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())\n"
    "rec = torch.nn.functional.mse_loss(mu, torch.ones(4, 2), reduction='sum')\n{}loss.backward()\n"
)


class NegativeDivergence(Rule):
    """The KL term of a variational autoencoder is negative: training drives the latent away from its prior.

    ## What it does
    Reports `0.5 * sum(1 + log_var - mu^2 - exp(log_var))`, whose minus sign is missing, and a divergence that is subtracted from the loss of the
    reconstruction, `mse - kl`, where the difference is minimised.

    ## Why is this bad?
    Each summand is at most 0, so a divergence, which is at least 0, needs the factor -0.5. With +0.5 the optimizer makes the posterior as
    unlike the prior as it can, and the loss falls without bound.

    ## Example
    ```python
    kl = 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    ```

    ## Use instead
    ```python
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    ```

    ## Fix safety
    Unsafe: where the term is subtracted from the loss it is right; that is not reported.

    ## References
    - Kingma and Welling 2014, "Auto-Encoding Variational Bayes", appendix B.
    """

    id = "SNF415"
    name = "negative-divergence"
    category = Category.LOSS
    GOOD = (
        Good(f"{HEAD}kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())\nkl.backward()\n"),
        Good(f"{HEAD}kl = 0.5 * torch.sum(mu ** 2 + torch.exp(logvar) - 1 - logvar)\nkl.backward()\n"),
        Good(
            f"{HEAD}minus_kl = 0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp(), dim=-1)\nelbo = (mu.sum(-1) + minus_kl).mean()\nloss = -elbo\nloss.backward()\n"
        ),
        Good(f"{HEAD}elbo = 0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp())\nloss = -elbo\nloss.backward()\n"),
        Good(BOTH.format("loss = rec + kl\n")),
        Good(BOTH.format("elbo = -rec - kl\nloss = -elbo\n")),
    )
    BAD = (
        Bad(BOTH.format("loss = rec - kl\n"), at=(5, 8), fixed=BOTH.format("loss = rec + kl\n"), runs=False),
        Bad(BOTH.format("loss = (rec - 0.1 * kl).mean()\n"), at=(5, 9), fixed=BOTH.format("loss = (rec + 0.1 * kl).mean()\n"), runs=False),
        Bad(
            f"{HEAD}kl = 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())\nloss = mu.sum() + kl\nloss.backward()\n",
            at=(3, 6),
            fixed=f"{HEAD}kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())\nloss = mu.sum() + kl\nloss.backward()\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for one in divergences(code):
            if one.sign < 0 or one.whole is one.call:
                continue
            statement = code.parents.get(one.whole)
            names = {ast.unparse(target) for target in statement.targets} if isinstance(statement, ast.Assign) else set()
            if names and not self._subtracted(code.nodes, names):
                message = "this KL divergence is never positive: its minus sign is missing, so minimising it drives the latent away from the prior"
                yield self.finding(message, code.span(one.whole))

        for difference in _subtracted(code):
            message = "the KL divergence is subtracted from a loss that is minimised: training drives the latent away from the prior"
            yield self.finding(message, code.span(difference))

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        """The same with another form of assignment, where the gradient shows that the divergence is driven up."""
        for one in divergences(context.code):
            rises = number(reduced(outcome, context.code, one), "gradient", "low")
            if one.upright and one.sign > 0 and one.whole is not one.call and rises is not None and rises > 0:
                message = "training brings this term down, which drives the KL divergence up: its minus sign is missing"
                yield self.finding(message, context.code.span(one.whole), stage=Stage.PROBE)

    def _subtracted(self, nodes: list[ast.AST], names: set[str]) -> bool:
        """Whether a name is taken with a minus somewhere, or a sum is that it was added to."""
        sums = (node for node in nodes if isinstance(node, ast.Assign) and any(isinstance(one, ast.Add) for one in ast.walk(node.value)))
        for whole in sums:
            if names & {one.id for one in ast.walk(whole.value) if isinstance(one, ast.Name)}:
                names = names | {ast.unparse(target) for target in whole.targets}
        for node in nodes:
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and ast.unparse(node.operand) in names:
                return True
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and ast.unparse(node.right) in names:
                return True
        return False

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.expr)
        if isinstance(node, ast.BinOp) and any(one is node for one in _subtracted(context.code)):
            start, end = (context.code.range(context.code.span(one)) for one in (node.left, node.right))
            at = context.code.text.index("-", start[1], end[0])
            yield self.fix("add the divergence to the loss", Edit(at, at + 1, "+"))
        elif node is not None:
            yield self.fix("give the divergence its minus sign", *replace_expression(context.code, node, f"-{context.code.slice(node)}"))


def _subtracted(code: Code) -> Iterator[ast.BinOp]:
    """Every `reconstruction - kl` that is minimised, where the one is surely a loss and the other surely a divergence."""
    right_signed = {one.whole for one in divergences(code) if one.sign < 0}
    if not code.calls("kl_divergence") and not right_signed:
        return
    for node in code.all(ast.BinOp):
        if isinstance(node.op, ast.Sub) and _has(code, node.right, right_signed) and _is_loss(code, node.left) and _minimised(code, node):
            yield node


def _has(code: Code, node: ast.expr, formulas: set[ast.expr]) -> bool:
    """Whether a term is a divergence, out of a constant factor, a sum or mean, and the name it is kept under."""
    value: ast.expr | None = node
    for _ in range(6):
        if value is None or value in formulas or called(value) == "kl_divergence":
            return value is not None
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Div):
            value = value.right if isinstance(value.op, ast.Mult) and not _has(code, value.left, formulas) else value.left
        elif isinstance(value, ast.Call) and called(value) in ("sum", "mean"):
            value = reduced_value(value)
        elif isinstance(value, ast.Name):
            value = whole_value(code, value)
        else:
            return False
    return False


def _is_loss(code: Code, node: ast.expr) -> bool:
    """Whether a term is what a loss function gives: never negative, and smaller where the fit is better."""
    value = whole_value(code, node)
    while isinstance(value, ast.Call) and called(value) in ("sum", "mean") and (inner := reduced_value(value)) is not value:
        value = whole_value(code, inner)
    return isinstance(value, ast.Call) and (called(value) in LOSS_FUNCTIONS or value in set(losses(code, LOSS_CLASSES, LOSS_FUNCTIONS)))


def _minimised(code: Code, node: ast.expr) -> bool:
    """Whether a term, or a sum or mean of it, is a loss on which `backward()` is called as it is: at once, or where its function is called."""
    while isinstance(up := code.parents.get(node), ast.Attribute | ast.Call) and (called(up) in ("sum", "mean", "") or up is node):
        node = up
    if isinstance(up, ast.Assign) and isinstance(up.targets[0], ast.Name):
        return minimised(code, up, up.targets[0].id)
    function = home(code, node)
    if isinstance(up, ast.Return) and isinstance(function, ast.FunctionDef):
        made = [code.parents.get(call) for call in code.calls(function.name)]
        kept = [one for one in made if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)]
        return len(made) == len(kept) == 1 and minimised(code, kept[0], written(kept[0].targets[0]))
    return False

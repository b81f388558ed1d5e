"""A KL divergence with the wrong sign."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.gaussian import divergences, reduced
from snipfix.rules.observed import number

HEAD = "import torch\nmu, logvar = (torch.zeros(4, 2, requires_grad=True) for _ in range(2))\n"


class NegativeDivergence(Rule):
    """The KL term of a variational autoencoder is negative: training drives the latent away from its prior.

    ## What it does
    Reports `0.5 * sum(1 + log_var - mu^2 - exp(log_var))`, whose minus sign is missing.

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
        Good(f"{HEAD}elbo = 0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp())\nloss = -elbo\nloss.backward()\n"),
    )
    BAD = (
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
                message = (
                    "this KL divergence is never positive: its minus sign is missing, so minimising it drives the latent from the prior"
                )
                yield self.finding(message, code.span(one.whole))

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        """The same with another form of assignment, where the gradient shows that the divergence is driven up."""
        for one in divergences(context.code):
            rises = number(reduced(outcome, context.code, one), "gradient", "low")
            if one.upright and one.sign > 0 and one.whole is not one.call and rises is not None and rises > 0:
                message = "training brings this term down, which drives the KL divergence up: its minus sign is missing"
                yield self.finding(message, context.code.span(one.whole), stage=Stage.PROBE)

    def _subtracted(self, nodes: list[ast.AST], names: set[str]) -> bool:
        for node in nodes:
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and ast.unparse(node.operand) in names:
                return True
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and ast.unparse(node.right) in names:
                return True
        return False

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.expr)
        if node is not None:
            yield self.fix("give the divergence its minus sign", *replace_expression(context.code, node, f"-{context.code.slice(node)}"))

"""A KL divergence that confuses the deviation with the variance."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.gaussian import Divergence, divergences, reduced, squared
from snipfix.rules.loss.negative_divergence import HEAD
from snipfix.rules.observed import called, number

ROUNDING = 1e-3


class DivergenceOfAnotherFormula(Rule):
    """The KL term mixes σ and log σ²: it is not the divergence of the Gaussian that is sampled.

    ## What it does
    Reports `1 + A - mu^2 - B` where A is log σ instead of log σ², seen from how σ is made: `log(sigma)` beside `sigma^2`, or a name whose
    `exp` is used as σ.

    ## Why is this bad?
    The term must be zero exactly where the posterior is the prior. With log σ in place of log σ² its minimum lies at σ = 0.71, and the
    decoder is trained on noise that is too small.

    ## Example
    ```python
    kl = -0.5 * torch.sum(1 + torch.log(sigma) - mu ** 2 - sigma ** 2)
    ```

    ## Use instead
    ```python
    kl = -0.5 * torch.sum(1 + 2 * torch.log(sigma) - mu ** 2 - sigma ** 2)
    ```

    ## Fix safety
    Unsafe only in name: log σ² is 2 log σ.

    ## References
    - Kingma and Welling 2014, "Auto-Encoding Variational Bayes", appendix B.
    """

    id = "SNF414"
    name = "divergence-of-another-formula"
    category = Category.LOSS
    GOOD = (
        Good(f"{HEAD}kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())\nkl.backward()\n"),
        Good(
            f"{HEAD}log_sigma = logvar\nsigma = torch.exp(0.5 * log_sigma)\nkl = -0.5 * torch.sum(1 + log_sigma - mu ** 2 - sigma ** 2)\n"
        ),
        Good(f"{HEAD}sigma = torch.exp(logvar)\nkl = -0.5 * torch.sum(1 + 2 * torch.log(sigma) - mu ** 2 - sigma ** 2)\n"),
    )
    BAD = (
        Bad(
            f"{HEAD}sigma = torch.exp(logvar)\nkl = -0.5 * torch.sum(1 + torch.log(sigma) - mu ** 2 - sigma ** 2)\nkl.backward()\n",
            at=(4, 27),
            fixed=f"{HEAD}sigma = torch.exp(logvar)\nkl = -0.5 * torch.sum(1 + 2 * torch.log(sigma) - mu ** 2 - sigma ** 2)\nkl.backward()\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for one in divergences(code):
            if why := mismatch(code, one):
                message = f"this is not the Gaussian's KL divergence: {why}, where log σ² belongs"
                yield self.finding(message, code.span(one.log))

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        """The same from the values: no summand of a Gaussian's divergence may be positive."""
        for one in divergences(context.code):
            high = number(reduced(outcome, context.code, one), "high")
            if one.upright and high is not None and high > ROUNDING and isinstance(one.log, ast.Call) and called(one.log) == "log":
                message = f"this is not the Gaussian's KL divergence: a summand reaches {high:.4g}, and none may be positive"
                yield self.finding(message, context.code.span(one.log), stage=Stage.PROBE, evidence={"high": high})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.expr)
        if node is not None:
            yield self.fix("write log σ² as twice log σ", *replace_expression(context.code, node, f"2 * {context.code.slice(node)}"))


def mismatch(code: Code, one: Divergence) -> str:
    """Why the logarithm does not belong to the variance beside it; empty when it may."""
    log = ast.unparse(one.log)
    variances = {name for term in one.terms if (name := squared(term))}
    if isinstance(one.log, ast.Call) and called(one.log) == "log":
        inner = one.log.args[0] if one.log.args else getattr(one.log.func, "value", None)
        written = "" if inner is None else ast.unparse(inner)
        return f"`{log}` is log σ beside `{written}` squared" if written in variances else ""
    if not isinstance(one.log, ast.Name):
        return ""
    deviation = re.compile(rf"\b(\w+)\s*=\s*(?:torch\.exp\(\s*{re.escape(log)}\s*\)|{re.escape(log)}\.exp\(\))")
    made = set(deviation.findall(code.text)) & variances
    return f"`{log}` is log σ, for `{made.pop()}` is its exp" if made else ""

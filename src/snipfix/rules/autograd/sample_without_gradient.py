"""A latent drawn by sample(), where rsample() lets the gradient through."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import rename_attribute
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home, receiver

__all__ = ["SampleWithoutGradient"]

SMOOTH = frozenset("Normal MultivariateNormal LogNormal Laplace LowRankMultivariateNormal Beta Dirichlet Gamma".split())
"""Distributions whose draws can be differentiated."""
CODE = (
    "import torch\nfrom torch.distributions import Normal, kl_divergence\n\nenc, dec = torch.nn.Linear(4, 2), torch.nn.Linear(2, 4)\n"
    "opt = torch.optim.SGD([*enc.parameters(), *dec.parameters()], lr=0.1)\nx = torch.rand(5, 4)\nq = Normal(enc(x), 1.0)\n"
    "z = q.{}()\nloss = (dec(z) - x).pow(2).sum() + kl_divergence(q, Normal(0.0, 1.0)).sum()\nopt.zero_grad()\nloss.backward()\nopt.step()\n"
)


class SampleWithoutGradient(Rule):
    """The latent of a variational model is drawn by `sample()`, which cuts the encoder from the reconstruction.

    ## What it does
    Reports `q.sample()` whose value is handed on to a network, where `kl_divergence(q, ...)` stands beside it and the distribution, a Normal or
    another with smooth draws, has `rsample()`. What is drawn without gradients, or whose `log_prob` is taken, is left alone.

    ## Why is this bad?
    `sample()` draws without recording: the encoder hears of the divergence alone, learns to give the prior whatever it sees, and the latent says
    nothing about the data. The loss falls all the same.

    ## Example
    ```python
    z = q.sample()
    loss = mse(decoder(z), x) + kl_divergence(q, prior).sum()
    ```

    ## Use instead
    ```python
    z = q.rsample()
    loss = mse(decoder(z), x) + kl_divergence(q, prior).sum()
    ```

    ## Fix safety
    The training changes: the encoder learns from the reconstruction.

    ## References
    - torch.distributions: "Pathwise derivative".
    - Kingma and Welling 2014, "Auto-Encoding Variational Bayes", section 2.4.
    """

    id = "SNF192"
    name = "sample-without-gradient"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("rsample")),
        Good(CODE.format("sample").replace("loss = ", "loss = (dec(z).sum(1) * q.log_prob(z).sum(1)).mean() + ")),
        Good(CODE.format("rsample") + "with torch.no_grad():\n    new = dec(Normal(0.0, 1.0).sample((3, 2)))\n"),
        Good(CODE.format("rsample") + "with torch.no_grad():\n    z = q.sample()\n    print(dec(z).shape)\n"),
    )
    BAD = (Bad(CODE.format("sample") + "# 采样\n", at=(8, 5), fixed=CODE.format("rsample") + "# 采样\n", runs=False),)

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("kl_divergence") or not code.calls("sample") or not code.calls("backward") or not code.calls(*SMOOTH):
            return
        diverging = {written(one.args[0]) for one in code.calls("kl_divergence") if one.args}
        for call in code.calls("sample"):
            if receiver(call) in diverging and _handed_on(code, call):
                message = f"`{receiver(call)}.sample()` draws without a gradient: the network that gives `{receiver(call)}` hears of the divergence alone"
                yield self.finding(message, code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        if isinstance(node, ast.Call) and called(node) == "sample":
            yield self.fix("draw so that the gradient goes through", *rename_attribute(context.code, node.func, "rsample"))


def _handed_on(code: Code, call: ast.Call) -> bool:
    """Whether what is drawn goes into a call that is no likelihood, where gradients are recorded."""
    if any(isinstance(up, ast.With) and "no_grad" in written(up.items[0].context_expr) for up in code.ancestors(call)):
        return False
    made = code.parents.get(call)
    name = made.targets[0].id if isinstance(made, ast.Assign) and isinstance(made.targets[0], ast.Name) and made.value is call else ""
    around = home(code, call)
    reads = [one for one in code.mentions(name) if isinstance(one.ctx, ast.Load) and home(code, one) is around] if name else [call]
    users = [up for one in reads if isinstance(up := code.parents.get(one), ast.Call) and one in up.args]
    return bool(users) and not any(called(user) == "log_prob" for user in users)

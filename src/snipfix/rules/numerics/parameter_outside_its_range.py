"""A distribution is built from raw scores."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import rename_keyword, replace_expression, wrap_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword
from snipfix.rules.widths import argument_of

__all__ = ["ParameterOutsideItsRange"]

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch.distributions import Categorical, Normal\nscores = torch.tensor([[1.5, -0.5]])\n"


class ParameterOutsideItsRange(CrashRule):
    """A distribution is built from raw scores where it asks for probabilities or for a positive scale.

    ## What it does
    Explains `Categorical`, `Bernoulli` and the like that are given scores as probabilities, and `Normal` and the like with a scale that is not positive.

    ## Why is this bad?
    A negative number usually stops the program; without one, the distribution is simply another than the one that was meant. The first parameter
    of `Categorical` is `probs`.

    ## Example
    ```python
    dist = Categorical(policy(state))
    ```

    ## Use instead
    ```python
    dist = Categorical(logits=policy(state))
    ```

    ## Fix safety
    Scores are taken for logits, and a scale is made positive by softplus: whether the network was meant to give its logarithm only the author knows.

    ## References
    - torch.distributions.Categorical
    - torch.distributions.Normal
    """

    id = "SNF466"
    name = "parameter-outside-its-range"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("ValueError",)
    MESSAGES = (
        r"Expected parameter (probs) .*of distribution (\w+)\(.*found invalid values",
        r"Expected parameter (scale|concentration|concentration0|concentration1|rate|df) .*of distribution (\w+)\(.*GreaterThan.*found invalid values",
    )
    GOOD = (
        Good(HEAD + "print(Categorical(logits=scores), Categorical(F.softmax(scores, -1)))\n"),
        Good(HEAD + "print(Normal(scores, F.softplus(scores)), Normal(scores, scores.exp()))\n"),
    )
    BAD = (
        Bad(HEAD + "dist = Categorical(scores)  # 动作\n", at=(5, 8), fixed=HEAD + "dist = Categorical(logits=scores)  # 动作\n"),
        Bad(
            HEAD + "dist = torch.distributions.Bernoulli(probs=scores)\n",
            at=(5, 8),
            fixed=HEAD + "dist = torch.distributions.Bernoulli(logits=scores)\n",
        ),
        Bad(HEAD + "dist = Normal(scores, scores)\n", at=(5, 8), fixed=HEAD + "dist = Normal(scores, F.softplus(scores))\n"),
    )

    def says(self, crash: Crash) -> str:
        name, kind = crash.found
        if name == "probs":
            return f"`{kind}` takes its first parameter for probabilities, and is given raw scores"
        return f"the {name} of `{kind}` has to be positive, and is given raw scores"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call, (name, kind) = crash.call, crash.found
        if call is None:
            return
        if name == "probs":
            if keyword(call, "probs") is not None:
                yield Offer("Take the scores for logits", rename_keyword(crash.code, call, "probs", "logits"))
            elif call.args and not isinstance(call.args[0], ast.Starred):
                yield Offer(
                    "Take the scores for logits", replace_expression(crash.code, call.args[0], f"logits={crash.text(call.args[0])}")
                )
            return
        given = argument_of(call, PLACES.get((kind, name), 1), name)
        scopes = crash.context.scopes
        functional = scopes.alias("torch.nn.functional") or ("torch.nn.functional" if scopes.alias("torch") == "torch" else "")
        prefix = f"{functional}." if functional else ""
        if given is not None and prefix:
            yield Offer("Make it positive by softplus", wrap_expression(crash.code, given, f"{prefix}softplus({{}})"))
        if given is not None:
            yield Offer("Take it for the logarithm", wrap_expression(crash.code, given, "{}.exp()"))


PLACES = {
    ("Gamma", "concentration"): 0,
    ("Beta", "concentration1"): 0,
    ("Dirichlet", "concentration"): 0,
    ("Exponential", "rate"): 0,
    ("Poisson", "rate"): 0,
}
"""Where a parameter stands that is not the second."""

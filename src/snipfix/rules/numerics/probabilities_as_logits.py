"""A distribution is given probabilities under the name of logits."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import rename_keyword
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.written import result_of, value_of

__all__ = ["ProbabilitiesAsLogits"]

KINDS = {
    "Categorical": ("softmax",), "OneHotCategorical": ("softmax",), "Multinomial": ("softmax",), "Bernoulli": ("sigmoid",),
    "RelaxedBernoulli": ("sigmoid",), "RelaxedOneHotCategorical": ("softmax",),
}  # fmt: skip
HEAD = "import torch\nfrom torch.distributions import Bernoulli, Categorical\nscores = torch.tensor([[1.5, -0.5]])\n"


class ProbabilitiesAsLogits(Rule):
    """A distribution is given the output of a softmax or sigmoid as its logits.

    ## What it does
    Reports `Categorical(logits=softmax(...))`, `Bernoulli(logits=sigmoid(...))` and the like, also where a model of the text gives the probabilities.

    ## Why is this bad?
    The distribution applies the softmax once more: of two actions none is ever likelier than 73 %, however sure the policy is. Nothing fails.

    ## Example
    ```python
    dist = Categorical(logits=F.softmax(scores, dim=-1))
    ```

    ## Use instead
    ```python
    dist = Categorical(probs=F.softmax(scores, dim=-1))
    ```

    ## Fix safety
    The distribution changes to the one that was computed.

    ## References
    - torch.distributions.Categorical: `probs` and `logits`.
    """

    id = "SNF467"
    name = "probabilities-as-logits"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "print(Categorical(probs=scores.softmax(-1)), Categorical(logits=scores))\n"),
        Good(HEAD + "print(Categorical(logits=scores.log_softmax(-1)), Bernoulli(logits=scores.softmax(-1).log()))\n"),
    )
    BAD = (
        Bad(
            HEAD + "probs = torch.softmax(scores, dim=-1)\ndist = Categorical(logits=probs)  # 策略\n",
            at=(5, 20),
            fixed=HEAD + "probs = torch.softmax(scores, dim=-1)\ndist = Categorical(probs=probs)  # 策略\n",
            runs=False,
        ),
        Bad(
            HEAD + "dist = Bernoulli(logits=scores.sigmoid())\n",
            at=(4, 18),
            fixed=HEAD + "dist = Bernoulli(probs=scores.sigmoid())\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for call, given in _wrong(context.code):
            message = f"`{called(call)}` applies the {KINDS[called(call)][0]} to its logits, and these are probabilities already"
            yield self.finding(message, context.code.span(given))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        for call, given in _wrong(context.code):
            if context.code.span(given) == finding.span:
                yield self.fix("call them probabilities", *rename_keyword(context.code, call, "logits", "probs"))


def _wrong(code: Code) -> Iterator[tuple[ast.Call, ast.keyword]]:
    """The distributions whose logits, as the text has it, come out of the function that the distribution applies itself."""
    for call in code.calls(*KINDS):
        given = next((one for one in call.keywords if one.arg == "logits"), None)
        if given is not None and called(_maker(code, given.value)) in KINDS[called(call)]:
            yield call, given


def _maker(code: Code, node: ast.expr) -> ast.expr:
    """What made a value: behind its name, and behind the model of the text that gave it."""
    part: int | None = None
    if isinstance(node, ast.Name) and (given := value_of(code, node)) is not None:
        node, part = given
    if isinstance(node, ast.Call) and (result := result_of(code, node, part)) is not None:
        return result
    return node if part is None else ast.Constant(None)

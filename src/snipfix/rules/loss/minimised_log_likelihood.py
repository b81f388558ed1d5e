"""A conditional random field's log-likelihood used as the loss."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.loss.fields import field_calls
from snipfix.rules.loss.policy_driven_down import minimised, reduced_value
from snipfix.rules.observed import called, each, number, words

SCORES = frozenset("score gold numerator joint".split())
PARTITIONS = frozenset("partition forward denominator normalizer normaliser logz logsumexp".split())
OWN = (
    "import torch\n\nclass CRF(torch.nn.Module):\n    def score(self, e, tags):\n        return e[torch.arange(len(tags)), tags].sum()\n\n"
    "    def partition(self, e):\n        return e.logsumexp(1).sum()\n\n    def {}(self, e, tags):\n        return {}\n\n"
    "e = torch.zeros(4, 3, requires_grad=True)\nloss = {}CRF().{}(e, torch.tensor([0, 1, 2, 0]))\nloss.backward()\n"
)


class MinimisedLogLikelihood(Rule):
    """The log-likelihood of a CRF is minimised: the right tags are made less likely.

    ## What it does
    Reports the forward of a `CRF` (a log-likelihood, at most 0) that training brings down, seen from the sign of its gradient, or that is
    called the loss without a minus sign anywhere; and a function of the text's own that returns the score of the gold tags minus the
    partition function, where that is minimised.

    ## Why is this bad?
    The optimizer does what it is told: it makes the gold tags improbable. The "loss" falls without bound and looks like success.

    ## Example
    ```python
    loss = self.crf(emissions, tags, mask=mask)
    ```

    ## Use instead
    ```python
    loss = -self.crf(emissions, tags, mask=mask)
    ```

    ## Fix safety
    Unsafe: callers that negate the result themselves must stop doing so (there are none in the text when this is reported).

    ## References
    - pytorch-crf, CRF.forward: "Compute the conditional log likelihood of a sequence of tags given emission scores".
    """

    id = "SNF408"
    name = "minimised-log-likelihood"
    category = Category.LOSS
    GOOD = (
        Good(
            "import torch, torchcrf\ncrf = torchcrf.CRF(3, batch_first=True)\ne = torch.randn(2, 4, 3, requires_grad=True)\n"
            "loss = -crf(e, torch.zeros(2, 4, dtype=torch.long))\nloss.backward()\n"
        ),
        Good(
            "import torch, torchcrf\ncrf = torchcrf.CRF(3, batch_first=True)\ne = torch.randn(2, 4, 3, requires_grad=True)\n"
            "log_likelihood = crf(e, torch.zeros(2, 4, dtype=torch.long))\nloss = -log_likelihood\nloss.backward()\n"
        ),
        Good(OWN.format("neg_log_likelihood", "self.partition(e) - self.score(e, tags)", "", "neg_log_likelihood")),
        Good(OWN.format("log_likelihood", "self.score(e, tags) - self.partition(e)", "-", "log_likelihood")),
    )
    BAD = (
        Bad(
            "import torch, torchcrf\ncrf = torchcrf.CRF(3, batch_first=True)\ne = torch.randn(2, 4, 3, requires_grad=True)\n"
            "loss = crf(e, torch.zeros(2, 4, dtype=torch.long))\nloss.backward()\n",
            at=(4, 8),
            fixed="import torch, torchcrf\ncrf = torchcrf.CRF(3, batch_first=True)\ne = torch.randn(2, 4, 3, requires_grad=True)\n"
            "loss = -crf(e, torch.zeros(2, 4, dtype=torch.long))\nloss.backward()\n",
        ),
        Bad(
            OWN.format("log_likelihood", "self.score(e, tags) - self.partition(e)", "", "log_likelihood"),
            at=(14, 8),
            fixed=OWN.format("log_likelihood", "self.score(e, tags) - self.partition(e)", "-", "log_likelihood"),
            runs=False,
        ),
        Bad(
            OWN.format("nll", "self.score(e, tags) - self.partition(e)", "", "nll"),
            at=(14, 8),
            fixed=OWN.format("nll", "self.partition(e) - self.score(e, tags)", "", "nll"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for call in field_calls(context):
            statement = statement_of(code, call)
            if not isinstance(statement, ast.Assign) or statement.value is not call or not isinstance(statement.targets[0], ast.Name):
                continue
            name = statement.targets[0].id
            if "loss" in name.lower() and not negated(code, name):
                yield self._report(code.span(call), Stage.STATIC, "", f"`{name}`")

        for call, _ in _own(code) if code.calls("backward") else ():
            message = "the score minus the partition function is a log-likelihood: minimised, it makes the right tags less likely"
            yield self.finding(message, code.span(call))

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "likelihood"):
            low, gradient = number(observation.facts, "low"), number(observation.facts, "gradient", "low")
            if gradient is not None and gradient > 0 and low is not None and low < 0:
                node = context.code.node_at(span, ast.Call)
                yield self._report(context.code.span(node) if node else span, Stage.PROBE, f" ({low:.4g} here)", "the loss")

    def _report(self, span: Span, stage: Stage, value: str, what: str) -> Finding:
        message = f"a CRF's forward is a log-likelihood{value}: as {what} it is minimised, which makes the right tags less likely"
        return self.finding(message, span, stage=stage)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        for call, difference in _own(context.code):
            if context.code.span(call) == finding.span and set(words(called(call))) & {"neg", "negative", "nll", "loss"}:
                sides = [replace_expression(context.code, one, context.code.slice(other)) for one, other in
                         ((difference.left, difference.right), (difference.right, difference.left))]  # fmt: skip
                yield self.fix("minimise the negative log-likelihood", *sides[0], *sides[1])
                return
        node = context.code.node_at(finding.span, ast.Call)
        if node is not None and context.code.span(node) == finding.span:
            yield self.fix("minimise the negative log-likelihood", *replace_expression(context.code, node, f"-{context.code.slice(node)}"))


def negated(code: Code, name: str) -> bool:
    """Whether a minus sign stands before this name, or before any call that may return it."""
    for node in code.all(ast.UnaryOp):
        if isinstance(node.op, ast.USub):
            inner = node.operand
            named = isinstance(inner, ast.Name) and ("loss" in inner.id.lower() or inner.id == name)
            if named or (isinstance(inner, ast.Call) and called(inner) not in {"sum", "mean", "log"}):
                return True
    return False


def _own(code: Code) -> Iterator[tuple[ast.Call, ast.BinOp]]:
    """The calls whose value is minimised of a function that returns `score - partition`, each with that difference."""
    told = any(word in code.text for word in ("partition", "forward_", "denominator", "normali", "log_z", "logsumexp"))
    for function in code.all(ast.FunctionDef) if told else ():
        returned = [one.value for one in code.all(ast.Return, inside=function)]
        difference = reshaped_sum(returned[0]) if len(returned) == 1 and returned[0] is not None else None
        if not isinstance(difference, ast.BinOp) or not isinstance(difference.op, ast.Sub):
            continue
        left, right = (_words(one) for one in (difference.left, difference.right))
        if not left & SCORES or left & PARTITIONS or not right & PARTITIONS:
            continue
        for call in code.calls(function.name):
            made = code.parents.get(call)
            if isinstance(made, ast.Assign) and isinstance(made.targets[0], ast.Name) and minimised(code, made, made.targets[0].id):
                yield call, difference


def reshaped_sum(node: ast.expr) -> ast.expr:
    """What a returned sum or mean is taken of."""
    while isinstance(node, ast.Call) and called(node) in ("sum", "mean") and (inner := reduced_value(node)) is not node:
        node = inner
    return node


def _words(node: ast.expr) -> set[str]:
    return {
        word
        for one in ast.walk(node)
        if isinstance(one, ast.Name | ast.Attribute)
        for word in words(one.id if isinstance(one, ast.Name) else one.attr)
    }

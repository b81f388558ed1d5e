"""A log-likelihood of data that is used as the loss as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.policy_driven_down import minimised, reduced_value
from snipfix.rules.observed import called, each, items, number, words
from snipfix.rules.training_loop.loops import home
from snipfix.rules.written import LOSS_CLASSES, LOSS_FUNCTIONS, losses, reshaped, value_of

__all__ = ["LikelihoodDrivenDown"]

CHOSEN = frozenset("action actions act acts a sample samples sampled z latent".split())
"""Names of what a distribution gave itself: its likelihood is no fit to data."""
NAMED = re.compile(r"log_?_?(prob|lik|pdf|density)|^ll$|loglik", re.IGNORECASE)
AGAINST = re.compile(
    r"advers|attack|perturb|unlearn|forget|ascen|maximi|discriminat|critic|domain|revers|delta|epsilon|fool|worst|requires_grad|\.grad\b",
    re.IGNORECASE,
)
"""How a text shows that a loss is to go up, or that it is a gradient of the data which is asked for."""
DEPTH = 8
CODE = (
    "import torch\nfrom torch.distributions import Normal\n\nnet = torch.nn.Linear(3, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
    "x, y = torch.ones(5, 3), torch.rand(5, 1)\ndist = Normal(net(x), 1.0)\n{}\nopt.zero_grad()\nloss.backward()\nopt.step()\n"
)
CALLED = CODE.replace("{}", "def log_likelihood(dist, y):\n    return dist.log_prob(y).mean()\nloss = {}")


class LikelihoodDrivenDown(Rule):
    """The log-likelihood of data is minimised: the model learns to find what it was shown improbable.

    ## What it does
    Reports the sum or mean of `log_prob(data)` that training brings down, seen from the sign of its gradient, or on which `backward()` is
    called without a minus sign anywhere; and the negative of a loss such as cross-entropy that is minimised. The likelihood of what was drawn
    from the distribution itself, or of what the model made, is left alone.

    ## Why is this bad?
    An optimizer goes down. The likelihood of the data is to go up, so the loss is its negative; without the sign, the "loss" falls without
    bound and the distribution runs away from the data.

    ## Example
    ```python
    loss = dist.log_prob(y).mean()
    loss.backward()
    ```

    ## Use instead
    ```python
    loss = -dist.log_prob(y).mean()
    loss.backward()
    ```

    ## Fix safety
    Unsafe: the training goes the other way.

    ## References
    - torch.distributions: Distribution.log_prob.
    """

    id = "SNF357"
    name = "likelihood-driven-down"
    category = Category.LOSS
    GOOD = (
        Good(CODE.format("loss = -dist.log_prob(y).mean()")),
        Good(CODE.format("log_prob = dist.log_prob(y)\nloss = -log_prob.mean()")),
        Good(CODE.format("a = dist.rsample()\nloss = dist.log_prob(a).mean()  # the entropy goes up")),
        Good(CODE.format("z = net(x) * 2\nloss = (dist.log_prob(z).sum(1) - Normal(0.0, 1.0).log_prob(z).sum(1)).mean()")),
        Good(CODE.format("loss = -dist.log_prob(y).mean() + dist.log_prob(y + 9).mean()")),
        Good(CODE.format("loss = dist.log_prob(y).mean()").replace("lr=0.1", "lr=0.1, maximize=True")),
        Good(CODE.format("objective = dist.log_prob(y).mean()\nloss = -objective")),
        Good(
            "import torch\nimport torch.nn.functional as F\nnet = torch.nn.Linear(3, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
            "x, y = torch.ones(4, 3), torch.zeros(4).long()\nloss = -F.cross_entropy(net(x), y)\nopt.zero_grad()\nloss.backward()\nopt.step()\n"
            "# gradient ascent: the worst case\n"
        ),
    )
    BAD = (
        Bad(
            CODE.format("loss = dist.log_prob(y).mean()  # 似然"),
            at=(8, 8),
            fixed=CODE.format("loss = -dist.log_prob(y).mean()  # 似然"),
            runs=False,
        ),
        Bad(CODE.format("log_p = dist.log_prob(y)\nloss = torch.mean(log_p)"), at=(9, 8), fixed=CODE.format("log_p = dist.log_prob(y)\nloss = -torch.mean(log_p)")),
        Bad(
            CODE.format("loss = net.weight.pow(2).sum() + dist.log_prob(y).sum(dim=1).mean()"),
            at=(8, 34),
            fixed=CODE.format("loss = net.weight.pow(2).sum() - dist.log_prob(y).sum(dim=1).mean()"),
        ),
        Bad(
            CODE.format("m = net(x)\nlog_likelihood = -0.5 * (m - y) ** 2\nloss = log_likelihood.mean()"),
            at=(10, 8),
            fixed=CODE.format("m = net(x)\nlog_likelihood = -0.5 * (m - y) ** 2\nloss = -log_likelihood.mean()"),
        ),
        Bad(CALLED.format("log_likelihood(dist, y)"), at=(9, 12), fixed=CALLED.format("-log_likelihood(dist, y)")),
        Bad(
            "import torch\nimport torch.nn.functional as F\nnet = torch.nn.Linear(3, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
            "x, y = torch.ones(4, 3), torch.zeros(4).long()\nloss = -F.cross_entropy(net(x), y)\nopt.zero_grad()\nloss.backward()\nopt.step()\n",
            at=(6, 8),
            fixed="import torch\nimport torch.nn.functional as F\nnet = torch.nn.Linear(3, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
            "x, y = torch.ones(4, 3), torch.zeros(4).long()\nloss = F.cross_entropy(net(x), y)\nopt.zero_grad()\nloss.backward()\nopt.step()\n",
            runs=False,
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for statement, loss in _negated(code) if code.calls("backward") and code.calls("step") else ():
            message = f"`{written(loss.func)}` is minimised with a minus sign: the model learns to be wrong"
            yield self.finding(message, code.span(statement.value))
        if not code.calls("log_prob") or not code.calls("backward") or not code.calls("step") or "maximize" in code.text:
            return
        for statement in code.all(ast.Assign):
            target, value = statement.targets[0], statement.value
            if isinstance(target, ast.Name) and called(value) in ("sum", "mean") and isinstance(value, ast.Call):
                call = likelihood(code, value)
                given = call.args[0] if call is not None and call.args else None
                plain = isinstance(given, ast.Name) and value_of(code, given) is None
                if call is not None and plain and _data(code, call, set()) and minimised(code, statement, target.id):
                    yield self._report(code.span(value), _data(code, call, set()), Stage.STATIC)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        code = context.code
        if "maximize" in code.text or not outcome.seen("optimizer"):
            return
        told = {finding.span for finding in self.static(context)}
        found: list[tuple[Span, str]] = []
        for observation, span in each(outcome, code, "reduction"):
            node = code.node_at(span, ast.Call)
            call = (likelihood(code, node) or formula(code, node)) if isinstance(node, ast.Call) and code.span(node) == span else None
            if call is None:
                continue
            if (number(observation.facts, "gradient", "high") or 0) < 0:
                return  # others are made likely: these are what the model is to tell them from
            trained = {name for name in items(observation.facts, "trained") if isinstance(name, str)}
            given = _data(code, call, trained)
            if (number(observation.facts, "gradient", "low") or 0) > 0 and span not in told and given:
                found.append((span, given))
        for span, given in found:
            first, last = code.range(span)
            around = (code.range(other) for other, _ in found if other != span)
            within = any(start <= first and last <= end for start, end in around)
            if not within:
                yield self._report(span, given, Stage.PROBE)

    def _report(self, span: Span, given: str, stage: Stage) -> Finding:
        message = f"the log-likelihood of `{given}` is minimised: the model learns to find it improbable, for the minus sign is missing"
        return self.finding(message, span, stage=stage)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        negative = code.node_at(finding.span, ast.UnaryOp)
        if isinstance(negative, ast.UnaryOp) and code.span(negative) == finding.span:
            yield self.fix("minimise the loss itself", *replace_expression(code, negative, code.slice(negative.operand)))
            return
        node = code.node_at(finding.span, ast.Call)
        if not isinstance(node, ast.Call) or code.span(node) != finding.span:
            return
        around = home(code, node)
        if isinstance(around, ast.FunctionDef) and isinstance(code.parents.get(node), ast.Return) and NAMED.search(around.name):
            calls = code.calls(around.name)
            if len(calls) == 1:
                yield self.fix("minimise the negative log-likelihood", *turned(code, calls[0]))
                return
        yield self.fix("minimise the negative log-likelihood", *turned(code, node))


def _negated(code: Code) -> Iterator[tuple[ast.Assign, ast.Call]]:
    """`loss = -cross_entropy(...)` on which `backward()` is called as it is, in a text that means no adversary and unlearns nothing."""
    known: set[ast.Call] | None = None
    for statement in code.all(ast.Assign):
        value, target = statement.value, statement.targets[0]
        if (
            isinstance(value, ast.UnaryOp)
            and isinstance(value.op, ast.USub)
            and isinstance(value.operand, ast.Call)
            and isinstance(target, ast.Name)
        ):
            known = set(losses(code, LOSS_CLASSES, LOSS_FUNCTIONS)) if known is None else known
            if value.operand in known and minimised(code, statement, target.id) and not AGAINST.search(code.text):
                yield statement, value.operand


def turned(code: Code, node: ast.expr) -> tuple[Edit, ...]:
    """A term with the other sign: `a + x` becomes `a - x`, `x` becomes `-x`."""
    up = code.parents.get(node)
    if isinstance(up, ast.BinOp) and up.right is node and isinstance(up.op, ast.Add):
        start, end = code.range(code.span(up.left))[1], code.range(code.span(node))[0]
        at = code.text.find("+", start, end)
        return (Edit(at, at + 1, "-"),)
    return replace_expression(code, node, f"-{code.slice(node)}")


def likelihood(code: Code, node: ast.expr | None) -> ast.Call | None:
    """The call of `log_prob` that a sum or mean is taken of, also over several steps and out of a mixture's logsumexp."""
    mixed = False
    for _ in range(DEPTH):
        node = None if node is None else reshaped(node)
        if isinstance(node, ast.Name):
            given = value_of(code, node)
            node = given[0] if given is not None and given[1] is None else None
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and mixed:
            sides = [likelihood(code, one) for one in (node.left, node.right)]
            return next((one for one in sides if one is not None), None)
        elif called(node or ast.Pass()) == "log_prob" and isinstance(node, ast.Call):
            return node if node.args and isinstance(node.func, ast.Attribute) else None
        elif isinstance(node, ast.Call) and called(node) in ("sum", "mean", "logsumexp"):
            mixed = mixed or called(node) == "logsumexp"
            inner = reduced_value(node)
            node = None if inner is node else inner
        else:
            return None
    return None


def formula(code: Code, call: ast.expr) -> ast.expr | None:
    """The logarithm of a Gaussian density, written out under a name that says so, that a sum or mean is taken of."""
    inner = reduced_value(call) if isinstance(call, ast.Call) and called(call) in ("sum", "mean") else None
    given = value_of(code, inner) if isinstance(inner, ast.Name) and NAMED.search(inner.id) else None
    text = written(given[0]).replace(" ", "") if given is not None and given[1] is None else ""
    gaussian = text.startswith(("-0.5*", "-1/2*")) and ("**2" in text or "pow(2)" in text)
    return given[0] if given is not None and gaussian else None


def _data(code: Code, likelihood: ast.expr, trained: set[str]) -> str:
    """What a likelihood is of, where neither the model made it nor the distribution gave it; empty where one of them did."""
    given = likelihood.args[0] if isinstance(likelihood, ast.Call) else likelihood
    names = [one for one in code.all(ast.Name, inside=given) if not isinstance(code.parents.get(one), ast.Attribute)]
    if given is likelihood:  # a formula: its parameters are trained, and what is left is the data
        return next((one.id for one in names if one.id not in trained and not set(words(one.id)) & CHOSEN), "")
    names = code.all(ast.Name, inside=given)
    if not names or any(one.id in trained or set(words(one.id)) & CHOSEN for one in names):
        return ""
    made = [value_of(code, one) for one in names]
    drawn = "sample(" in written(given) or any(one is not None and "sample(" in written(one[0]) for one in made)
    return "" if drawn else written(given)

"""A KL divergence that confuses the deviation with the variance."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import joined, replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.gaussian import Divergence, divergences, reduced, squared
from snipfix.rules.loss.negative_divergence import HEAD
from snipfix.rules.loss.policy_driven_down import reduced_value
from snipfix.rules.observed import called, number
from snipfix.rules.written import layer, result_of, value_of

ROUNDING = 1e-3
POSITIVE = frozenset({"softplus", "exp", "sqrt", "Softplus"})
"""What gives nothing but positive numbers."""
FUNCTION = HEAD + "def kl(m, s):\n    return -0.5 * torch.mean(1 + s - m ** 2 - torch.exp(s))\n"

ENCODER = (
    "import torch, torch.nn as nn\n\nclass Encoder(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.mu, self.sigma = nn.Linear(3, 2), nn.Linear(3, 2)\n\n    def forward(self, x):\n"
    "        return self.mu(x), nn.functional.softplus(self.sigma(x))\n\nencoder = Encoder()\nmu, sigma = encoder(torch.ones(4, 3))\n"
    "kl = -0.5 * torch.sum({})\nkl.backward()\n"
)


class DivergenceOfAnotherFormula(Rule):
    """The KL term mixes σ and log σ²: it is not the divergence of the Gaussian that is sampled.

    ## What it does
    Reports `1 + A - mu^2 - B` where A is log σ instead of log σ², seen from how σ is made: `log(sigma)` beside `sigma^2`, or a name whose
    `exp` is used as σ; and `1 + sigma - mu^2 - exp(sigma)`, where σ itself, made by `softplus` or `exp`, stands for log σ²; also
    the formula with one sign turned round.

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
    Unsafe only in name: log σ² is 2 log σ, and exp(log σ²) is σ².

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
        Good(f"{FUNCTION}print(kl(mu, logvar), torch.exp(0.5 * logvar))\n"),
        Good(f"{HEAD}sigma = 2 * logvar\nstd = torch.exp(0.5 * sigma)\nkl = -0.5 * torch.sum(1 + sigma - mu.pow(2) - sigma.exp())\n"),
        Good(f"{HEAD}sigma = torch.exp(logvar)\nkl = -0.5 * torch.sum(1 + 2 * torch.log(sigma) - mu ** 2 - sigma ** 2)\n"),
    )
    BAD = (
        Bad(
            f"{HEAD}std = torch.exp(0.5 * logvar)\nkl = -0.5 * torch.sum(1 + std - mu ** 2 - std.exp())  # 散度\nkl.backward()\n",
            at=(4, 27),
            fixed=f"{HEAD}std = torch.exp(0.5 * logvar)\nkl = -0.5 * torch.sum(1 + 2 * torch.log(std) - mu ** 2 - std.pow(2))  # 散度\nkl.backward()\n",
        ),
        Bad(
            f"{FUNCTION}sigma = torch.nn.functional.softplus(logvar)\nprint(kl(mu, sigma))\n",
            at=(4, 34),
            fixed=f"{FUNCTION.replace('1 + s -', '1 + 2 * torch.log(s) -').replace('torch.exp(s)', 's.pow(2)')}"
            "sigma = torch.nn.functional.softplus(logvar)\nprint(kl(mu, sigma))\n",
        ),
        Bad(
            ENCODER.format("1 + sigma - mu ** 2 - sigma.exp()"),
            at=(13, 27),
            fixed=ENCODER.format("1 + 2 * torch.log(sigma) - mu ** 2 - sigma.pow(2)"),
        ),
        Bad(
            f"{HEAD}sigma = torch.exp(logvar)\nkl = -0.5 * torch.sum(1 + torch.log(sigma) - mu ** 2 - sigma ** 2)\nkl.backward()\n",
            at=(4, 27),
            fixed=f"{HEAD}sigma = torch.exp(logvar)\nkl = -0.5 * torch.sum(1 + 2 * torch.log(sigma) - mu ** 2 - sigma ** 2)\nkl.backward()\n",
        ),
        Bad(
            f"{HEAD}kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) + logvar.exp())\nkl.backward()\n",
            at=(3, 48),
            fixed=f"{HEAD}kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())\nkl.backward()\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for one in divergences(code):
            if why := mismatch(code, one):
                message = f"this is not the Gaussian's KL divergence: {why}, where log σ² belongs"
                yield self.finding(message, code.span(one.log))
            elif of_deviation(code, one) is not None:
                name = ast.unparse(one.log)
                message = f"this is not the Gaussian's KL divergence: `{name}` is σ, where log σ² belongs"
                yield self.finding(message, code.span(one.log))

        for term, _ in _wrong_signs(code):
            message = f"this is not the Gaussian's KL divergence: the sign of `{ast.unparse(term)}` is turned round"
            yield self.finding(message, code.span(term))

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        """The same from the values: no summand of a Gaussian's divergence may be positive."""
        for one in divergences(context.code):
            high = number(reduced(outcome, context.code, one), "high")
            if one.upright and high is not None and high > ROUNDING and isinstance(one.log, ast.Call) and called(one.log) == "log":
                message = f"this is not the Gaussian's KL divergence: a summand reaches {high:.4g}, and none may be positive"
                yield self.finding(message, context.code.span(one.log), stage=Stage.PROBE, evidence={"high": high})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        for term, at in _wrong_signs(context.code):
            if context.code.span(term) == finding.span:
                yield self.fix("turn the sign round", Edit(at, at + 1, "+" if context.code.text[at] == "-" else "-"))
                return
        node = context.code.node_at(finding.span, ast.expr)
        confused = (of_deviation(context.code, one) for one in divergences(context.code) if one.log is node)
        variance = next((one for one in confused if one is not None), None)
        if node is not None and variance is not None:
            name = context.code.slice(node)
            edits = joined(
                replace_expression(context.code, node, f"2 * torch.log({name})"),
                replace_expression(context.code, variance, f"{name}.pow(2)"),
            )
            yield self.fix("write log σ² as twice log σ, and σ² for its exp", *edits)
        elif node is not None:
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


def of_deviation(code: Code, one: Divergence) -> ast.expr | None:
    """The `exp` of what stands for log σ² although it is σ, made by nothing but functions with positive values; None where it may be right."""
    log = ast.unparse(one.log)
    exponentials = [term for term in one.terms if called(term) == "exp" and _of(term) == log]
    if not exponentials or not isinstance(one.log, ast.Name):
        return None
    names = {log, *_given(code, one.log)}
    made = [node.value for node in code.all(ast.Assign) for target in node.targets if isinstance(target, ast.Name) and target.id in names]
    made += [value for name in code.all(ast.Name) if name.id in names and (value := _part_of_result(code, name)) is not None]
    positive = [called(value) in POSITIVE or (isinstance(value, ast.Call) and _softplus(code, value)) for value in made]
    return exponentials[0] if made and all(positive) else None


def _part_of_result(code: Code, name: ast.Name) -> ast.expr | None:
    """What a name has that is unpacked from the call of a model of the text: the expression in its `return`."""
    given = value_of(code, name) if isinstance(name.ctx, ast.Load) else None
    if given is None or given[1] is None or not isinstance(given[0], ast.Call):
        return None
    return result_of(code, given[0], given[1])


def _of(call: ast.expr) -> str:
    """What an `exp` is taken of."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return ""
    return ast.unparse(call.args[0] if call.args else call.func.value)


def _softplus(code: Code, call: ast.Call) -> bool:
    maker = layer(code, call)
    return maker is not None and called(maker) == "Softplus"


def _given(code: Code, name: ast.Name) -> set[str]:
    """What a parameter is called where the text calls its function."""
    function = code.around(name, ast.FunctionDef)
    parameters = [one.arg for one in function.args.args] if function is not None else []
    if function is None or name.id not in parameters:
        return set()
    at = parameters.index(name.id) - (parameters[0] == "self")
    given = [call.args[at] for call in code.calls(function.name) if at < len(call.args)]
    return {one.id for one in given if isinstance(one, ast.Name)}


def _wrong_signs(code: Code) -> Iterator[tuple[ast.expr, int]]:
    """In `1 + L - m**2 - exp(L)` the one term whose sign does not fit those of the three others, with the place of its sign."""
    for call in code.calls("sum", "mean") if code.calls("exp") else ():
        inner = reduced_value(call)
        terms = list(_signed(inner)) if isinstance(inner, ast.BinOp) else []
        texts = [ast.unparse(one) for _, one, _ in terms] if len(terms) == 4 else []
        parts = {_part(node, texts): (sign, node, up) for sign, node, up in terms} if texts else {}
        if set(parts) == {"one", "log", "square", "exp"}:
            fitting = {name: sign * (1 if name in ("one", "log") else -1) for name, (sign, _, _) in parts.items()}
            common = 1 if sum(fitting.values()) > 0 else -1
            odd = [name for name, sign in fitting.items() if sign != common]
            up = parts[odd[0]][2] if len(odd) == 1 else None
            if up is not None:
                start = code.range(code.span(up.left))[1]
                at = min(where for sign in "+-" if (where := code.text.find(sign, start)) >= 0)
                yield parts[odd[0]][1], at


def _signed(node: ast.expr, sign: int = 1, up: ast.BinOp | None = None) -> Iterator[tuple[int, ast.expr, ast.BinOp | None]]:
    """The terms of a sum, each with its sign and the sum whose right side it is."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and up is None:
        yield from _signed(node.left, sign)
        yield sign if isinstance(node.op, ast.Add) else -sign, node.right, node
    else:
        yield sign, node, up


def _part(node: ast.expr, terms: list[str]) -> str:
    if isinstance(node, ast.Constant) and node.value == 1:
        return "one"
    if called(node) == "exp" and _of(node) in terms:
        return "exp"
    return "square" if squared(node) else "log"

"""The exponential of a log-variance used as a standard deviation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from snipfix.code import Code, written
from snipfix.codemods import joined, replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.gaussian import Divergence
from snipfix.rules.loss.spread import Drawn, Spread, charged, drawn, handed_on, last_name, spread_of
from snipfix.rules.observed import called, words
from snipfix.rules.written import losses, result_of, value_of

__all__ = ["VarianceForDeviation"]

LOG_VARIANCE = re.compile(r"^(?:\w*_)?(?:(?:log|ln)_?var(?:iance)?|lv|log_?sig(?:ma)?_?(?:2|sq|squared))(?:_\w+)?$", re.IGNORECASE)
SPREADS = ("logvar", "log_var", "lnvar", "ln_var", "logsig", "log_sig", "logsd", "log_sd", "lv", "sigma", "std", "deviation")
"""One of these, in small letters, stands in every text that speaks of a deviation."""
"""What a text says that speaks of variances or deviations at all."""
LOG_DEVIATION = re.compile(r"^(?:\w*_)?log_?(?:std(?:dev)?|sig(?:ma)?|sd)$", re.IGNORECASE)
DEVIATION = frozenset("std sigma stddev deviation sd".split())
CODE = (
    "import torch\n\ndef reparameterize(mu, log_var):\n    std = {}\n    return mu + std * torch.randn_like(std)\n\n"
    "print(reparameterize(torch.zeros(3), torch.zeros(3)))\n"
)
DRAWN = (
    (
        "import torch\n\ndef reparameterize(mu, logvar, eps):\n    return mu + {}\n\n"
        "print(reparameterize(torch.zeros(3), torch.zeros(3), torch.randn(3)))\n"
    )
    .replace("(mu, logvar, eps):\n", "(mu, logvar):\n    eps = torch.randn_like(mu)\n")
    .replace(", torch.randn(3)))", "))")
)

FITTED = (
    "import torch, torch.nn as nn\nmean, net = nn.Linear(2, 1), nn.Linear(2, 1)\nx, y = torch.randn(6, 2), torch.randn(6, 1)\n"
    "std = torch.exp(net(x))\nloss = nn.GaussianNLLLoss()(mean(x), y, {})\nloss.backward()\n"
)

CHARGED = (
    "import torch\n\ndef sample(mu, {0}):\n    eps = torch.randn_like(mu)\n    return mu + {1}\n\ndef kl(mu, {0}):\n"
    "    return -0.5 * torch.sum(1 + {2} - mu.pow(2) - torch.exp({2}))\n\nprint(kl(torch.zeros(2), torch.ones(2)), sample(torch.zeros(2), torch.ones(2)))\n"
)


class VarianceForDeviation(Rule):
    """`std = torch.exp(log_var)`: that is the variance, and the deviation is its root.

    ## What it does
    Reports a name of a deviation (`std`, `sigma`) that is set to the exponential of a name of a log-variance, without the half, and Gaussian
    noise that is multiplied by such an exponential, by the log-variance itself, or by another deviation than the KL divergence of the same
    text has for that name. The other way round, a deviation that is given to `GaussianNLLLoss` as the variance.

    ## Why is this bad?
    The samples have another spread than the one that the KL divergence charges for: the two halves of the loss speak of different
    distributions.

    ## Example
    ```python
    std = torch.exp(log_var)
    z = mu + std * torch.randn_like(std)
    ```

    ## Use instead
    ```python
    std = torch.exp(0.5 * log_var)
    z = mu + std * torch.randn_like(std)
    ```

    ## Fix safety
    The samples change.

    ## References
    - Kingma and Welling, "Auto-Encoding Variational Bayes", 2014, appendix B.
    """

    id = "SNF426"
    name = "variance-for-deviation"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("torch.exp(0.5 * log_var)")),
        Good(CODE.format("torch.exp(log_var).sqrt()")),
        Good(CODE.format("torch.exp(log_var)").replace("log_var", "log_std")),
        Good(CODE.format("log_var.exp()").replace("std", "var").replace("* torch", "** 0.5 * torch")),
        Good(CODE.format("log_var.exp()\n    std = std ** 0.5")),
        Good(FITTED.format("std ** 2")),
        Good(FITTED.format("std").replace("std", "var")),
        Good(DRAWN.format("eps * torch.exp(logvar / 2)")),
        Good(DRAWN.format("eps * torch.exp(logvar) ** 0.5")),
        Good(CHARGED.format("logvar", "eps * torch.exp(logvar)", "2 * logvar")),  # the name is wrong, the two agree
        Good(CHARGED.format("s", "torch.mul(eps, torch.exp(s / 2))", "s")),
        Good(
            CHARGED.format("sigma", "sigma * eps", "sigma")
            .replace("sample(torch.zeros(2), ", "sample(torch.zeros(2), torch.exp(torch.ones(2)), ")
            .replace("(2)), torch.ones(2)))", "(2))))")
        ),
    )
    BAD = (
        Bad(CODE.format("torch.exp(log_var)  # 标准差"), at=(4, 11), fixed=CODE.format("torch.exp(0.5 * log_var)  # 标准差"), runs=False),
        Bad(
            CODE.format("logvar.exp()").replace("log_var", "logvar"),
            at=(4, 11),
            fixed=CODE.format("(0.5 * logvar).exp()").replace("log_var", "logvar"),
            runs=False,
        ),
        Bad(
            DRAWN.format("torch.randn_like(mu) * logvar.exp()"),
            at=(5, 40),
            fixed=DRAWN.format("torch.randn_like(mu) * (0.5 * logvar).exp()"),
            runs=False,
        ),
        Bad(
            CHARGED.format("sigma", "torch.exp(sigma) * eps", "sigma"),
            at=(5, 17),
            fixed=CHARGED.format("sigma", "torch.exp(0.5 * sigma) * eps", "sigma"),
            runs=False,
        ),
        Bad(
            CHARGED.format("log_std", "eps.mul(torch.exp(log_std))", "log_std"),
            at=(5, 25),
            fixed=CHARGED.format("log_std", "eps.mul(torch.exp(log_std))", "2 * log_std"),
            runs=False,
        ),
        Bad(DRAWN.format("eps * logvar"), at=(5, 23), fixed=DRAWN.format("eps * torch.exp(0.5 * logvar)"), runs=False),
        Bad(
            DRAWN.format("0 * eps + torch.normal(mu, logvar.exp())"),
            at=(5, 44),
            fixed=DRAWN.format("0 * eps + torch.normal(mu, (0.5 * logvar).exp())"),
            runs=False,
        ),
        Bad(FITTED.format("std"), at=(5, 41), fixed=FITTED.format("std.pow(2)"), runs=False),
        Bad(DRAWN.format("eps * torch.exp(logvar)"), at=(5, 23), fixed=DRAWN.format("eps * torch.exp(0.5 * logvar)"), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for statement in code.all(ast.Assign) if code.calls("exp") else ():
            target = statement.targets[0]
            name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
            inner = _exponent(statement.value)
            named = DEVIATION & set(words(name)) and "var" not in words(name)
            if inner is not None and named and not _made_right(code, statement) and not _agreed(code, statement.value):
                message = f"the exponential of `{written(inner)}` is the variance, and `{name}` is to be its root"
                yield self.finding(message, code.span(statement.value))
        for found in _mismatches(code):
            yield self.finding(found.message, code.span(found.at))
        for call in losses(code, frozenset({"GaussianNLLLoss"}), frozenset({"gaussian_nll_loss"})) if "aussian" in code.text else ():
            given = next((one.value for one in call.keywords if one.arg == "var"), call.args[2] if len(call.args) > 2 else None)
            if given is not None and _is_deviation(code, given):
                message = f"this loss takes the variance, and `{written(given)}` is its root"
                yield self.finding(message, code.span(given))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        mended = [found for found in _mismatches(context.code) if context.code.span(found.at) == finding.span]
        for found in mended[:1]:
            yield self.fix(found.title, *joined(*(replace_expression(context.code, one, text) for one, text in found.mended)))
            return
        given = context.code.node_at(finding.span, ast.Name)
        if given is not None and context.code.span(given) == finding.span:
            yield self.fix("give the loss the variance", *wrap_expression(context.code, finding.span, "{}.pow(2)"))
            return
        node = context.code.node_at(finding.span, ast.Call)
        inner = _exponent(node) if node is not None else None
        if inner is not None and isinstance(node, ast.Call):
            text = f"0.5 * {context.code.slice(inner)}"
            text = text if inner in node.args else f"({text})"
            yield self.fix("take half of the logarithm", *replace_expression(context.code, inner, text))


def _exponent(node: ast.AST) -> ast.expr | None:
    """The log-variance of which the exponential is taken, as a function or as a method."""
    if not isinstance(node, ast.Call) or called(node) != "exp" or node.keywords or not isinstance(node.func, ast.Attribute):
        return None
    inner = node.args[0] if len(node.args) == 1 else node.func.value if not node.args else None
    name = inner.id if isinstance(inner, ast.Name) else inner.attr if isinstance(inner, ast.Attribute) else ""
    return inner if LOG_VARIANCE.match(name) else None


def _is_deviation(code: Code, node: ast.expr) -> bool:
    """Whether a name is that of a deviation and what it is given, as far as the text tells, is no square, nor its logarithm a variance's."""
    if not isinstance(node, ast.Name) or not DEVIATION & set(words(node.id)) or {"var", "variance", "sq", "squared"} & set(words(node.id)):
        return False
    given = value_of(code, node)
    if given is None:
        return False
    made = (
        result_of(code, given[0], given[1]) if isinstance(given[0], ast.Call) and called(given[0]) not in ("exp", "softplus") else given[0]
    )
    text = written(made) if made is not None else ""
    return made is not None and _exponent(made) is None and not re.search(r"\*\* ?2|pow\(2|square|var", text)


def _made_right(code: Code, statement: ast.Assign) -> bool:
    """Whether a root is taken of it later: the name is read in a square root or a power, or set anew from itself."""
    name = written(statement.targets[0])
    for node in code.mentions(name):
        up = code.parents.get(node)
        if isinstance(up, ast.BinOp) and isinstance(up.op, ast.Pow):
            return True
        if (isinstance(up, ast.Call) and called(up) == "sqrt") or (isinstance(up, ast.Attribute) and up.attr in ("sqrt", "sqrt_", "pow")):
            return True
    return False


@dataclass(frozen=True)
class Mismatch:
    """A deviation that the noise is stretched by and that is another than the text's own divergence, or the name, has it."""

    at: ast.expr
    message: str
    title: str
    mended: tuple[tuple[ast.expr, str], ...]


def _mismatches(code: Code) -> Iterator[Mismatch]:
    text = code.text.lower()
    if not any(word in text for word in SPREADS):
        return
    seen, known = set[ast.expr](), list(charged(code))
    for one in drawn(code):
        name = last_name(one.spread.name)
        if one.written in seen or not name or not _is_raw(code, one.spread.name):
            continue
        seen.add(one.written)
        charges = [(spread, found) for spread, found in known if last_name(spread.name) == name]
        if charges and (handed_on(code, one.spread.name) and all(handed_on(code, spread.name) for spread, _ in charges)):
            if not any(one.spread.agrees(spread) for spread, _ in charges):
                yield _against_divergence(code, one, *charges[0])
        elif _is_log_variance(code, one.spread) and not one.spread.agrees(Spread(one.spread.name, True, 0.5)):
            yield _against_name(code, one)


def _is_log_variance(code: Code, spread: Spread) -> bool:
    """Whether a name says that it is a log-variance; without an exponential, `noise * lv` may be a level as well."""
    name = last_name(spread.name)
    return bool(LOG_VARIANCE.match(name)) and (spread.exponential or ("lv" not in words(name) and handed_on(code, spread.name)))


def _is_raw(code: Code, name: ast.expr) -> bool:
    """Whether a name is not given anew from itself, as by `log_var = log_var.exp()`."""
    given = value_of(code, name) if isinstance(name, ast.Name) else None
    return given is None or given[1] is not None or not {"exp", "softplus", "sqrt"} & {called(one) for one in ast.walk(given[0])}


def _against_name(code: Code, one: Drawn) -> Mismatch:
    name = written(one.spread.name)
    if one.spread.exponential and one.spread.power == 1:
        message = f"noise is stretched by a deviation: the exponential of `{name}` is the variance"
        return Mismatch(one.written, message, "take half of the logarithm", _respelt(code, one, Spread(one.spread.name, True, 0.5)))
    message = f"noise is stretched by `{written(one.written)}`: the deviation of the log-variance `{name}` is the exponential of its half"
    return Mismatch(one.written, message, "stretch the noise by the deviation", _respelt(code, one, Spread(one.spread.name, True, 0.5)))


def _against_divergence(code: Code, one: Drawn, charge: Spread, found: Divergence) -> Mismatch:
    name = written(one.spread.name)
    variance = next((written(term) for term in found.terms if name in written(term)), name)
    message = f"noise is stretched by `{written(one.written)}`, and the divergence of the same text takes `{variance}` for the variance"
    whole = next((term for term in found.terms if called(term) == "exp"), None)
    if (
        one.spread.exponential
        and one.spread.power == 1
        and charge.power == 0.5
        and LOG_DEVIATION.match(last_name(one.spread.name))
        and whole is not None
    ):
        double = f"2 * {written(charge.name)}"
        inner = next(node for node in ast.walk(whole) if isinstance(node, ast.expr) and written(node) == written(charge.name))
        spelt = double if isinstance(whole, ast.Call) and inner in whole.args else f"({double})"
        return Mismatch(one.written, message, "let the divergence take the square of the deviation", ((found.log, double), (inner, spelt)))
    spread = Spread(one.spread.name, charge.exponential, charge.power)
    return Mismatch(one.written, message, "stretch the noise by the deviation", _respelt(code, one, spread))


def _respelt(code: Code, one: Drawn, spread: Spread) -> tuple[tuple[ast.expr, str], ...]:
    """The deviation written anew, as a method where it was one or nothing is known as torch."""
    method = isinstance(one.written, ast.Call) and not one.written.args
    text = spread.spelt(code.slice(one.spread.name), method or "torch." not in code.text)
    return ((one.written, text),)


def _agreed(code: Code, value: ast.expr) -> bool:
    """Whether the divergence of the text reads the same deviation from the same name."""
    own = spread_of(value)
    return own is not None and any(last_name(one.name) == last_name(own.name) and own.agrees(one) for one, _ in charged(code))

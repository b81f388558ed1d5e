"""A discriminator that is taught the same answer for real and for generated samples."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import FUNCTIONS, Code
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Applicability, Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.generator_helps_discriminator import Judge, identity, loss_of
from snipfix.rules.observed import called, number, place, text
from snipfix.rules.written import value_of

__all__ = ["DiscriminatorTaughtAlike"]

ADVERSARIAL = re.compile(r"fake|discrim|generator|gan\b|net_?[dg]\b", re.IGNORECASE)
"""What a text says that sets two models against each other: a value head on another network's features has no opponent."""
GAN = (
    "import torch, torch.nn as nn\nG, D = nn.Linear(2, 3), nn.Linear(3, 1)\n"
    "g, d = torch.optim.Adam(G.parameters()), torch.optim.Adam(D.parameters())\nbce, ones = nn.BCEWithLogitsLoss(), torch.ones(4, 1)\n"
    "for _ in range(2):\n    fake = G(torch.randn(4, 2))\n    d.zero_grad()\n    real_loss = bce(D(torch.randn(4, 3)), ones)\n"
    "    scores = D(fake.detach())\n    fake_loss = {}\n    (real_loss + fake_loss).backward()\n    d.step()\n"
    "    g.zero_grad()\n    g_loss = bce(D(fake), ones)\n    g_loss.backward()\n    g.step()\n"
)
BOTH = "    d_loss = real_loss + fake_loss\n    d_loss.backward()\n"
TAUGHT = GAN.replace("    (real_loss + fake_loss).backward()\n", BOTH)


class DiscriminatorTaughtAlike(Rule):
    """The discriminator's own step pushes its scores of real and of generated samples the same way.

    ## What it does
    Watches the gradients that arrive at the discriminator's output in its own step. Reports when they push the scores of real and of
    generated samples in the same direction, step after step, and a generator is trained through it, in a text that speaks of a GAN.

    ## Why is this bad?
    The discriminator learns to give one answer to everything, and the generator has nothing to learn from: most often the target of the real
    half was written for both.

    ## Example
    ```python
    d_loss = bce(D(real), ones) + bce(D(fake.detach()), ones)
    ```

    ## Use instead
    ```python
    d_loss = bce(D(real), ones) + bce(D(fake.detach()), zeros)
    ```

    ## Fix safety
    The half of which the target is against the convention (real samples are 1, generated ones 0) gets the other one.

    ## References
    - Goodfellow et al. 2014, "Generative Adversarial Nets", algorithm 1.
    """

    id = "SNF362"
    name = "discriminator-taught-alike"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(TAUGHT.format("bce(scores, torch.zeros_like(scores))")),
        Good(TAUGHT.format("bce(-scores, ones)")),
        Good(TAUGHT.format("bce(scores, ones)").replace("fake", "hidden")),
    )
    BAD = (
        Bad(
            TAUGHT.format("bce(scores, ones)  # 假样本"),
            at=(10, 17),
            fixed=TAUGHT.format("bce(scores, torch.zeros_like(ones))  # 假样本"),
        ),
        Bad(
            TAUGHT.format("-torch.log(torch.sigmoid(scores)).mean()"),
            at=(10, 17),
            fixed=TAUGHT.format("-torch.log(1 - torch.sigmoid(scores)).mean()"),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        if not ADVERSARIAL.search(context.code.text):
            return
        signs: dict[Judge, dict[str, set[float]]] = {}
        calls: dict[tuple[Judge, str], tuple[Span | None, Span | None]] = {}
        makers: dict[Judge, str] = {}
        for observation in outcome.seen("adversary"):
            facts = observation.facts
            judge, role = identity(facts), text(facts, "step")
            signs.setdefault(judge, {}).setdefault(role, set()).add(number(facts, "sign") or 0)
            calls.setdefault((judge, role), (place(context.code, facts, "call"), observation.span))
            if role == "maker":
                makers[judge] = text(facts, "maker", "path")
        for judge, maker in makers.items():
            seen = signs[judge]
            if len(seen.get("judge", ())) == 1 and seen.get("judge") == seen.get("real") and 0 not in seen["judge"]:
                up = seen["judge"] == {-1}
                call, backward = calls[judge, "judge" if up else "real"]
                yield self._report(context.code, up, call, backward, {"discriminator": judge[0], "generator": maker})

    def _report(self, code: Code, up: bool, call: Span | None, backward: Span | None, names: dict[str, str]) -> Finding:
        """At the term of the loss that the half against the convention goes into."""
        way, half = ("up", "generated") if up else ("down", "real")
        message = (
            f"the discriminator's own step pushes its scores of real and of generated samples {way} alike: "
            f"the {half} ones have the wrong target"
        )
        term = _term(code, call) if call is not None else None
        span = code.span(term) if term is not None else loss_of(code, backward) if backward is not None else code.span(code.tree.body[0])
        return self.finding(message, span, stage=Stage.PROBE, evidence={**names, "up": up, "term": term is not None})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code, up = context.code, finding.evidence.get("up") is True
        node = code.node_at(finding.span, ast.expr)
        if not finding.evidence.get("term"):
            return
        for call in code.all(ast.Call, inside=node) if node is not None and code.span(node) == finding.span else ():
            if len(call.args) == 2 and called(call) != "log":
                yield from self._other_target(code, call.args[1], "zeros" if up else "ones")
                return
        for call in code.calls("log", inside=node) if node is not None and up else ():
            if call.args and not isinstance(call.args[0], ast.BinOp):
                edits = replace_expression(code, call.args[0], f"1 - {code.slice(call.args[0])}")
                yield self.fix("teach the discriminator that these samples are generated", *edits)
                return

    def _other_target(self, code: Code, target: ast.expr, wanted: str) -> Iterator[Fix]:
        """The other label in the same words: `zeros_like` for `ones_like`, a name that holds zeros, else zeros made from the target."""
        title = "give these samples the other target"
        other = "ones" if wanted == "zeros" else "zeros"
        if isinstance(target, ast.Call) and called(target) in {other, f"{other}_like"}:
            name = called(target).replace(other, wanted)
            yield self.fix(title, *replace_expression(code, target.func, code.slice(target.func).replace(called(target), name)))
            return
        if isinstance(target, ast.Name | ast.Attribute):
            name = _held(code, target, wanted)
            text = name or f"torch.{wanted}_like({code.slice(target)})"
            yield self.fix(title, *replace_expression(code, target, text))


def _held(code: Code, target: ast.expr, wanted: str) -> str:
    """A name that was given zeros, or ones, above in the same function, and nothing else."""
    home = code.around(target, *FUNCTIONS)
    for name, given in code.given.items():
        here = [
            value.elts[part] if part is not None and isinstance(value, ast.Tuple) and part < len(value.elts) else value
            for statement, value, part in given
            if code.around(statement, *FUNCTIONS) is home and statement.lineno < target.lineno
        ]
        if "." not in name and here and len(here) == len(given) and all(called(one) in {wanted, f"{wanted}_like"} for one in here):
            return name
    return ""


def _term(code: Code, call: Span) -> ast.expr | None:
    """The expression that makes a loss of the score that a call gives: around the call, or around the name that holds the score."""
    score = code.node_at(call, ast.Call)
    if not isinstance(score, ast.Call) or code.span(score) != call:
        return None
    term = _around(code, score)
    if term is not None:
        return term
    statement = next((up for up in code.ancestors(score) if isinstance(up, ast.stmt)), None)
    for name in sorted(code.all(ast.Name), key=lambda one: one.lineno):
        if isinstance(name.ctx, ast.Load) and isinstance(statement, ast.Assign) and name.lineno > statement.lineno:
            given = value_of(code, name)
            if given is not None and any(score is one for one in ast.walk(given[0])) and (term := _around(code, name)) is not None:
                return term
    return None


def _around(code: Code, score: ast.expr) -> ast.expr | None:
    """The loss around a score: a call that takes it beside a target, or a logarithm with what averages it."""
    node: ast.AST = score
    while isinstance(up := code.parents.get(node), ast.expr):
        if isinstance(up, ast.Call) and len(up.args) == 2 and node is up.args[0] and called(up) not in {"mean", "sum", "cat"}:
            return up
        if isinstance(up, ast.Call) and called(up) == "log":
            return _averaged(code, up)
        node = up
    return None


def _averaged(code: Code, node: ast.expr) -> ast.expr:
    """A logarithm with its sign and what averages it."""
    whole: ast.expr = node
    for up in code.ancestors(node):
        if isinstance(up, ast.UnaryOp) or called(up) in {"mean", "sum"} or (isinstance(up, ast.Attribute) and up.attr in {"mean", "sum"}):
            whole = up  # type: ignore[assignment]
        else:
            break
    return whole

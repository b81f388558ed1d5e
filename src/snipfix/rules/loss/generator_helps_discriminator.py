"""A generator that is trained to be found out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, number, shape, text
from snipfix.rules.training_loop.loops import OPTIMIZERS, assigned, receiver
from snipfix.rules.written import value_of

Judge = tuple[str, tuple[int, ...] | None]

GAN = (
    "import torch, torch.nn as nn\nG, D = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1), nn.Sigmoid())\n"
    "g, d = torch.optim.Adam(G.parameters()), torch.optim.Adam(D.parameters())\nz, real = torch.randn(4, 2), torch.randn(4, 3)\n"
    "for _ in range(2):\n    d.zero_grad()\n    d_loss = -(torch.log(D(real)).mean() + torch.log(1 - D(G(z).detach())).mean())\n"
    "    d_loss.backward()\n    d.step()\n    g.zero_grad()\n    g_loss = {}\n    g_loss.backward()\n    g.step()\n"
)

STOPPED = (
    "import torch, torch.nn as nn\nG, D = nn.Linear(2, 3), nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())\n"
    "g = torch.optim.Adam(G.parameters())\nd = torch.optim.Adam(D.parameters())\nz, real = torch.randn(4, 2), torch.randn(4, 3)\n"
    "for _ in range(2):\n    fake = G(z)\n    d_fake = D(fake.detach())\n    d_loss = -(torch.mean(torch.log(D(real))) + torch.mean(torch.log(1. - d_fake)))\n"
    "    d_loss.backward()\n    d.step()\n    d_fake = D(G(z))\n    d.zero_grad(), g.zero_grad()\n    g_loss = {}\n    g_loss.backward()\n    g.step()\n"
)

CRITIC = (
    "import torch, torch.nn as nn\nG, C = nn.Linear(2, 3), nn.Linear(3, 1)\ng, c = (torch.optim.RMSprop(one.parameters()) for one in (G, C))\n"
    "z, real = torch.randn(4, 2), torch.randn(4, 3)\nfor _ in range(2):\n    c_loss = {}\n    c.zero_grad()\n    c_loss.backward()\n    c.step()\n"
    "    g_loss = {}\n    g.zero_grad()\n    g_loss.backward()\n    g.step()\n"
)


class GeneratorHelpsDiscriminator(Rule):
    """The generator's step pushes the discriminator's score of fake samples the same way as the discriminator's own step.

    ## What it does
    Watches the gradient that arrives at the discriminator's output. Reports when the generator's step pushes the score of generated samples
    in the direction in which the discriminator itself pushes it, away from where it pushes real samples. Where the run stops before, the text is
    asked: the term log(1 - D(G(z))) with the same sign in both losses.

    ## Why is this bad?
    There is no contest: both make it easier to tell fake from real. The generator learns to be found out.

    ## Example
    ```python
    g_loss = -torch.mean(torch.log(1 - d_fake))
    ```

    ## Use instead
    ```python
    g_loss = -torch.mean(torch.log(d_fake))
    ```

    ## Fix safety
    Unsafe: of the two right losses, log(1 - D) minimised and -log D minimised, the second is offered. Of a critic without labels, the term
    that is against the convention (real scores up, generated scores down) is turned.

    ## References
    - Goodfellow et al. 2014, "Generative Adversarial Nets", section 3. Arjovsky et al. 2017, "Wasserstein GAN", algorithm 1.
    """

    id = "SNF410"
    name = "generator-helps-discriminator"
    category = Category.LOSS
    GOOD = (
        Good(STOPPED.format("torch.mean(torch.log(1. - d_fake))"), runs=False),
        Good(GAN.format("-torch.log(D(G(z))).mean()")),
        Good(GAN.format("torch.log(1 - D(G(z))).mean()")),
        Good(CRITIC.format("C(real).mean() - C(G(z).detach()).mean()", "C(G(z)).mean()")),
    )
    BAD = (
        Bad(
            CRITIC.format("C(real).mean() - C(G(z).detach()).mean()  # 判别器", "-C(G(z)).mean()"),
            at=(6, 14),
            fixed=CRITIC.format("C(G(z).detach()).mean() - C(real).mean()  # 判别器", "-C(G(z)).mean()"),
        ),
        Bad(
            CRITIC.format("-(C(real).mean() - C(G(z).detach()).mean())", "C(G(z)).mean()"),
            at=(10, 14),
            fixed=CRITIC.format("-(C(real).mean() - C(G(z).detach()).mean())", "-C(G(z)).mean()"),
        ),
        Bad(
            STOPPED.format("-torch.mean(torch.log(1. - d_fake))"),
            at=(14, 14),
            fixed=STOPPED.format("-torch.mean(torch.log(d_fake))"),
            runs=False,  # it stops before the first step
        ),
        Bad(
            GAN.format("-torch.log(1 - D(G(z))).mean()"),
            at=(11, 14),
            fixed=GAN.format("-torch.log(D(G(z))).mean()"),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        signs: dict[Judge, dict[str, float]] = {}
        steps: dict[Judge, tuple[Span, str]] = {}
        own: dict[Judge, Span] = {}
        for observation in outcome.seen("adversary"):
            facts = observation.facts
            judge, role, sign = identity(facts), text(facts, "step"), number(facts, "sign")
            if sign:
                signs.setdefault(judge, {}).setdefault(role, sign)
                if role == "judge" and observation.span is not None:
                    own.setdefault(judge, loss_of(context.code, observation.span))
                if role == "maker" and observation.span is not None:
                    steps.setdefault(judge, (observation.span, text(facts, "maker", "path")))
        if not outcome.seen("adversary"):
            yield from self._from_text(context.code)
        for judge, (span, maker) in steps.items():
            found = signs[judge]
            if found.get("judge") == found.get("maker") == -found.get("real", 0):
                yield self._report(context.code, span, judge[0], maker, found, own.get(judge))

    def _from_text(self, code: Code) -> Iterator[Finding]:
        steps = list(written_steps(code))
        for own in steps:
            for other in steps:
                if (
                    own.model == other.judge
                    and own.judge == own.model
                    and other.model == other.maker == own.maker
                    and own.sign == other.sign
                ):
                    message = (
                        "the generator's loss has the same term log(1 - D) with the same sign as the discriminator's own loss: "
                        "it learns to be found out"
                    )
                    evidence = {"discriminator": own.model, "generator": other.model}
                    yield self.finding(message, code.span(other.loss), stage=Stage.STATIC, evidence=evidence)

    def _report(self, code: Code, backward: Span, judge: str, maker: str, signs: Mapping[str, Any], own: Span | None) -> Finding:
        """At the generator's loss; at the critic's, where a critic without labels pushes the score of real samples down, which no convention does."""
        critic = code.node_at(own, ast.expr) if own is not None and signs["real"] > 0 else None
        if critic is not None and own is not None and code.span(critic) == own and exchanged(code, critic):
            message = (
                "the critic's step pushes its score of real samples down and that of generated ones up, as the generator's own step does: "
                "its sign is wrong"
            )
            evidence = {"discriminator": judge, "generator": maker, "signs": dict(signs)}
            return self.finding(message, own, stage=Stage.PROBE, evidence=evidence)
        way = "down" if signs["maker"] > 0 else "up"
        message = (
            f"the generator's step pushes the discriminator's score of generated samples {way}, as the discriminator's own step does: "
            "it learns to be found out"
        )
        evidence = {"discriminator": judge, "generator": maker, "signs": dict(signs)}
        return self.finding(message, loss_of(code, backward), stage=Stage.PROBE, evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        value = code.node_at(finding.span, ast.expr)
        for node in ast.walk(value) if value is not None else ():
            if isinstance(node, ast.Call) and called(node) == "log" and node.args and isinstance(node.args[0], ast.BinOp):
                inner = node.args[0]
                if isinstance(inner.op, ast.Sub) and isinstance(inner.left, ast.Constant) and inner.left.value == 1:
                    edits = replace_expression(code, inner, code.slice(inner.right))
                    yield self.fix("let the generator raise the score of what it makes", *edits)
        for node in ast.walk(value) if value is not None else ():
            if isinstance(node, ast.Call) and called(node) in {"zeros", "zeros_like"}:
                ones = called(node).replace("zeros", "ones")
                edits = replace_expression(code, node.func, ast.unparse(node.func).replace(called(node), ones))
                yield self.fix("let the generator aim at the label of real samples", *edits)
        if isinstance(value, ast.expr) and code.span(value) == finding.span and (mended := exchanged(code, value)):
            yield self.fix("turn the critic's sign", *replace_expression(code, value, mended))
            return
        if isinstance(value, ast.expr):
            yield from self._other_label(code, value)
            yield from self._other_sign(code, value)

    def _other_label(self, code: Code, value: ast.expr) -> Iterator[Fix]:
        """`criterion(d_fake, zeros)`: the name that holds ones instead."""
        held = {
            ast.unparse(one.targets[0]): called(one.value)
            for one in code.all(ast.Assign)
            if called(one.value) in {"zeros", "zeros_like", "ones", "ones_like"}
        }
        for node in ast.walk(value):
            if isinstance(node, ast.Name) and held.get(node.id, "").startswith("zeros"):
                for name in (name for name, kind in held.items() if kind.startswith("ones")):
                    yield self.fix(
                        "let the generator aim at the label of real samples", *replace_expression(code, node, name), preference=1
                    )

    def _other_sign(self, code: Code, value: ast.expr) -> Iterator[Fix]:
        """A mean score, which has no label: the generator wants it the other way."""
        if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
            yield self.fix("turn the generator's sign", *replace_expression(code, value, code.slice(value.operand)), preference=2)
        elif called(value) in {"mean", "sum"}:
            yield self.fix("turn the generator's sign", *replace_expression(code, value, f"-{code.slice(value)}"), preference=2)


def exchanged(code: Code, value: ast.AST) -> str:
    """A critic's loss with the other sign, as one writes it: `b - a` for `a - b`, `a` for `-(a)`; empty where it is no difference of two means."""
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub) and exchanged(code, value.operand):
        return code.slice(value.operand)
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Sub | ast.Add):
        return ""
    left, right = value.left, value.right
    if isinstance(value.op, ast.Add) and not _mean(code, right) and (mended := exchanged(code, left)):
        return f"{mended} + {code.slice(right)}"  # a penalty
    if isinstance(value.op, ast.Add) and isinstance(left, ast.UnaryOp) and isinstance(left.op, ast.USub) and _mean(code, left.operand):
        return f"{code.slice(left.operand)} - {code.slice(right)}" if _mean(code, right) else ""
    plain = isinstance(value.op, ast.Sub) and _mean(code, left) and _mean(code, right)
    return f"{code.slice(right)} - {code.slice(left)}" if plain else ""


def _mean(code: Code, node: ast.expr) -> bool:
    """Whether a score is averaged, here or in what a name was set to, and nothing but that."""
    if isinstance(node, ast.Name) and (given := value_of(code, node)) is not None and given[1] is None:
        node = given[0]
    named = isinstance(node, ast.Name)
    return named or (called(node) in {"mean", "sum"} and not code.calls("log", "logsigmoid", "softplus", inside=node))


@dataclass(frozen=True)
class Step:
    """A backward pass and a step as the text has them: who is stepped, and the term log(1 - judge(maker(...))) in the loss with its sign."""

    model: str
    loss: ast.expr
    judge: str
    maker: str
    sign: int


def written_steps(code: Code) -> Iterator[Step]:
    """The steps whose loss has one such term, in order of the text."""
    models = {name: receiver(call.args[0]) for name, call in assigned(code, OPTIMIZERS) if call.args and isinstance(call.args[0], ast.Call)}
    calls = sorted((node for node in code.all(ast.Call)), key=lambda node: node.lineno)
    for backward in (call for call in calls if called(call) == "backward" and isinstance(call.func, ast.Attribute)):
        name = backward.func.value  # type: ignore[attr-defined]
        given = value_of(code, name) if isinstance(name, ast.Name) else None
        stepped = next(
            (receiver(one) for one in calls if one.lineno > backward.lineno and called(one) == "step" and receiver(one) in models), ""
        )
        found = list(_terms(given[0], 1)) if given is not None and stepped else []
        if given is not None and len(found) == 1:
            judge, maker = _roles(code, found[0][1])
            if judge and maker:
                yield Step(models[stepped], given[0], judge, maker, found[0][0])


def attached(code: Code) -> Iterator[tuple[ast.Call, str]]:
    """The calls with which a discriminator judges, in its own step, what the generator made just before and nothing detaches; with the generator."""
    models = {receiver(call.args[0]) for _, call in assigned(code, OPTIMIZERS) if call.args and isinstance(call.args[0], ast.Call)}
    for step in written_steps(code):
        if step.model != step.judge or step.maker not in models - {step.judge}:
            continue
        judged = [one for one in code.all(ast.Call) if ast.unparse(one.func) == step.judge and len(one.args) == 1]
        before = [one for one in judged if one.lineno <= step.loss.lineno and _roles(code, one) == (step.judge, step.maker)]
        last = max(before, key=lambda one: (one.lineno, one.col_offset), default=None)
        if last is None:
            continue
        given = last.args[0]
        found = value_of(code, given) if isinstance(given, ast.Name) else (given, None)
        made = found[0] if found is not None else None
        if isinstance(made, ast.Call) and ast.unparse(made.func) == step.maker and not _without_gradients(code, made):
            yield last, step.maker


def _without_gradients(code: Code, node: ast.AST) -> bool:
    """Whether an expression is computed where autograd is off."""
    blocks = (up for up in code.ancestors(node) if isinstance(up, ast.With))
    return any(
        "grad" in ast.unparse(item.context_expr) or "inference" in ast.unparse(item.context_expr) for up in blocks for item in up.items
    )


def _terms(node: ast.expr, sign: int) -> Iterator[tuple[int, ast.expr]]:
    """The terms mean(log(1 - score)) of a sum, each with its sign and the score."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from _terms(node.operand, -sign)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from _terms(node.left, sign)
        yield from _terms(node.right, -sign if isinstance(node.op, ast.Sub) else sign)
    elif isinstance(node, ast.Call) and called(node) in {"mean", "sum", "log"}:
        inner = node.args[0] if node.args else node.func.value if isinstance(node.func, ast.Attribute) else None
        if called(node) != "log" and inner is not None:
            yield from _terms(inner, sign)
        elif (
            isinstance(inner, ast.BinOp)
            and isinstance(inner.op, ast.Sub)
            and isinstance(inner.left, ast.Constant)
            and inner.left.value == 1
        ):
            yield sign, inner.right


def _roles(code: Code, score: ast.expr) -> tuple[str, str]:
    """Who gave a score and who made what was judged: `D` and `G` for D(G(z)), names followed."""
    names = []
    value: ast.expr = score
    for _ in range(2):
        if isinstance(value, ast.Name) and (given := value_of(code, value)) is not None:
            value = given[0]
        if isinstance(value, ast.Call) and called(value) == "detach" and isinstance(value.func, ast.Attribute):
            value = value.func.value
            if isinstance(value, ast.Name) and (given := value_of(code, value)) is not None:
                value = given[0]
        if not isinstance(value, ast.Call) or not value.args:
            return "", ""
        names.append(ast.unparse(value.func))
        value = value.args[0]
    return names[0], names[1]


def identity(facts: Mapping[str, Any]) -> Judge:
    """What tells two modules of the same class apart."""
    return text(facts, "judge", "path"), shape(facts, "judge", "built")


def loss_of(code: Code, backward: Span) -> Span:
    """Where the loss was computed whose backward stands at a place: the value last assigned to its name before."""
    node = code.node_at(backward, ast.Call)
    if not isinstance(node, ast.Call) or called(node) != "backward":
        return backward
    name = receiver(node)
    assigned = [
        one for one in code.all(ast.Assign) if one.lineno < node.lineno and any(ast.unparse(target) == name for target in one.targets)
    ]  # fmt: skip
    return code.span(max(assigned, key=lambda one: one.lineno).value) if assigned else backward

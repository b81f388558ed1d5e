"""The discriminator's backward pass runs on into the generator."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import wrap_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Meaning, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.generator_helps_discriminator import GAN, STOPPED, attached, identity
from snipfix.rules.observed import flag, place, text

PLAIN = GAN.format("-torch.log(D(G(z))).mean()")


class GradientsIntoGenerator(Rule):
    """In the discriminator's step the generated samples are not detached.

    ## What it does
    Reports a discriminator's step whose backward pass also computed the gradients of the generator. Where another fault stops the run, the text
    is read.

    ## Why is this bad?
    The work is wasted, and if the generator's gradients are not cleared before its own step they push it the wrong way.

    ## Example
    ```python
    d_fake = discriminator(fake)
    ```

    ## Use instead
    ```python
    d_fake = discriminator(fake.detach())
    ```

    ## Fix safety
    Unsafe when the same output of the discriminator is used again for the generator's loss.

    ## References
    - PyTorch tutorial "DCGAN": `netD(fake.detach())`.
    """

    id = "SNF412"
    name = "gradients-into-generator"
    category = Category.TRAINING_LOOP
    severity = Severity.WARNING
    GOOD = (
        Good(STOPPED.format("-torch.mean(torch.log(d_fake))"), runs=False),
        Good(PLAIN),
        Good(PLAIN.replace("G(z).detach()", "G(z).data")),
    )
    BAD = (
        Bad(
            PLAIN.replace("D(G(z).detach())", "D(G(z))"),
            at=(7, 58),
            fixed=PLAIN,
        ),
        Bad(
            STOPPED.format("-torch.mean(torch.log(d_fake))").replace("fake.detach()", "fake"),
            at=(8, 14),
            fixed=STOPPED.format("-torch.mean(torch.log(d_fake))"),
            runs=False,  # it stops at another fault
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        judged = {identity(one.facts) for one in outcome.seen("adversary") if text(one.facts, "step") == "maker"}
        told = set()
        message = "the discriminator's step also computes the gradients of the generator: the generated samples are not detached"
        if not outcome.seen("adversary"):
            for call, maker in attached(context.code):
                yield self.finding(message, context.code.span(call), evidence={"generator": maker})
        for observation in outcome.seen("adversary"):
            facts = observation.facts
            span = place(context.code, facts, "call")
            if text(facts, "step") == "judge" and flag(facts, "attached") and span not in told and identity(facts) in judged:
                told.add(span)
                if span is not None:
                    yield self.finding(message, span, stage=Stage.PROBE, evidence={"generator": text(facts, "maker", "path")})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        if isinstance(node, ast.Call) and len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
            edits = wrap_expression(context.code, node.args[0], "{}.detach()")
            yield self.fix("detach the generated samples", *edits, meaning=Meaning.KEEPS)

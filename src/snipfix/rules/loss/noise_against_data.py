"""A prediction of the noise compared with the clean data."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import home, only_value

__all__ = ["DRAWN", "MIXING", "NOISE", "NoiseAgainstData", "is_distance"]

NOISE = frozenset("noise eps epsilon".split())
DRAWN = frozenset("randn_like randn normal".split())
FUNCTIONS = frozenset("mse_loss l1_loss smooth_l1_loss huber_loss".split())
LOSSES = frozenset("MSELoss L1Loss SmoothL1Loss HuberLoss".split())
CODE = (
    "import torch, torch.nn as nn\nimport torch.nn.functional as F\n\nmodel, a = nn.Linear(2, 2), torch.tensor(0.7)\nx0 = torch.randn(8, 2)\n"
    "noise = torch.randn_like(x0)\nxt = a.sqrt() * x0 + (1 - a).sqrt() * noise\n{0} = model(xt)\nloss = F.mse_loss({0}, {1})\nprint(loss)\n"
)


class NoiseAgainstData(Rule):
    """A diffusion model's prediction of the noise is compared with the clean data.

    ## What it does
    Reports a loss between a prediction named after the noise and the data that this noise was added to.

    ## Why is this bad?
    The model learns to give back the data, and the sampler, which takes what it says for noise, subtracts it. The loss falls and the samples
    are nonsense.

    ## Example
    ```python
    noise = torch.randn_like(x0)
    noise_pred = model(add_noise(x0, noise, t), t)
    loss = F.mse_loss(noise_pred, x0)
    ```

    ## Use instead
    ```python
    noise = torch.randn_like(x0)
    noise_pred = model(add_noise(x0, noise, t), t)
    loss = F.mse_loss(noise_pred, noise)
    ```

    ## Fix safety
    The model learns what its name says. If it is to predict the data, the name is wrong instead.

    ## References
    - Ho et al., "Denoising Diffusion Probabilistic Models", 2020, algorithm 1.
    """

    id = "SNF428"
    name = "noise-against-data"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("noise_pred", "noise")),
        Good(CODE.format("x0_pred", "x0")),
        Good(CODE.format("denoised", "x0")),
        Good(CODE.format("noise_pred", "xt - x0")),
    )
    BAD = (
        Bad(CODE.format("noise_pred", "x0"), at=(9, 31), fixed=CODE.format("noise_pred", "noise"), runs=False),
        Bad(
            CODE.format("eps_theta", "x0").replace("F.mse_loss(", "nn.MSELoss()("),
            at=(9, 32),
            fixed=CODE.format("eps_theta", "noise").replace("F.mse_loss(", "nn.MSELoss()("),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls(*DRAWN):
            return
        for call in code.all(ast.Call):
            if len(call.args) < 2:
                continue
            prediction, target = call.args[:2]
            named = isinstance(prediction, ast.Name) and isinstance(target, ast.Name) and bool(NOISE & set(words(prediction.id)))
            if named and isinstance(prediction, ast.Name) and isinstance(target, ast.Name) and is_distance(code, call):
                noise = _added_to(code, call, target.id, prediction.id)
                if noise:
                    message = (
                        f"`{prediction.id}` is compared with `{target.id}`, the data that `{noise}` was added to, and not with the noise"
                    )
                    yield self.finding(message, code.span(target), evidence={"noise": noise})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node, noise = context.code.node_at(finding.span, ast.Name), finding.evidence.get("noise")
        if node is not None and isinstance(noise, str):
            yield self.fix("compare it with the noise", *replace_expression(context.code, node, noise))


def is_distance(code: Code, call: ast.Call) -> bool:
    if called(call) in FUNCTIONS:
        return True
    maker = call.func if isinstance(call.func, ast.Call) else only_value(code, ast.unparse(call.func)) if len(call.args) == 2 else None
    return isinstance(maker, ast.Call) and called(maker) in LOSSES


def _added_to(code: Code, call: ast.Call, data: str, prediction: str) -> str:
    """The noise that was drawn and mixed with the data in the same function; empty when there is none, or when the names say otherwise."""
    around = home(code, call)
    if NOISE & set(words(data)):
        return ""
    drawn = {
        one.targets[0].id
        for one in code.all(ast.Assign, inside=around)
        if isinstance(one.targets[0], ast.Name) and called(one.value) in DRAWN and one.targets[0].id not in (data, prediction)
    }
    for value in (one.value for one in code.all(ast.Assign, inside=around)):
        names = {one.id for one in code.all(ast.Name, inside=value)}
        mixes = any(isinstance(one.op, ast.Add) for one in code.all(ast.BinOp, inside=value)) or bool(code.calls(*MIXING, inside=value))
        if data in names and len(names & drawn) == 1 and mixes:
            return next(iter(names & drawn))
    return ""


MIXING = ("add_noise", "q_sample", "forward_diffusion", "noise_images", "forward_process", "diffuse")
"""What functions are called that add noise."""

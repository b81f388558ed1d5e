"""A denoiser that is shown the noise as its goal."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.noise_against_data import DRAWN, MIXING, NOISE, is_distance
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import home
from snipfix.rules.written import value_of

__all__ = ["NoisyTarget"]

NOISY = frozenset("noisy noised corrupted corrupt perturbed".split())
STEP = re.compile(r"[xz]_?t$", re.IGNORECASE)
"""How papers on diffusion call the data after t steps of noise."""

CODE = (
    "import torch, torch.nn as nn\n\nmodel = nn.Linear(4, 4)\nmse = nn.MSELoss()\nclean = torch.rand(8, 4)\n"
    "noisy = clean + 0.2 * torch.randn_like(clean)\nout = model({})\nloss = mse(out, {})\nprint(loss)\n"
)
DIFFUSION = (
    "import torch, torch.nn as nn\nimport torch.nn.functional as F\n\nmodel, a = nn.Linear(2, 2), torch.tensor(0.7)\nx0 = torch.randn(8, 2)\n"
    "noise = torch.randn_like(x0)\nx_t = a.sqrt() * x0 + (1 - a).sqrt() * noise\nloss = F.mse_loss(model(x_t), {})\nprint(loss)\n"
)


class Mixture(NamedTuple):
    """Data and the noise that was added to it, as written; empty where they have no name."""

    data: str
    noise: str


class NoisyTarget(Rule):
    """A denoising model is compared with the noisy data that it was given.

    ## What it does
    Reports a loss between what a model makes of noisy data and these same data, where the text adds the noise and the name says that it is there.

    ## Why is this bad?
    The best answer is to change nothing: the loss falls to zero when the model hands its input on, noise and all.

    ## Example
    ```python
    noisy = clean + 0.2 * torch.randn_like(clean)
    loss = F.mse_loss(model(noisy), noisy)
    ```

    ## Use instead
    ```python
    noisy = clean + 0.2 * torch.randn_like(clean)
    loss = F.mse_loss(model(noisy), clean)
    ```

    ## Fix safety
    The model learns something else, what its task says.

    ## References
    - Vincent et al., "Extracting and Composing Robust Features with Denoising Autoencoders", 2008: the loss compares with the clean input.
    - Ho et al., "Denoising Diffusion Probabilistic Models", 2020, algorithm 1: it compares with the noise.
    """

    id = "SNF354"
    name = "noisy-target"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("noisy", "clean")),
        Good(CODE.format("clean", "noisy")),
        Good(CODE.replace("noisy", "samples").format("samples", "samples")),
        Good(DIFFUSION.format("noise")),
        Good(DIFFUSION.format("x0")),
    )
    BAD = (
        Bad(CODE.format("noisy", "noisy"), at=(8, 17), fixed=CODE.format("noisy", "clean"), runs=False),
        Bad(DIFFUSION.format("x_t"), at=(8, 31), fixed=DIFFUSION.format("noise"), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls(*DRAWN, *MIXING):
            return
        for call in code.all(ast.Call):
            target = call.args[1] if len(call.args) > 1 else None
            if (
                isinstance(target, ast.Name)
                and _says_noisy(target.id)
                and is_distance(code, call)
                and _is_made_of(code, call.args[0], target)
            ):
                mixture = _mixture(code, target)
                if mixture is not None:
                    message = f"what the model makes of `{target.id}` is compared with `{target.id}` itself: the noise is part of the goal"
                    yield self.finding(message, code.span(target), evidence={"instead": _wanted(call.args[0], mixture)})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node, wanted = context.code.node_at(finding.span, ast.Name), finding.evidence.get("instead")
        for number, name in enumerate(wanted if isinstance(wanted, list | tuple) else ()):
            if node is not None:
                yield self.fix(f"compare it with `{name}`", *replace_expression(context.code, node, str(name)), preference=number)


def _says_noisy(name: str) -> bool:
    return bool(NOISY & set(words(name))) or STEP.match(name) is not None


def _is_made_of(code: Code, prediction: ast.expr, target: ast.Name) -> bool:
    """Whether the prediction is the result of a call that is given the target."""
    if isinstance(prediction, ast.Name):
        given = value_of(code, prediction)
        prediction = given[0] if given is not None else prediction
    return isinstance(prediction, ast.Call) and any(isinstance(one, ast.Name) and one.id == target.id for one in prediction.args)


def _mixture(code: Code, target: ast.Name) -> Mixture | None:
    """What the noisy data were made of in the same function; None where the text does not say, or the clean data are gone."""
    given = value_of(code, target)
    if given is None or given[1] is not None:
        return None
    value, around = given[0], home(code, target)
    drawn = {
        one.targets[0].id
        for one in code.all(ast.Assign, inside=around)
        if isinstance(one.targets[0], ast.Name) and called(one.value) in DRAWN
    }
    if isinstance(value, ast.Call) and called(value) in MIXING and value.args and isinstance(value.args[0], ast.Name):
        return Mixture(value.args[0].id, _first(code, value, drawn - {value.args[0].id}))
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
        return None
    data, noise = value.left, value.right
    name = _first(code, noise, drawn)
    if not (code.calls(*DRAWN, inside=noise) or name):
        return None
    scaled = isinstance(data, ast.BinOp) and isinstance(data.op, ast.Mult)
    plain = data if isinstance(data, ast.Name) else data.right if isinstance(data, ast.BinOp) and scaled else None
    if not isinstance(plain, ast.Name) or plain.id == target.id:
        return None
    return Mixture(plain.id, name if scaled and name != plain.id else "")


def _first(code: Code, value: ast.expr, names: set[str]) -> str:
    """The first of the names that the value reads; empty where it reads none."""
    return next((one.id for one in code.all(ast.Name, inside=value) if one.id in names), "")


def _wanted(prediction: ast.expr, mixture: Mixture) -> list[str]:
    """What the prediction is to be compared with, the likeliest first: scaled data are a step of diffusion, where the noise is predicted."""
    named = isinstance(prediction, ast.Name) and bool(set(words(prediction.id)) - NOISE) and mixture.data in prediction.id
    found = [mixture.data, mixture.noise] if named or not mixture.noise else [mixture.noise, mixture.data]
    return [name for name in found if name]

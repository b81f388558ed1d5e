"""Gradients clipped before there are any."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.clipping_after_step import CLIP, CLIPS, HEAD, moved_up

__all__ = ["ClippingBeforeBackward"]


class ClippingBeforeBackward(Rule):
    """Gradients are clipped before the backward pass that computes them.

    ## What it does
    Reports `clip_grad_norm_` and `clip_grad_value_` in front of the backward pass of the same loop, where the gradients are cleared between the
    last pass and the clipping, or between the clipping and the next pass.

    ## Why is this bad?
    What is clipped is empty, or is thrown away. The step is taken with the full gradients: the clipping has no effect.

    ## Example
    ```python
    optimizer.zero_grad()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    loss.backward()
    optimizer.step()
    ```

    ## Use instead
    ```python
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    ```

    ## Fix safety
    Unsafe: training changes to what the text says.

    ## References
    - torch.nn.utils.clip_grad_norm_.
    """

    id = "SNF494"
    name = "clipping-before-backward"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "    loss.backward()\n" + CLIP + "    opt.step()\n"),
        Good(HEAD.replace("    opt.zero_grad()\n", "") + CLIP + "    loss.backward()\n    opt.step()\n"),
        Good(HEAD.replace("    opt.zero_grad()\n", "") + CLIP + "    opt.step()\n    opt.zero_grad()\n    loss.backward()\n"),
        Good(HEAD + "    loss.backward()\n    (net(torch.ones(1, 3)) ** 4).sum().backward()\n" + CLIP + "    opt.step()\n"),
    )
    BAD = (
        Bad(
            HEAD + CLIP + "    loss.backward()\n    opt.step()\n",
            at=(7, 5),
            fixed=HEAD + "    loss.backward()\n" + CLIP + "    opt.step()\n",
            runs=False,
        ),
        Bad(
            HEAD.replace("    opt.zero_grad()\n", "") + CLIP + "    loss.backward()  # 反向传播\n    opt.step()\n    opt.zero_grad()\n",
            at=(6, 5),
            fixed=HEAD.replace("    opt.zero_grad()\n", "")
            + "    loss.backward()  # 反向传播\n"
            + CLIP
            + "    opt.step()\n    opt.zero_grad()\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for clip, _ in _early(context.code):
            yield self.finding("the gradients are clipped before the backward pass that computes them", context.code.span(clip))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        for clip, backward in _early(code):
            if code.span(clip) == finding.span:
                yield self.fix("clip behind the backward pass", moved_up(code, backward, clip))


def _early(code: Code) -> Iterator[tuple[ast.stmt, ast.stmt]]:
    """Each clipping statement that can have no effect, with the backward pass behind it."""
    loops = dict.fromkeys(code.parents.get(code.parents[call]) for call in code.calls(*CLIPS))
    for loop in (one for one in loops if isinstance(one, ast.For | ast.While)):
        acts = [(statement, act) for statement in loop.body for act in _acts(code, statement)]
        said = [act for _, act in acts]
        if said.count("clip") != 1 or said.count("backward") != 1 or "clear" not in said:
            continue
        at = said.index("clip")
        # Round the loop: what happened last before the clipping, and what happens first behind it.
        before = next(one for one in reversed(said[at:] + said[:at]) if one in ("clear", "backward"))
        behind = next((one for one in said[at + 1 :] + said[:at] if one in ("clear", "step")), "")
        if at < said.index("backward") and (before == "clear" or behind == "clear"):
            yield acts[at][0], acts[said.index("backward")][0]


def _acts(code: Code, statement: ast.stmt) -> Iterator[str]:
    """What a statement of a training loop does to the gradients."""
    if isinstance(statement, ast.Expr) and called(statement.value) in CLIPS:
        yield "clip"
    for name, act in (("zero_grad", "clear"), ("backward", "backward"), ("step", "step")):
        if any(not one.args or act == "backward" for one in code.calls(name, inside=statement)):
            yield act

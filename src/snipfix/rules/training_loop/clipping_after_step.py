"""Gradients clipped after the step."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import receiver, schedulers

__all__ = ["CLIP", "CLIPS", "HEAD", "ClippingAfterStep", "moved_up"]

CLIPS = frozenset({"clip_grad_norm_", "clip_grad_value_", "clip_grad_norm"})
HEAD = (
    "import torch, torch.nn as nn\nnet = nn.Linear(3, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
    "for _ in range(3):\n    opt.zero_grad()\n    loss = net(torch.ones(2, 3)).pow(2).mean()\n"
)
CLIP = "    nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n"


class ClippingAfterStep(Rule):
    """Gradients are clipped after the optimizer has used them.

    ## What it does
    Reports `clip_grad_norm_` and `clip_grad_value_` behind the `step()` of the same block when no backward pass comes between them and the
    gradients are zeroed before the next one.

    ## Why is this bad?
    The step has been taken with the full gradients, and the clipped ones are thrown away: the clipping has no effect.

    ## Example
    ```python
    loss.backward()
    optimizer.step()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    ```

    ## Use instead
    ```python
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    ```

    ## Fix safety
    Unsafe: training changes to what the text says.

    ## References
    - torch.nn.utils.clip_grad_norm_.
    """

    id = "SNF457"
    name = "clipping-after-step"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(
            "import torch, torch.nn as nn\na, b = nn.Linear(3, 3), nn.Linear(3, 1)\nfirst, second = (torch.optim.SGD(one.parameters(), lr=0.1) for one in (a, b))\n"
            "for _ in range(2):\n    first.zero_grad()\n    second.zero_grad()\n    b(a(torch.ones(2, 3))).mean().backward()\n    first.step()\n"
            "    nn.utils.clip_grad_norm_(b.parameters(), 1.0)\n    second.step()\n"
        ),
        Good(HEAD + "    loss.backward()\n" + CLIP + "    opt.step()\n"),
        Good(HEAD.replace("    opt.zero_grad()\n", "") + "    loss.backward()\n    opt.step()\n" + CLIP),
        Good(HEAD + "    loss.backward()\n    opt.step()\n    net(torch.ones(2, 3)).mean().backward()\n" + CLIP + "    opt.step()\n"),
        Good(
            HEAD
            + "    loss.backward()\n    opt.step()\n    norm = nn.utils.clip_grad_norm_(net.parameters(), float('inf'))\n    print(norm)\n"
        ),
    )
    BAD = (
        Bad(
            HEAD + "    loss.backward()\n    opt.step()\n" + CLIP + "    print(loss.item())\n",
            at=(9, 5),
            fixed=HEAD + "    loss.backward()\n" + CLIP + "    opt.step()\n    print(loss.item())\n",
            runs=False,
        ),
        Bad(
            HEAD + "    loss.backward()\n    opt.step()  # 更新\n    torch.nn.utils.clip_grad_value_(net.parameters(), 0.5)  # 裁剪\n",
            at=(9, 5),
            fixed=HEAD
            + "    loss.backward()\n    torch.nn.utils.clip_grad_value_(net.parameters(), 0.5)  # 裁剪\n    opt.step()  # 更新\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for clip, _ in _late(context.code):
            yield self.finding(
                "the gradients are clipped after the step that used them: the clipping has no effect", context.code.span(clip)
            )

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        for clip, step in _late(code):
            if code.span(clip) == finding.span and clip.lineno > (step.end_lineno or 0):
                yield self.fix("clip before the step", moved_up(code, clip, step))


def moved_up(code: Code, statement: ast.stmt, before: ast.stmt, last: ast.stmt | None = None) -> Edit:
    """A statement, and those behind it up to a last one, in front of an earlier one, as one edit: half of a move would lose a line or write it
    twice."""
    last = last or statement
    places = (before.lineno, statement.lineno, (last.end_lineno or last.lineno) + 1)
    start, begin, end = (code.offset(line, 1) for line in places)
    text = "".join(part if part.endswith("\n") else part + "\n" for part in (code.text[begin:end], code.text[start:begin]))
    return Edit(start, end, text if code.text[end - 1 : end] == "\n" else text.rstrip("\n"))


def _late(code: Code) -> Iterator[tuple[ast.stmt, ast.stmt]]:
    """Each clipping statement with the step before it."""
    loops = dict.fromkeys(code.parents.get(code.parents[call]) for call in code.calls(*CLIPS))
    for loop in (one for one in loops if isinstance(one, ast.For | ast.While)):
        step, zeroed = None, bool(code.calls("zero_grad", inside=loop))
        for statement in loop.body:
            call = statement.value if isinstance(statement, ast.Expr) else None
            if code.calls("backward", inside=statement):
                step = None
            elif isinstance(call, ast.Call) and called(call) == "step" and not call.args:
                step = step or statement
            elif call is not None and called(call) in CLIPS and step is not None and zeroed and not _still_used(code, loop, statement):
                yield statement, step


def _still_used(code: Code, loop: ast.For | ast.While, clip: ast.stmt) -> bool:
    """Whether another optimizer steps behind the clipping."""
    later = [receiver(one) for one in code.calls("step", inside=loop) if one.lineno > clip.lineno and not one.args]
    return any(name not in schedulers(code) and "sched" not in name.lower() for name in later)

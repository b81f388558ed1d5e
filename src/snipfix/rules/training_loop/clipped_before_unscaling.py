"""Gradients clipped while they still carry the scale of mixed precision."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_before
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.training_loop.loops import assigned, home, only_value, receiver

__all__ = ["ClippedBeforeUnscaling", "scalers"]

CLIPS = ("clip_grad_norm_", "clip_grad_value_", "clip_grad_norm")
HEAD = (
    "import torch, torch.nn as nn\n\nnet = nn.Linear(3, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
    'scaler = torch.amp.GradScaler("cpu")\nfor _ in range(2):\n    opt.zero_grad()\n    loss = net(torch.ones(4, 3)).pow(2).mean()\n'
    "    scaler.scale(loss).backward()\n"
)
STEP = "    scaler.step(opt)\n    scaler.update()\n"


class ClippedBeforeUnscaling(Rule):
    """Gradients are clipped while they are still multiplied by the scale of a `GradScaler`.

    ## What it does
    Reports `clip_grad_norm_` and `clip_grad_value_` between `scaler.scale(loss).backward()` and `scaler.step(optimizer)` where
    `scaler.unscale_(optimizer)` is never called.

    ## Why is this bad?
    The scale is 65536 at first: every gradient is over the limit, is clipped to it, and then divided by the scale. The steps are tens of
    thousands of times too small, and nothing says so.

    ## Example
    ```python
    scaler.scale(loss).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    ```

    ## Use instead
    ```python
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    ```

    ## Fix safety
    The training changes: it takes the steps that it was meant to.

    ## References
    - PyTorch, "Automatic Mixed Precision examples": gradient clipping.
    """

    id = "SNF488"
    name = "clipped-before-unscaling"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "    scaler.unscale_(opt)\n    nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n" + STEP),
        Good(HEAD.replace('("cpu")', '("cpu", enabled=False)') + "    nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n" + STEP),
        Good(
            HEAD.replace("scaler =", "use_amp = False\nscaler =").replace('("cpu")', '("cpu", enabled=use_amp)')
            + "    nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n"
            + STEP
        ),
        Good(HEAD + STEP + "def plain(net):\n    nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n"),
    )
    BAD = (
        Bad(
            HEAD + "    nn.utils.clip_grad_norm_(net.parameters(), 1.0)  # 裁剪\n" + STEP,
            at=(10, 5),
            fixed=HEAD + "    scaler.unscale_(opt)\n    nn.utils.clip_grad_norm_(net.parameters(), 1.0)  # 裁剪\n" + STEP,
            runs=False,
        ),
        Bad(
            HEAD.replace('("cpu")', '("cpu", enabled=torch.cuda.is_available())')
            + "    nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n"
            + STEP,
            at=(10, 5),
            fixed=HEAD.replace('("cpu")', '("cpu", enabled=torch.cuda.is_available())')
            + "    scaler.unscale_(opt)\n    nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n"
            + STEP,
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        clips = code.calls(*CLIPS)
        if not clips or code.calls("unscale_"):
            return
        known = scalers(code)
        for step in code.calls("step"):
            if receiver(step) not in known or not step.args:
                continue
            for clip in clips:
                scaled = [one for one in code.calls("scale") if receiver(one) == receiver(step) and home(code, one) is home(code, clip)]
                if home(code, clip) is home(code, step) and any(one.lineno < clip.lineno for one in scaled) and clip.lineno < step.lineno:
                    message = f"the gradients still carry the scale of `{receiver(step)}` when they are clipped: `unscale_` comes first"
                    evidence = {"unscale": f"{receiver(step)}.unscale_({ast.unparse(step.args[0])})"}
                    yield self.finding(message, code.span(clip), evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        statement = None if node is None else statement_of(context.code, node)
        text = finding.evidence.get("unscale")
        if statement is not None and isinstance(text, str):
            yield self.fix("take the scale off first", *insert_statement_before(context.code, statement.lineno, text))


def scalers(code: Code) -> set[str]:
    """Names bound to a GradScaler that scales, in this text or in a block of the document before it."""
    here = {name for name, call in assigned(code, frozenset({"GradScaler"})) if not _is_off(code, call)}
    return here.union(*(scalers(one) - set(code.assigned) for one in code.earlier))


def _is_off(code: Code, call: ast.Call) -> bool:
    """Whether a scaler never does anything: what depends on the machine or on an argument will do something somewhere."""
    given = next((one.value for one in call.keywords if one.arg == "enabled"), None)
    if isinstance(given, ast.Name):
        given = only_value(code, given.id)
    return isinstance(given, ast.Constant) and not given.value

"""A learning-rate schedule counted in epochs and stepped in batches, or the other way round."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import insert_statement_after
from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import loops_around, optimizers, receiver, schedulers, steps_in, walked

__all__ = ["SchedulerAtAnotherPace"]

HEAD = (
    "import torch, torch.nn as nn\n\nepochs, batches = 3, [torch.randn(8, 3) for _ in range(4)]\nnet = nn.Linear(3, 1)\n"
    "opt = torch.optim.SGD(net.parameters(), lr=0.1)\nsched = torch.optim.lr_scheduler.{}\n"
    "for epoch in range(epochs):\n    for x in batches:\n        opt.zero_grad()\n        net(x).pow(2).mean().backward()\n        opt.step()\n"
)
COSINE = "CosineAnnealingLR(opt, T_max=epochs)"
CYCLE = "OneCycleLR(opt, max_lr=0.1, epochs=epochs, steps_per_epoch=len(batches))"


class SchedulerAtAnotherPace(Rule):
    """A learning-rate schedule is stepped at another pace than the one it was made for.

    ## What it does
    Reports `CosineAnnealingLR(optimizer, T_max=epochs)` that steps in the loop over batches inside `for epoch in range(epochs)`, and a
    `OneCycleLR` with `steps_per_epoch` that steps once an epoch.

    ## Why is this bad?
    The cosine swings up and down many times instead of falling once; the cycle never leaves its start. The learning rate is another one than
    the text says.

    ## Example
    ```python
    scheduler = CosineAnnealingLR(optimizer, T_max=epochs)
    for epoch in range(epochs):
        for x, y in loader:
            train(x, y)
            scheduler.step()
    ```

    ## Use instead
    ```python
    scheduler = CosineAnnealingLR(optimizer, T_max=epochs)
    for epoch in range(epochs):
        for x, y in loader:
            train(x, y)
        scheduler.step()
    ```

    ## Fix safety
    The training changes: its learning rate follows the schedule as it was made.

    ## References
    - torch.optim.lr_scheduler.CosineAnnealingLR and OneCycleLR.
    """

    id = "SNF483"
    name = "scheduler-at-another-pace"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD.format(COSINE) + "    sched.step()\n"),
        Good(HEAD.format(CYCLE) + "        sched.step()\n"),
        Good(HEAD.format(COSINE.replace("=epochs", "=epochs * len(batches)")) + "        sched.step()\n"),
        Good(HEAD.format("CosineAnnealingLR(opt, T_max=10)") + "        sched.step()\n"),
    )
    BAD = (
        Bad(
            HEAD.format(COSINE) + "        sched.step()  # 学习率\n        print(x.shape)\n",
            at=(12, 9),
            fixed=HEAD.format(COSINE) + "        print(x.shape)\n    sched.step()  # 学习率\n",
            runs=False,
        ),
        Bad(HEAD.format(CYCLE) + "    sched.step()\n", at=(12, 5), fixed=HEAD.format(CYCLE) + "        sched.step()\n", runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for name, maker in schedulers(code).items():
            for step in (one for one in code.calls("step") if receiver(one) == name):
                if (message := _pace(code, name, maker, loops_around(code, step))) is not None:
                    yield self.finding(message, code.span(step), evidence={"scheduler": called(maker)})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        step = code.node_at(finding.span, ast.Call)
        loops = loops_around(code, step) if step is not None else []
        statement = None if step is None else statement_of(code, step)
        if not loops or statement is None or statement not in loops[0].body or statement.lineno != statement.end_lineno:
            return
        line = statement.lineno
        taken = Edit(code.offset(line, 1), code.offset(line + 1, 1), "")
        text = code.lines[line - 1].strip()
        if finding.evidence.get("scheduler") == "CosineAnnealingLR":
            indent = " " * loops[0].col_offset
            at = code.offset((loops[0].end_lineno or line) + 1, 1)
            moved = f"{indent}{text}\n" if at == 0 or code.text[at - 1] == "\n" else f"\n{indent}{text}"
            if len(loops[0].body) > 1:
                yield self.fix("step once an epoch", taken, Edit(at, at, moved))
            return
        inner = [one for one in code.calls("step", inside=loops[0]) if receiver(one) in optimizers(code)]
        if inner and (last := statement_of(code, inner[-1])) is not None and last.lineno < line:
            yield self.fix("step after every batch", taken, *insert_statement_after(code, last.lineno, text))


def _pace(code: Code, name: str, maker: ast.Call, loops: list[ast.For | ast.While]) -> str | None:
    """What is wrong with the loops that a scheduler steps in; None when nothing certainly is."""
    given = {one.arg: ast.unparse(one.value) for one in maker.keywords}
    if called(maker) == "CosineAnnealingLR" and len(loops) == 2:
        period = given.get("T_max") or (ast.unparse(maker.args[1]) if len(maker.args) > 1 else "")
        if _rounds(loops[1]) == period != "" and _trains(code, loops[0]):
            return f"`{name}` was made for {period} epochs, and steps after every batch: the learning rate swings up and down"
    if called(maker) == "OneCycleLR" and len(loops) == 1 and "steps_per_epoch" in given and given.get("epochs") == _rounds(loops[0]):
        inner = [one for one in [*code.all(ast.For, inside=loops[0]), *code.all(ast.While, inside=loops[0])] if one is not loops[0]]
        if any(_trains(code, one) for one in inner):
            return f"`{name}` was made to step after each batch, and steps once an epoch: it never leaves its start"
    return None


def _rounds(loop: ast.AST) -> str:
    """`epochs` for `for epoch in range(epochs)`."""
    over = walked(loop)
    if not isinstance(over, ast.Call) or called(over) != "range":
        return ""
    start = ast.unparse(over.args[0]) if over.args else ""
    return start if len(over.args) == 1 else ast.unparse(over.args[1]) if start == "0" and len(over.args) == 2 else ""


def _trains(code: Code, loop: ast.AST) -> bool:
    return bool(steps_in(loop, set(optimizers(code))))

"""A one-cycle schedule is stepped more often than it was made for."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

from snipfix.codemods import joined, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import loops_around, receiver, schedulers, walked
from snipfix.rules.widths import argument_of

__all__ = ["ScheduleTooShort"]

HEAD = (
    "import torch, torch.nn as nn\nnet = nn.Linear(3, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\nepochs = 2\n"
    "batches = [torch.ones(4, 3)] * 3\nsched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=1.0, {})\n"
    "for epoch in range(epochs):\n    for x in batches:\n        opt.zero_grad()\n        net(x).mean().backward()\n        opt.step()\n"
)


class ScheduleTooShort(CrashRule):
    """A one-cycle schedule is stepped more often than it was made for.

    ## What it does
    Explains a `OneCycleLR` that is stepped beyond its last step.

    ## Why is this bad?
    The program stops in the middle of the training. The schedule counts the batches of all epochs; usually it was given the number of epochs.

    ## Example
    ```python
    scheduler = OneCycleLR(optimizer, max_lr=0.1, total_steps=epochs)
    for epoch in range(epochs):
        for x, y in loader:
            train(x, y)
            scheduler.step()
    ```

    ## Use instead
    ```python
    scheduler = OneCycleLR(optimizer, max_lr=0.1, total_steps=epochs * len(loader))
    ```

    ## Fix safety
    The learning rate rises and falls over the whole training, as the name of the schedule says.

    ## References
    - torch.optim.lr_scheduler.OneCycleLR
    """

    id = "SNF375"
    name = "schedule-too-short"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    TYPES = ("ValueError",)
    MESSAGES = (r"Tried to step (\d+) times. The (?:specified number of total|total number of) steps is (\d+)",)
    GOOD = (
        Good(HEAD.format("epochs=epochs, steps_per_epoch=len(batches)") + "        sched.step()\n"),
        Good(HEAD.format("total_steps=epochs") + "    sched.step()\n"),
    )
    BAD = (
        Bad(
            HEAD.format("total_steps=epochs") + "        sched.step()  # 每批一步\n",
            at=(12, 9),
            fixed=HEAD.format("total_steps=epochs * len(batches)") + "        sched.step()  # 每批一步\n",
        ),
        Bad(
            HEAD.format("epochs=epochs, steps_per_epoch=1") + "        sched.step()\n",
            at=(12, 9),
            fixed=HEAD.format("epochs=epochs, steps_per_epoch=len(batches)") + "        sched.step()\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return f"the schedule was made for {crash.found[1]} steps, and this is step {crash.found[0]}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        step = crash.node if isinstance(crash.node, ast.Call) else None
        maker = schedulers(crash.code).get(receiver(step)) if step is not None else None
        if step is None or maker is None or called(maker) != "OneCycleLR":
            return
        counts = [_count(crash, loop) for loop in reversed(loops_around(crash.code, step))]
        if not counts or "" in counts:
            return
        total, epochs, each = (
            argument_of(maker, 2, "total_steps"),
            argument_of(maker, 3, "epochs"),
            argument_of(maker, 4, "steps_per_epoch"),
        )
        title = "Make the schedule for all the steps"
        if total is not None and crash.text(total) != "None":
            yield Offer(title, replace_expression(crash.code, total, " * ".join(counts)))
        elif epochs is not None and each is not None and len(counts) == 2:
            pairs = [(given, text) for given, text in zip((epochs, each), counts, strict=True) if crash.text(given) != text]
            yield Offer(title, joined(*(replace_expression(crash.code, given, text) for given, text in pairs)))
        elif epochs is not None and each is not None:
            yield Offer(title, joined(replace_expression(crash.code, epochs, counts[0]), replace_expression(crash.code, each, "1")))


def _count(crash: Crash, loop: ast.For | ast.While) -> str:
    """How often a loop runs, as text: `epochs`, `len(loader)`; empty where the text does not say."""
    over = walked(loop)
    if isinstance(over, ast.Call) and called(over) == "range":
        sizes = [crash.text(one) for one in over.args]
        if len(sizes) == 1:
            return sizes[0]
        if len(sizes) == 2 and all(size.isdecimal() for size in sizes):
            return str(max(0, math.floor(int(sizes[1]) - int(sizes[0]))))
        return sizes[1] if len(sizes) == 2 and sizes[0] == "0" else f"({sizes[1]} - {sizes[0]})" if len(sizes) == 2 else ""
    return f"len({crash.text(over)})" if isinstance(over, ast.Name | ast.Attribute) else ""

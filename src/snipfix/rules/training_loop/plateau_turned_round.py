"""A plateau scheduler that waits for an accuracy to fall."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import written
from snipfix.codemods import add_keyword, replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import words
from snipfix.rules.training_loop.loops import assigned, receiver

__all__ = ["PlateauTurnedRound"]

RISING = frozenset("acc accuracy f1 auc iou miou dice bleu recall precision".split())
FALLING = frozenset("loss losses error err mse mae rmse perplexity ppl".split())
CODE = (
    "import torch\n\nnet = torch.nn.Linear(2, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
    "sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt{}, patience=1)\nfor epoch in range(2):\n    val_acc, val_loss = 0.5, 0.7\n    opt.step()\n    sched.step({})\n"
)


class PlateauTurnedRound(Rule):
    """`ReduceLROnPlateau` waits for an accuracy to fall, or for a loss to rise.

    ## What it does
    Reports a `ReduceLROnPlateau` of mode "min", the default, that is stepped with a value named like an accuracy or another score, and one of
    mode "max" that is stepped with a loss.

    ## Why is this bad?
    Every epoch in which the model gets better counts as one without progress: the learning rate is cut just while training goes well.

    ## Example
    ```python
    scheduler = ReduceLROnPlateau(optimizer, patience=3)
    scheduler.step(val_accuracy)
    ```

    ## Use instead
    ```python
    scheduler = ReduceLROnPlateau(optimizer, mode="max", patience=3)
    scheduler.step(val_accuracy)
    ```

    ## Fix safety
    The training changes: its learning rate falls when the score no longer rises.

    ## References
    - torch.optim.lr_scheduler.ReduceLROnPlateau.
    """

    id = "SNF420"
    name = "plateau-turned-round"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("", "val_loss")),
        Good(CODE.format(', "max"', "val_acc")),
        Good(CODE.format("", "-val_acc")),
        Good(CODE.format("", "1 - val_acc")),
    )
    BAD = (
        Bad(
            CODE.format("", "val_acc"),
            at=(9, 5),
            fixed=CODE.format("", "val_acc").replace("patience=1", 'patience=1, mode="max"'),
            runs=False,
        ),
        Bad(CODE.format(', mode="max"', "val_loss"), at=(9, 5), fixed=CODE.format(', mode="min"', "val_loss"), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for step, _, mode in _turned(context):
            given = written(step.args[0])
            yield self.finding(f"`{receiver(step)}` waits for a {mode}imum, and `{given}` is to go the other way", context.code.span(step))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        for step, made, mode in _turned(context):
            if code.span(step) == finding.span:
                right, given = '"max"' if mode == "min" else '"min"', _mode(made)
                edits = replace_expression(code, given, right) if given is not None else add_keyword(code, made, "mode", right)
                yield self.fix(f"make it mode={right}", *edits)


def _turned(context: Context) -> Iterator[tuple[ast.Call, ast.Call, str]]:
    """The steps of plateau schedulers with a value that goes the other way, each with the call that made it and its mode."""
    code = context.code
    made = dict(assigned(code, frozenset({"ReduceLROnPlateau"})))
    for step in code.calls("step") if made else ():
        maker = made.get(receiver(step))
        given = step.args[0] if len(step.args) == 1 else None
        if maker is None or not isinstance(given, ast.Name | ast.Attribute):
            continue
        found = set(words(given.id if isinstance(given, ast.Name) else given.attr))
        value = _mode(maker)
        mode = "min" if value is None else value.value if isinstance(value, ast.Constant) else ""
        wrong = RISING if mode == "min" else FALLING if mode == "max" else frozenset()
        if found & wrong and not found & (FALLING if mode == "min" else RISING):
            yield step, maker, str(mode)


def _mode(maker: ast.Call) -> ast.expr | None:
    return next((one.value for one in maker.keywords if one.arg == "mode"), maker.args[1] if len(maker.args) > 1 else None)

"""A layer that replaces another one after the optimizer was given the parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import insert_statement_after, joined, remove_statement
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import OPTIMIZERS, assigned, home, receiver

__all__ = ["LayerSwappedAfterOptimizer", "swaps"]

LAYERS = frozenset(
    "Linear LazyLinear Bilinear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d Embedding LSTM GRU RNN LayerNorm BatchNorm1d "
    "BatchNorm2d MultiheadAttention TransformerEncoder".split()
)
"""Layers with parameters."""
CODE = (
    "import torch, torch.nn as nn\n\nmodel = nn.Sequential()\nmodel.body, model.fc = nn.Linear(4, 8), nn.Linear(8, 9)\n{}"
    "x, y = torch.randn(6, 4), torch.randint(0, 3, (6,))\nfor _ in range(2):\n    opt.zero_grad()\n"
    "    nn.functional.cross_entropy(model(x), y).backward()\n    opt.step()\n"
)
MADE, SWAP = "opt = torch.optim.Adam(model.parameters(), lr=0.01)\n", "model.fc = nn.Linear(8, 3)  # 新的分类层\n"
STEPPER = "sched = torch.optim.lr_scheduler.StepLR(opt, 1)\n"

KEPT = (
    "import torch, torch.nn as nn\n\nclass Tuner:\n    def __init__(self, net):\n        self.net = net\n{}\n    def fit(self, x, y):\n"
    "        self.opt.zero_grad()\n        nn.functional.cross_entropy(self.net(x), y).backward()\n        self.opt.step()\n"
)


class LayerSwappedAfterOptimizer(Rule):
    """A layer is replaced after the optimizer was given the model's parameters: the new one is never trained.

    ## What it does
    Reports a layer of a model that is assigned anew between `optimizer = Adam(model.parameters())` and the steps of this optimizer, which is
    neither made again nor given the new parameters.

    ## Why is this bad?
    The optimizer holds the parameters that the model had when it was made. It goes on stepping the weights of a layer that is gone; the new
    layer gets gradients and keeps its random start values.

    ## Example
    ```python
    optimizer = torch.optim.Adam(model.parameters())
    model.fc = nn.Linear(512, 10)
    ```

    ## Use instead
    ```python
    model.fc = nn.Linear(512, 10)
    optimizer = torch.optim.Adam(model.parameters())
    ```

    ## Fix safety
    Unsafe only in name: the new layer is trained.

    ## References
    - torch.optim: parameters are collected when the optimizer is constructed.
    """

    id = "SNF450"
    name = "layer-swapped-after-optimizer"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format(SWAP + MADE)),
        Good(CODE.format(MADE + SWAP + "opt.add_param_group({'params': model.fc.parameters()})\n")),
        Good(CODE.format(MADE + SWAP + MADE)),
        Good(CODE.format(MADE + "model.head = nn.Identity()\n")),
    )
    BAD = (
        Bad(
            KEPT.format("        self.opt = torch.optim.SGD(self.net.parameters(), lr=0.1)\n        self.net.fc = nn.Linear(4, 2)\n"),
            at=(7, 9),
            fixed=KEPT.format("        self.net.fc = nn.Linear(4, 2)\n        self.opt = torch.optim.SGD(self.net.parameters(), lr=0.1)\n"),
            runs=False,
        ),
        Bad(CODE.format(MADE + SWAP), at=(6, 1), fixed=CODE.format(SWAP + MADE), runs=False),
        Bad(CODE.format(MADE + STEPPER + SWAP), at=(7, 1), fixed=CODE.format(SWAP + MADE + STEPPER), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for optimizer, _, swap in swaps(code):
            target = written(swap.targets[0])
            message = f"`{target}` is replaced after `{optimizer}` was given the parameters: the new layer is never trained"
            yield self.finding(message, code.span(swap.targets[0]), evidence={"optimizer": optimizer})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        found = [one for one in swaps(code) if one[0] == finding.evidence.get("optimizer")]
        if not found:
            return
        name, made, last = found[-1]
        following = _following(code, name, made, last)
        if following is not None:
            edits = insert_statement_after(code, last.lineno, "\n".join(_lines(code, one) for one in (made, *following)))
            for one in (made, *following):
                edits = joined(edits, remove_statement(code, one.lineno))
            yield self.fix("make the optimizer when the model is complete", *edits)


def _following(code: Code, name: str, made: ast.stmt, last: ast.stmt) -> list[ast.stmt] | None:
    """The statements between that need the optimizer, a scheduler say; None where others need what these give."""
    body = [
        one
        for one in ast.iter_child_nodes(code.parents[made])
        if isinstance(one, ast.stmt) and (made.end_lineno or 0) < one.lineno < last.lineno
    ]
    moved = [one for one in body if any(made.lineno < use.lineno and use in set(ast.walk(one)) for use in code.mentions(name))]
    given = {inner.id for one in moved for inner in ast.walk(one) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
    read = {inner.id for one in body if one not in moved for inner in ast.walk(one) if isinstance(inner, ast.Name)}
    simple = all(isinstance(one, ast.Assign | ast.Expr) for one in moved)
    return moved if simple and not given & read else None


def swaps(code: Code) -> Iterator[tuple[str, ast.Assign, ast.Assign]]:
    """The optimizers that step later, each with the statement that made it and a statement that replaces a layer of its model behind that."""
    if code.calls("add_param_group") or not code.calls("step"):
        return
    optimizers = list(assigned(code, OPTIMIZERS))
    own = (
        set()
        if not optimizers
        else {one.name for one in code.all(ast.ClassDef) if any(written(base).endswith("Module") for base in one.bases)}
    )
    for name, call in optimizers:
        made = statement_of(code, call)
        collected = next((one for one in code.calls("parameters", inside=call)), None)
        model = receiver(collected) if collected is not None and len(code.calls("parameters", inside=call)) == 1 else ""
        if not model or not isinstance(made, ast.Assign):
            continue
        for swap in code.all(ast.Assign):
            together = code.parents.get(swap) is code.parents.get(made) and swap.lineno > made.lineno
            if together and _part_of(swap.targets[0], model) and _has_parameters(code, swap.value, own) and _used_after(code, name, swap):
                yield name, made, swap


def _part_of(target: ast.expr, model: str) -> bool:
    """Whether a target is a layer of the model, `model.fc` or `model.classifier[6]`; not the model itself."""
    return isinstance(target, ast.Attribute | ast.Subscript) and written(target).startswith((f"{model}.", f"{model}["))


def _has_parameters(code: Code, value: ast.expr, own: set[str]) -> bool:
    made = called(value)
    if made in LAYERS or made in own:
        return True
    return made == "Sequential" and bool(code.calls(*LAYERS, inside=value))


def _used_after(code: Code, name: str, swap: ast.Assign) -> bool:
    """Whether an optimizer goes on being used after a layer was replaced, and is not made again."""
    kept = name.startswith("self.")  # in the methods that follow
    later = [one for one in code.mentions(name) if one.lineno > swap.lineno and (kept or home(code, one) is home(code, swap))]
    again = any(isinstance(one.ctx, ast.Store) for one in later)
    return bool(later) and not again and bool(code.calls("step")) and bool(code.calls("backward"))


def _lines(code: Code, statement: ast.stmt) -> str:
    """A statement with the comment behind it, without its indentation."""
    lines = code.lines[statement.lineno - 1 : statement.end_lineno]
    return "\n".join([lines[0].lstrip(), *lines[1:]])

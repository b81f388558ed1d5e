"""A sum over batches divided by the number of samples, or a sum over samples divided by the number of batches."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix, Meaning
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home, loops_around, only_value, receiver, walked

__all__ = ["AverageOverAnotherCount"]

FUNCTIONS = frozenset(
    "cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits mse_loss l1_loss smooth_l1_loss huber_loss".split()
)
SUMMED = frozenset({"reduction", "size_average", "reduce"})
HEAD = (
    "import torch, torch.nn as nn\nfrom torch.utils.data import DataLoader, TensorDataset\n\n"
    "data = TensorDataset(torch.randn(40, 3), torch.randint(0, 2, (40,)))\nloader = DataLoader(data, batch_size=8)\n"
    "net, criterion = nn.Linear(3, 2), nn.CrossEntropyLoss()\ntotal, correct = 0.0, 0\nfor x, y in loader:\n    scores = net(x)\n"
    "    loss = criterion(scores, y)\n"
)
CORRECT = "    correct += (scores.argmax(1) == y).sum().item()\n"


class Sum(NamedTuple):
    """What a running total adds up in a loop over a loader."""

    name: str
    loader: str
    counts: bool
    """It counts samples; else it adds up means over batches."""
    statement: ast.AugAssign


class AverageOverAnotherCount(Rule):
    """A sum of batch means is divided by the number of samples, or a count of samples by the number of batches.

    ## What it does
    Reports a running total of `loss.item()`, the loss being a mean over the batch, that is divided by `len(loader.dataset)`; and a running
    number of right answers that is divided by `len(loader)`. Loaders of single samples are left alone.

    ## Why is this bad?
    The printed loss is too small by the batch size, and changes when the batch size does; the printed accuracy is too large by it.

    ## Example
    ```python
    for x, y in loader:
        total += criterion(model(x), y).item()
    print(total / len(loader.dataset))
    ```

    ## Use instead
    ```python
    for x, y in loader:
        total += criterion(model(x), y).item()
    print(total / len(loader))
    ```

    ## Fix safety
    The printed numbers change. With a smaller last batch, the mean of means is not quite the mean over samples.

    ## References
    - torch.nn.CrossEntropyLoss: `reduction='mean'`.
    """

    id = "SNF489"
    name = "average-over-another-count"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "    total += loss.item() * len(x)\n" + CORRECT + "print(total / len(loader.dataset), correct / len(data))\n"),
        Good(
            HEAD
            + "    total += loss.item()\n    correct += (scores.argmax(1) == y).float().mean()\nprint(total / len(loader), correct / len(loader))\n"
        ),
        Good(HEAD.replace("Loss()", 'Loss(reduction="sum")') + "    total += loss.item()\nprint(total / len(loader.dataset))\n"),
        Good(
            HEAD.replace(", batch_size=8", "")
            + "    total += loss.item()\n"
            + CORRECT
            + "print(total / len(data), correct / len(loader))\n"
        ),
        Good(HEAD + "    total += loss.item()\nprint(total / len(data) * loader.batch_size)\n"),
    )
    BAD = (
        Bad(
            HEAD + "    total += loss.item()\nprint(f'loss {total / len(loader.dataset):.4f}')  # 平均\n",
            at=(12, 23),
            fixed=HEAD + "    total += loss.item()\nprint(f'loss {total / len(loader):.4f}')  # 平均\n",
            runs=False,
        ),
        Bad(
            HEAD + CORRECT + "correct /= len(loader)\nprint(correct)\n",
            at=(12, 12),
            fixed=HEAD + CORRECT + "correct /= len(loader.dataset)\nprint(correct)\n",
            runs=False,
        ),
        Bad(
            HEAD + CORRECT + "n = len(loader)\naccuracy = 100 * correct / n\nprint(accuracy)\n",
            at=(13, 28),
            fixed=HEAD + CORRECT + "n = len(loader)\naccuracy = 100 * correct / len(loader.dataset)\nprint(accuracy)\n",
            runs=False,
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for total in _sums(code):
            for divisor in _divisors(code, total):
                of_samples = _counts_samples(code, divisor, total.loader)
                if of_samples is None or of_samples == total.counts:
                    continue
                if total.counts:
                    message = f"`{total.name}` counts samples, and is divided by the number of batches: it comes out too large"
                else:
                    message = f"`{total.name}` adds up means over batches, and is divided by the number of samples: it comes out too small"
                length = f"len({total.loader}.dataset)" if total.counts else f"len({total.loader})"
                yield self.finding(message, code.span(divisor), evidence={"instead": length})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.expr)
        instead = finding.evidence.get("instead")
        if node is not None and isinstance(instead, str):
            edits = replace_expression(context.code, node, instead)
            yield self.fix("divide by what was added up", *edits, meaning=Meaning.RESTORES)


def _sums(code: Code) -> list[Sum]:
    """The running totals of one kind each."""
    found: dict[str, Sum | None] = {}
    for statement in code.all(ast.AugAssign):
        name = ast.unparse(statement.target)
        loop = next(iter(loops_around(code, statement)), None)
        over = None if loop is None else walked(loop)
        if not isinstance(statement.op, ast.Add) or loop is None or over is None or not _in_batches(code, over):
            continue
        counts = _is_count(statement.value)
        known = counts or _is_mean(code, statement.value, loop)
        one = Sum(name, ast.unparse(over), counts, statement) if known else None
        before = found.get(name, one)
        found[name] = one if one and before and before.counts == one.counts else None
    return [one for one in found.values() if one is not None]


def _in_batches(code: Code, over: ast.expr) -> bool:
    """Whether a loader of batches is walked: one made here with a batch size, or one that comes from elsewhere and is named so."""
    if not isinstance(over, ast.Name | ast.Attribute):
        return False
    maker = only_value(code, ast.unparse(over))
    if isinstance(maker, ast.Call) and called(maker) == "DataLoader":
        size = next((one.value for one in maker.keywords if one.arg == "batch_size"), maker.args[1] if len(maker.args) > 1 else None)
        return size is not None and not (isinstance(size, ast.Constant) and size.value in (1, None))
    name = (over.id if isinstance(over, ast.Name) else over.attr).lower()
    made_here = any(ast.unparse(target) == ast.unparse(over) for node in code.all(ast.Assign) for target in node.targets)
    return not made_here and name.endswith(("loader", "_dl"))


def _is_count(value: ast.expr) -> bool:
    """`(scores.argmax(1) == y).sum().item()`, `torch.sum(a == b)`, `a.eq(b).sum()`."""
    while isinstance(value, ast.Call) and called(value) in ("item", "float", "int", "cpu", "detach"):
        inner = value.func.value if isinstance(value.func, ast.Attribute) else value.args[0] if value.args else None
        if inner is None:
            return False
        value = inner
    if not isinstance(value, ast.Call) or called(value) != "sum" or not isinstance(value.func, ast.Attribute):
        return False
    inner = value.args[0] if receiver(value) == "torch" and value.args else value.func.value
    while isinstance(inner, ast.Call) and called(inner) in ("float", "type", "double", "long", "int", "cpu"):
        if not isinstance(inner.func, ast.Attribute):
            return False
        inner = inner.func.value
    return isinstance(inner, ast.Compare) or (isinstance(inner, ast.Call) and called(inner) == "eq")


def _is_mean(code: Code, value: ast.expr, loop: ast.AST) -> bool:
    """`loss.item()` where the loop sets `loss` to what a loss function gives that takes the mean over the batch."""
    while isinstance(value, ast.Call) and called(value) in ("item", "float", "detach", "cpu"):
        inner = value.func.value if isinstance(value.func, ast.Attribute) else value.args[0] if value.args else None
        if inner is None:
            return False
        value = inner
    if isinstance(value, ast.Name):
        given = [one.value for one in code.all(ast.Assign, inside=loop) if ast.unparse(one.targets[0]) == value.id]
        value = given[0] if len(given) == 1 else value
    if not isinstance(value, ast.Call) or SUMMED & {str(one.arg) for one in value.keywords}:
        return False
    if called(value) in FUNCTIONS:
        return True
    maker = _maker(code, value.func)
    return isinstance(maker, ast.Call) and called(maker).endswith("Loss") and not SUMMED & {str(one.arg) for one in maker.keywords} and (
        "nn" in receiver(maker).split(".") or receiver(maker) == ""
    ) and not any(one.name == called(maker) for one in code.all(ast.ClassDef))  # fmt: skip


def _maker(code: Code, function: ast.expr) -> ast.expr | None:
    """What builds the criterion that is called, also where several names are assigned at once."""
    written = ast.unparse(function)
    pairs = [
        (name, given)
        for node in code.all(ast.Assign)
        for target in node.targets
        for name, given in (
            zip(target.elts, node.value.elts, strict=False)
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            else [(target, node.value)]
        )
    ]
    values = [given for name, given in pairs if ast.unparse(name) == written]
    return values[0] if len(values) == 1 else None


def _divisors(code: Code, total: Sum) -> Iterator[ast.expr]:
    """What the total, perhaps times a constant, is divided by in the same function behind its loop, unless that is scaled again."""
    for node in code.all(ast.BinOp):
        if not isinstance(node.op, ast.Div) or node.lineno <= total.statement.lineno or home(code, node) is not home(code, total.statement):
            continue
        left = node.left
        if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
            left = left.right if isinstance(left.left, ast.Constant) else left.left if isinstance(left.right, ast.Constant) else left
        up = code.parents.get(node)
        scaled = isinstance(up, ast.BinOp) and not any(isinstance(side, ast.Constant) for side in (up.left, up.right))
        if ast.unparse(left) == total.name and not scaled:
            yield node.right
    for statement in code.all(ast.AugAssign):
        after = statement.lineno > total.statement.lineno and home(code, statement) is home(code, total.statement)
        if after and isinstance(statement.op, ast.Div) and ast.unparse(statement.target) == total.name:
            yield statement.value


def _counts_samples(code: Code, divisor: ast.expr, loader: str) -> bool | None:
    """Whether a number is that of the samples of a loader (True) or of its batches (False); None when it is neither."""
    if isinstance(divisor, ast.Name):
        divisor = only_value(code, divisor.id) or divisor
    if not isinstance(divisor, ast.Call) or called(divisor) != "len" or len(divisor.args) != 1:
        return None
    of = ast.unparse(divisor.args[0])
    if of == loader:
        return False
    maker = only_value(code, loader)
    data = ast.unparse(maker.args[0]) if isinstance(maker, ast.Call) and called(maker) == "DataLoader" and maker.args else None
    return True if of in (f"{loader}.dataset", data) else None

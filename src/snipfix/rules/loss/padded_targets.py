"""A loss over padded targets that counts the padding."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from snipfix.code import Code
from snipfix.codemods import add_keyword, replace_argument
from snipfix.model import Applicability, Category, Finding, Fix, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home
from snipfix.rules.values import literal
from snipfix.rules.widths import argument_of
from snipfix.rules.written import built, losses, reshaped, value_of, whole_value

__all__ = ["PaddedTargets"]

CLASSES, FUNCTIONS = frozenset({"CrossEntropyLoss", "NLLLoss"}), frozenset({"cross_entropy", "nll_loss"})
IGNORED = -100
"""What these losses leave out unless they are told another `ignore_index`."""

CODE = """\
import torch, torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
tags = [torch.tensor([1, 2, 0]), torch.tensor([2])]
y = pad_sequence(tags, batch_first=True{})
scores = torch.randn(2, 3, 4)
criterion = nn.CrossEntropyLoss({})
print(criterion(scores.view(-1, 4), {}))
"""
LOADED = """\
import torch, torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

def collate(batch):
    words = pad_sequence([a for a, _ in batch], batch_first=True)
    tags = pad_sequence([b for _, b in batch], batch_first=True{})
    return words, tags

data = [(torch.tensor([1, 2]), torch.tensor([0, 1])), (torch.tensor([3]), torch.tensor([1]))]
for words, tags in DataLoader(data, batch_size=2, collate_fn=collate):
    print(nn.functional.cross_entropy(torch.randn(2, 3, 2), tags))
"""


class PaddedTargets(Rule):
    """The targets are padded to one length, and the loss counts the padding as classes to predict.

    ## What it does
    Reports a cross-entropy or negative log-likelihood whose target is what `pad_sequence` gave, here or in the `collate_fn` of the loader, padded
    with a class number that the loss is not told to ignore. A loss with `reduction` or `weight` is left to its author.

    ## Why is this bad?
    Short sequences teach the model to predict the padding, and where the padding is also a class, as 0 is, to prefer that class. The loss
    looks smaller than it is.

    ## Example
    ```python
    y = pad_sequence(tags, batch_first=True)
    loss = F.cross_entropy(scores.transpose(1, 2), y)
    ```

    ## Use instead
    ```python
    y = pad_sequence(tags, batch_first=True, padding_value=-100)
    loss = F.cross_entropy(scores.transpose(1, 2), y)
    ```

    ## Fix safety
    The loss changes. -100 is what these losses ignore by themselves; where the targets are read for something else too, the loss is told instead
    to ignore what they are padded with.

    ## References
    - torch.nn.CrossEntropyLoss: `ignore_index`, default -100; torch.nn.utils.rnn.pad_sequence: `padding_value`, default 0.
    """

    id = "SNF421"
    name = "padded-targets"
    category = Category.LOSS
    severity = Severity.WARNING
    applicability = Applicability.UNSAFE
    silent = True
    GOOD = (
        Good(CODE.format(", padding_value=-100", "", "y.view(-1)")),
        Good(CODE.format("", "ignore_index=0", "y.view(-1)")),
        Good(CODE.format("", "reduction='none'", "y.view(-1)")),
        Good(CODE.format("", "", "y.view(-1)").replace("scores.view(-1, 4), y.view(-1)", "scores[y > 0], y[y > 0]")),
        Good(LOADED.format(", padding_value=-100")),
    )
    BAD = (
        Bad(CODE.format("", "", "y.view(-1)"), at=(6, 13), fixed=CODE.format(", padding_value=-100", "", "y.view(-1)"), runs=False),
        Bad(
            CODE.format("", "", "y[:, 1:].reshape(-1)").replace("scores.view(-1, 4)", "(scores[:, 1:] + y[:, :-1, None]).view(-1, 4)"),
            at=(6, 13),
            fixed=CODE.format("", "ignore_index=0", "y[:, 1:].reshape(-1)").replace(
                "scores.view(-1, 4)", "(scores[:, 1:] + y[:, :-1, None]).view(-1, 4)"
            ),
            runs=False,
        ),
        Bad(LOADED.format(""), at=(12, 11), fixed=LOADED.format(", padding_value=-100"), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code, told = context.code, set[ast.Call]()
        for one in _padded(code):
            if one.judge not in told:
                told.add(one.judge)
                message = f"the targets are padded with {one.value:g}, and this loss counts the padding as classes to predict"
                yield self.finding(message, code.span(one.judge))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        one = next((one for one in _padded(code) if code.span(one.judge) == finding.span), None)
        if one is None:
            return
        if one.alone:
            given = keyword(one.made, "padding_value") is not None
            edits = (replace_argument if given else add_keyword)(code, one.made, "padding_value", str(IGNORED))
            yield self.fix(f"pad the targets with {IGNORED}, which the loss ignores", *edits)
        ignored = add_keyword(code, one.judge, "ignore_index", f"{one.value:g}")
        yield self.fix("tell the loss what to ignore", *ignored, preference=int(one.alone))


class Padded(NamedTuple):
    """A loss over padded targets: what it is told its options by, what padded them, with which number, and whether it alone reads them."""

    judge: ast.Call
    made: ast.Call
    value: float
    alone: bool


def _padded(code: Code) -> Iterator[Padded]:
    for loss in losses(code, CLASSES, FUNCTIONS) if code.calls("pad_sequence") else ():
        judge = built(code, ast.unparse(loss.func)) or (loss.func if isinstance(loss.func, ast.Call) else loss)
        name = _whole(loss.args[1])
        made = _origin(code, name) if name is not None else None
        value = literal(argument_of(made, 2, "padding_value") or ast.Constant(0)) if made is not None else None
        words = {word.arg for one in (loss, judge) for word in one.keywords}
        if name is None or made is None or value is None or value == IGNORED or words & {"ignore_index", "reduction", "weight", None}:
            continue
        around = home(code, name)
        reads = [one for one in code.mentions(name.id) if isinstance(one.ctx, ast.Load) and home(code, one) is around]
        yield Padded(judge, made, value, reads == [name])


def _whole(node: ast.expr) -> ast.Name | None:
    """The name of a tensor that is read in another shape or without some of its steps, but not picked from by a mask."""
    while isinstance(node := reshaped(node), ast.Subscript):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if not all(isinstance(part, ast.Slice) for part in parts):
            return None
        node = node.value
    return node if isinstance(node, ast.Name) else None


def _origin(code: Code, name: ast.Name) -> ast.Call | None:
    """The call of `pad_sequence` that a name has its value from, in its function or in what collates the batches of the loop around it."""
    given = value_of(code, name)
    value = given[0] if given is not None and given[1] is None else None
    if given is None:
        value = _collated(code, name)
    return value if isinstance(value, ast.Call) and called(value) == "pad_sequence" else None


def _collated(code: Code, name: ast.Name) -> ast.expr | None:
    """What the one `collate_fn` of the text returns for a name that a loop unpacks from a batch."""
    loop = code.around(name, ast.For)
    parts = loop.target.elts if loop is not None and isinstance(loop.target, ast.Tuple) else []
    if parts and isinstance(parts[-1], ast.Tuple):  # for number, (words, tags) in enumerate(loader)
        parts = parts[-1].elts
    at = next((at for at, part in enumerate(parts) if isinstance(part, ast.Name) and part.id == name.id), None)
    given = {word.value.id for word in code.all(ast.keyword) if word.arg == "collate_fn" and isinstance(word.value, ast.Name)}
    made = [one for one in code.all(ast.FunctionDef) if one.name in given]
    returns = code.all(ast.Return, made[0]) if len(made) == len(given) == 1 else []
    whole = returns[0].value if len(returns) == 1 else None
    if at is None or not isinstance(whole, ast.Tuple) or len(whole.elts) != len(parts):
        return None
    return whole_value(code, whole.elts[at])

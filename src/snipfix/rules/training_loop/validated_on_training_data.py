"""What is called a validation goes over the training data."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from snipfix.code import FUNCTIONS, Code
from snipfix.codemods import joined, replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.fitted_on_test_data import TEST, TRAIN
from snipfix.rules.training_loop.loops import walked

__all__ = ["ValidatedOnTrainingData"]

SPOKEN = re.compile("test|val|dev|holdout", re.IGNORECASE)
RUN_ON = re.compile(r"(?:data)?(?:loader|set|dl)$")
LEARNING = frozenset({"backward", "step"})
CODE = (
    "import torch, torch.nn as nn\nfrom torch.utils.data import DataLoader\n\n"
    "train_loader = DataLoader([(torch.ones(3), torch.ones(1))] * 8, batch_size=4)\n"
    "val_loader = DataLoader([(torch.zeros(3), torch.ones(1))] * 4, batch_size=4)\n"
    "model = nn.Linear(3, 1)\nopt = torch.optim.SGD(model.parameters(), lr=0.1)\n\ndef score(loader):\n    total = 0.0\n"
    "    with torch.no_grad():\n        for x, y in loader:\n            total += (model(x) - y).abs().mean().item()\n    return total / len(loader)\n\n"
    "for x, y in train_loader:\n    opt.zero_grad()\n    (model(x) - y).abs().mean().backward()\n    opt.step()\n"
)
LOOP = (
    "model.eval()\nwith torch.no_grad():\n    val_loss = 0.0\n    for x, y in {}:\n        val_loss += (model(x) - y).abs().mean().item()\n"
    "print(val_loss)\n"
)


@dataclass(frozen=True)
class Mistaken:
    """Where the training data is read for a validation, and the loader that nobody reads."""

    reads: tuple[ast.Name, ...]
    meant: str


class ValidatedOnTrainingData(Rule):
    """The validation goes over the training data, and the loader of the validation data is never read.

    ## What it does
    Reports a loop that evaluates over the training loader, or a call that evaluates with it, where the result is named after validation or
    test, the same loader is trained on, and a loader for validation or test is made or taken as a parameter and read nowhere.

    ## Why is this bad?
    The score is that of data the model has learnt: overfitting does not show.

    ## Example
    ```python
    val_loader = DataLoader(val_set)
    ...
    val_loss = evaluate(model, train_loader)
    ```

    ## Use instead
    ```python
    val_loader = DataLoader(val_set)
    ...
    val_loss = evaluate(model, val_loader)
    ```

    ## Fix safety
    The scores change to those of the other data.

    ## References
    - torch.utils.data.DataLoader
    """

    id = "SNF363"
    name = "validated-on-training-data"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE + LOOP.format("val_loader")),
        Good(CODE + LOOP.format("train_loader") + LOOP.format("val_loader")),
        Good(CODE + LOOP.format("train_loader").replace("val_loss", "train_loss")),
        Good(
            CODE.replace("train_loader", "trainloader")
            + LOOP.format("trainloader").replace("val_loss", "loss").replace("print(loss", "print('on the training data', loss")
        ),
        Good(CODE + "train_loss = score(train_loader)\nprint(train_loss)\n"),
        Good(CODE.replace("val_loader", "held_out") + LOOP.format("train_loader")),
    )
    BAD = (
        Bad(CODE + LOOP.format("train_loader"), at=(23, 17), fixed=CODE + LOOP.format("val_loader"), runs=False),
        Bad(
            CODE + "val_loss = score(train_loader)  # 验证\nprint(val_loss)\n",
            at=(20, 18),
            fixed=CODE + "val_loss = score(val_loader)  # 验证\nprint(val_loss)\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for one in _mistaken(context.code):
            name = one.reads[0].id
            message = f"`{name}` is what the model is trained on, and `{one.meant}` is never read: this validation shows nothing new"
            yield self.finding(message, context.code.span(one.reads[0]))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        for one in _mistaken(code):
            if code.span(one.reads[0]) == finding.span:
                edits = joined(*(replace_expression(code, read, one.meant) for read in one.reads))
                yield self.fix("validate on the data that is kept for it", *edits)


def _mistaken(code: Code) -> Iterator[Mistaken]:
    if not code.calls("backward"):
        return
    unread = [name for name in _loaders(code) if not any(isinstance(one.ctx, ast.Load) for one in code.mentions(name))]
    if len(unread) != 1:
        return
    trained = {over.id for loop in code.all(ast.For) if _learns(code, loop) and isinstance(over := walked(loop), ast.Name)}
    for loop in code.all(ast.For):
        over = walked(loop)
        if isinstance(over, ast.Name) and _may_be_mistaken(over, trained) and not _learns(code, loop) and _validates(code, loop):
            yield Mistaken((over, *_behind(code, loop, over.id)), unread[0])
    for statement in code.all(ast.Assign):
        call = statement.value
        named = _words(statement.targets[0])
        if isinstance(call, ast.Call) and named & TEST and not named & TRAIN:
            for given in call.args:
                if isinstance(given, ast.Name) and _may_be_mistaken(given, trained) and not code.calls(*LEARNING, inside=call):
                    yield Mistaken((given,), unread[0])


def _loaders(code: Code) -> set[str]:
    """Names for loaders of validation or test data: given one, or a parameter of a function that trains."""
    made = {
        one.targets[0].id
        for one in code.all(ast.Assign)
        if isinstance(one.targets[0], ast.Name) and called(one.value) == "DataLoader"
    }  # fmt: skip
    taken = {arg.arg for function in code.all(ast.FunctionDef) if code.calls("backward", inside=function) for arg in function.args.args}
    loaders = made | {name for name in taken if name.lower().endswith(("loader", "_dl"))}
    return {name for name in loaders if SPOKEN.search(name) and TEST & _apart(name) and not TRAIN & _apart(name)}


def _may_be_mistaken(name: ast.Name, trained: set[str]) -> bool:
    return name.id in trained and bool(TRAIN & set(_apart(name.id)))


def _learns(code: Code, loop: ast.For) -> bool:
    return bool(code.calls(*LEARNING, inside=loop))


def _validates(code: Code, loop: ast.For) -> bool:
    """Whether a loop is without gradients, or behind `eval()`, and what it adds up is named after validation or test, and nothing after training."""
    home = code.around(loop, *FUNCTIONS)
    still = any("no_grad" in ast.unparse(item.context_expr) for up in code.ancestors(loop) if isinstance(up, ast.With) for item in up.items)
    still = still or any(one.lineno < loop.lineno and code.around(one, *FUNCTIONS) is home for one in code.calls("eval"))
    names = [word for one in code.all(ast.Name, inside=loop) if isinstance(one.ctx, ast.Store) for word in _apart(one.id)]
    printed = {word for one in _strings_behind(code, loop) for word in _apart(one)}
    said = set(names) if set(names) & (TEST | TRAIN) else printed
    return still and bool(said & TEST) and not said & TRAIN


def _strings_behind(code: Code, loop: ast.For) -> Iterator[str]:
    """What is printed right behind a loop."""
    for statement in _from_here(code, loop)[1:5]:
        for call in code.calls("print", inside=statement):
            yield from (one.value for one in ast.walk(call) if isinstance(one, ast.Constant) and isinstance(one.value, str))


def _behind(code: Code, loop: ast.For, name: str) -> list[ast.Name]:
    """The other reads of the loader in the loop and behind it in the same run of statements: `len(train_loader)`."""
    over = walked(loop)
    reads = [one for part in _from_here(code, loop) for one in code.all(ast.Name, inside=part) if one.id == name and one is not over]
    return [one for one in reads if called(code.parents.get(one, one)) == "len" and _of_test(code, one)]


def _from_here(code: Code, loop: ast.For) -> list[ast.stmt]:
    """A loop, with the `with` around it, and the statements behind it."""
    outer: ast.stmt = loop
    while isinstance(up := code.parents.get(outer), ast.With):
        outer = up
    block = code.block_of(outer)
    return block[block.index(outer) :] if block else [outer]


def _of_test(code: Code, read: ast.Name) -> bool:
    """Whether the sum that a length divides is one of the validation."""
    division = next((up for up in code.ancestors(read) if isinstance(up, ast.BinOp | ast.AugAssign)), None)
    total = division.left if isinstance(division, ast.BinOp) else division.target if isinstance(division, ast.AugAssign) else None
    return total is not None and bool(_words(total) & TEST)


def _apart(name: str) -> set[str]:
    """The words of a name or a sentence, `trainloader` and `testset` taken apart."""
    found = set(words(name))
    return found | {RUN_ON.sub("", word) for word in found}


def _words(node: ast.AST) -> set[str]:
    return {word for one in ast.walk(node) if isinstance(one, ast.Name) for word in _apart(one.id)}

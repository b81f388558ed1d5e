"""The optimizer steps on the validation data as well."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import in_strings
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.fitted_on_test_data import TEST, TRAIN
from snipfix.rules.training_loop.loops import home, optimizers, receiver, steps_in, walked

__all__ = ["TrainedOnTestData", "learning_from_test_data"]

HEAD = (
    "import torch, torch.nn as nn\nmodel = nn.Linear(3, 1)\nopt = torch.optim.SGD(model.parameters(), lr=0.1)\n"
    "train_loader, val_loader = [torch.ones(4, 3)] * 2, [torch.ones(4, 3)]\nmodel.train()\nfor x in train_loader:\n    opt.zero_grad()\n"
    "    loss = model(x).mean()\n    loss.backward()\n    opt.step()\n"
)
LOOP = "for x in val_loader:\n    loss = model(x).mean()\n{}    print(loss.item())\n"
STEP = "    opt.zero_grad()\n    loss.backward()\n    opt.step()\n"
LEARNING = frozenset({"zero_grad", "backward", "step"})


class TrainedOnTestData(Rule):
    """The optimizer that trains the model steps on the validation or test data as well.

    ## What it does
    Reports a loop over validation or test data, told by the words in its name, in which the optimizer steps that also steps in a loop over the
    training data.

    ## Why is this bad?
    The model learns what it is to be tested on: the score says nothing about new data. Usually the training loop was copied, and two lines stayed.

    ## Example
    ```python
    for x, y in val_loader:
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    ```

    ## Use instead
    ```python
    model.eval()
    with torch.no_grad():
        for x, y in val_loader:
            loss = criterion(model(x), y)
            total += loss.item()
    ```

    ## Fix safety
    The training changes: it does without the data that it was not meant to have.

    ## References
    - torch.no_grad
    """

    id = "SNF468"
    name = "trained-on-test-data"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "with torch.no_grad():\n    " + LOOP.format("").replace("\n    ", "\n        ")),
        Good(HEAD + LOOP.format(STEP).replace("val_loader", "train_loader")),
        Good(
            "import torch\nalpha = torch.zeros(1, requires_grad=True)\nother = torch.optim.SGD([alpha], lr=0.1)\n"
            + HEAD
            + LOOP.format(STEP).replace("opt.", "other.").replace("model(x)", "(model(x) * alpha)")
        ),
        Good(  # adapts to each test batch by a task that needs no label
            HEAD
            + "test_loader, right = [(torch.ones(4, 3), torch.ones(4, 1))], 0\n"
            + "for x, y in test_loader:\n    out = model(x)\n    loss = (model(x.flip(1)) - out).pow(2).mean()\n"
            + STEP
            + "    right += ((model(x) > 0) == y).sum().item()\nprint(right)\n"
        ),
    )
    BAD = (
        Bad(
            HEAD + LOOP.format(STEP + "    # 打印\n"),
            at=(15, 5),
            fixed=HEAD + "model.eval()\nwith torch.no_grad():\n    " + LOOP.format("    # 打印\n").replace("\n    ", "\n        "),
            runs=False,
        ),
        Bad(
            HEAD + LOOP.format(STEP + '    print(f"""mean:\n{loss:.2f}""")\n'),
            at=(15, 5),
            fixed=HEAD
            + "model.eval()\nwith torch.no_grad():\n    for x in val_loader:\n        loss = model(x).mean()\n"
            + '        print(f"""mean:\n{loss:.2f}""")\n        print(loss.item())\n',
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for loop, step in _wrong(context.code):
            name = ast.unparse(walked(loop) or loop)
            yield self.finding(
                f"`{receiver(step)}` steps on `{name}`: the model is trained on what it is to be tested on", context.code.span(step)
            )

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        loop = next((loop for loop, step in _wrong(code) if code.span(step) == finding.span), None)
        if loop is None or context.scopes.alias("torch") != "torch":
            return
        gone = [one for one in loop.body if _learns(one)]
        dropped = {line for one in gone for line in range(one.lineno, (one.end_lineno or one.lineno) + 1)}
        indent = " " * loop.col_offset
        trained = next((receiver(one) for one in code.calls("train") if home(code, one) is home(code, loop) and not one.args), "")
        first, last = loop.lineno, loop.end_lineno or loop.lineno
        kept = [(number, code.lines[number - 1].rstrip("\n")) for number in range(first, last + 1) if number not in dropped]
        fixed = in_strings(loop)
        head = [f"{indent}{trained}.eval()"] if trained else []
        inner = [f"    {line}" if line.strip() and number not in fixed else line for number, line in kept]
        text = "\n".join([*head, f"{indent}with torch.no_grad():", *inner])
        start, end = code.offset(first, 1), code.offset(last, 1) + len(code.lines[last - 1].rstrip("\n"))
        if any(code.lines[number - 1].count(";") for number in dropped) or len(gone) == len(loop.body):
            return
        yield self.fix("only look at the data, without learning from it", Edit(start, end, text))


def learning_from_test_data(code: Code) -> set[ast.Call]:
    """The calls by which a text trains on what is to test: that they go is no loss."""
    loops = {loop for loop, _ in _wrong(code)}
    statements = [one for loop in loops for one in loop.body if _learns(one)]
    return {one.value for one in statements if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call)}


def _wrong(code: Code) -> Iterator[tuple[ast.For, ast.Call]]:
    """The loops over data that is to test, with the step of an optimizer that also steps in a loop over training data."""
    if not any(_words(loop) & TEST for loop in code.all(ast.For)):
        return
    known = set(optimizers(code))
    loops = [loop for loop in code.all(ast.For) if steps_in(loop, known)]
    trained = {name for loop in loops if _words(loop) & TRAIN and not _words(loop) & TEST for name in steps_in(loop, known)}
    for loop in loops:
        if _words(loop) & TEST and not _words(loop) & TRAIN and _reads_labels(code, loop):
            for statement in loop.body:
                step = statement.value if isinstance(statement, ast.Expr) else None
                if isinstance(step, ast.Call) and called(step) == "step" and receiver(step) in trained:
                    yield loop, step


def _reads_labels(code: Code, loop: ast.For) -> bool:
    """Whether what is learned may come from the labels: adapting to test data by a task that needs none is a method of its own."""
    given = [one.id for one in loop.target.elts if isinstance(one, ast.Name)] if isinstance(loop.target, ast.Tuple) else []
    if len(given) < 2:
        return True
    assigned = [(_names(one.targets[0]), _names(one.value)) for one in code.all(ast.Assign, loop)]
    read: set[str] = set().union(*(_names(call.func) for call in code.calls("backward", inside=loop)))
    for _ in assigned:
        read |= set().union(*(used for made, used in assigned if made & read))
    return bool(read & set(given[1:]))


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _words(loop: ast.For) -> set[str]:
    over = walked(loop)
    names = (
        [one.id if isinstance(one, ast.Name) else one.attr for one in ast.walk(over) if isinstance(one, ast.Name | ast.Attribute)]
        if over
        else []
    )
    return {word for name in names for word in words(name)}


def _learns(statement: ast.stmt) -> bool:
    """Whether a statement is a part of learning alone: `loss.backward()`, `opt.step()`, `opt.zero_grad()`."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and called(statement.value) in LEARNING

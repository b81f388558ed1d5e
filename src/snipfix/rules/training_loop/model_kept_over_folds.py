"""One model that goes on learning through all folds of a cross-validation."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import CodemodError, insert_statement_before, remove_statement
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import OPTIMIZERS, home, receiver, walked

__all__ = ["ModelKeptOverFolds"]

FOLDS = frozenset(
    "KFold StratifiedKFold GroupKFold RepeatedKFold RepeatedStratifiedKFold StratifiedGroupKFold ShuffleSplit StratifiedShuffleSplit "
    "LeaveOneOut LeaveOneGroupOut".split()
)
RENEWING = ("load_state_dict", "apply", "deepcopy", "reset_parameters", "clone")
"""Calls that give a model its first weights again, or take a copy of it."""
HEAD = (
    "import torch, torch.nn as nn\nfrom sklearn.model_selection import KFold\n\nX, y = torch.randn(12, 3), torch.randn(12, 1)\n"
    "kf = KFold(n_splits=3)\n"
)
MAKING = "model = nn.Linear(3, 1)\nopt = torch.optim.SGD(model.parameters(), lr=0.1)\n"
LOOP = "for train, test in kf.split(X):\n"
BODY = (
    "    for _ in range(2):\n        loss = (model(X[train]) - y[train]).pow(2).mean()\n        opt.zero_grad()\n        loss.backward()\n"
    "        opt.step()\n    print((model(X[test]) - y[test]).pow(2).mean().item())\n"
)
INSIDE = "".join(f"    {line}\n" for line in MAKING.splitlines())


class ModelKeptOverFolds(Rule):
    """The folds of a cross-validation train one and the same model: it has seen the test data of a fold in the folds before.

    ## What it does
    Reports a loop over `KFold(...).split(...)` that steps an optimizer of a model which is neither made nor given its first weights again in it.

    ## Why is this bad?
    From the second fold on, the model is tested on what it was trained on. The scores rise from fold to fold, and their mean says nothing
    about new data.

    ## Example
    ```python
    model = Net()
    for train, test in kf.split(X):
        fit(model, X[train])
    ```

    ## Use instead
    ```python
    for train, test in kf.split(X):
        model = Net()
        fit(model, X[train])
    ```

    ## Fix safety
    The scores change: they are those of models that have not seen the test data.

    ## References
    - scikit-learn, "Cross-validation: evaluating estimator performance": in each fold a model is trained using the other folds.
    """

    id = "SNF445"
    name = "model-kept-over-folds"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + LOOP + INSIDE + BODY, runs=False),
        Good(HEAD + MAKING + "first = {k: v.clone() for k, v in model.state_dict().items()}\n" + LOOP + "    model.load_state_dict(first)\n" + BODY, runs=False),
        Good(HEAD + MAKING + LOOP + "    print(model(X[test]))\n", runs=False),
        Good(HEAD + "model = Ridge()\n" + LOOP + "    model.fit(X[train], y[train])\n", runs=False),
    )  # fmt: skip
    BAD = (
        Bad(HEAD + MAKING + LOOP + BODY, at=(8, 20), fixed=HEAD + LOOP + INSIDE + BODY, runs=False),
        Bad(
            "from sklearn.model_selection import StratifiedKFold\nimport torch\n\ndef validate(model, data, labels, run):\n"
            "    for train, test in StratifiedKFold(5).split(data, labels):  # 交叉验证\n"
            "        opt = torch.optim.Adam(model.parameters())\n        run(model, data[train], opt)\n",
            at=(5, 24),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls(*FOLDS):
            return
        for loop in code.all(ast.For):
            model = _kept_model(code, loop)
            if model:
                message = f"every fold trains `{model}` on: from the second on, it has been trained on what it is tested on"
                yield self.finding(message, code.span(walked(loop) or loop.iter), evidence={"model": model})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code, model = context.code, str(finding.evidence.get("model"))
        loop = next((one for one in code.all(ast.For) if code.span(walked(one) or one.iter) == finding.span), None)
        if loop is None:
            return
        made = [one for one in code.all(ast.Assign, inside=home(code, loop)) if one.lineno < loop.lineno and _makes(one, model)]
        whole = all(one.lineno == one.end_lineno and code.parents.get(one) is code.parents.get(loop) for one in made)
        if not whole or not made or ast.unparse(made[0].targets[0]) != model:
            return
        try:
            edits = [edit for one in made for edit in remove_statement(code, one.lineno)]
            edits += insert_statement_before(code, loop.body[0].lineno, "\n".join(code.slice(one) for one in made))
        except CodemodError:
            return
        yield self.fix("make a new model for each fold", *edits)


def _makes(statement: ast.Assign, model: str) -> bool:
    """Whether a statement makes the model, or an optimizer of its parameters."""
    value = statement.value
    of_it = called(value) in OPTIMIZERS and any(
        ast.unparse(one) == f"{model}.parameters()" for one in ast.walk(value) if isinstance(one, ast.Call)
    )
    return (ast.unparse(statement.targets[0]) == model and isinstance(value, ast.Call)) or of_it


def _kept_model(code: Code, loop: ast.For) -> str:
    """The model that a loop over folds trains and does not renew; empty where there is none."""
    over = walked(loop)
    if not isinstance(over, ast.Call) or called(over) != "split" or not _is_folding(code, over):
        return ""
    stored = {one.id for one in code.all(ast.Name, inside=loop) if isinstance(one.ctx, ast.Store)}
    if code.calls(*RENEWING, inside=loop):
        return ""
    for call in code.calls("parameters", inside=home(code, loop)):
        model = receiver(call)
        maker = statement_of(code, call)
        if not isinstance(maker, ast.Assign) or called(maker.value) not in OPTIMIZERS:
            continue
        if model.isidentifier() and model not in stored and _trains(code, loop, model, ast.unparse(maker.targets[0])):
            return model
    return ""


def _is_folding(code: Code, split: ast.Call) -> bool:
    owner = split.func.value if isinstance(split.func, ast.Attribute) else None
    if isinstance(owner, ast.Call):
        return called(owner) in FOLDS
    makers = [one.value for one in code.all(ast.Assign) if ast.unparse(one.targets[0]) == receiver(split)]
    return bool(makers) and all(called(one) in FOLDS for one in makers)


def _trains(code: Code, loop: ast.For, model: str, optimizer: str) -> bool:
    """Whether the loop steps the optimizer, or hands model and optimizer to a function."""
    if any(receiver(call) == optimizer for call in code.calls("step", inside=loop)):
        return True
    given = ({ast.unparse(one) for one in call.args} for call in code.all(ast.Call, inside=loop))
    return any({model, optimizer} <= names for names in given)

"""A scaler fitted on all the data, which is split into training and test data afterwards."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from snipfix.code import Code
from snipfix.codemods import insert_statement_after, remove_statement, replace_expression
from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.training_loop.loops import home, only_value, receiver

__all__ = ["FittedBeforeSplit"]

SCALERS = frozenset("StandardScaler MinMaxScaler RobustScaler MaxAbsScaler PowerTransformer QuantileTransformer PCA".split())
HEAD = (
    "import numpy as np\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.preprocessing import LabelEncoder, StandardScaler\n\n"
    "X, y, scaler = np.random.randn(20, 3), np.arange(20), StandardScaler()\n"
)
SPLIT = "X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2)\n"


class Leak(NamedTuple):
    """A scaling of everything, and the split that follows."""

    scaling: ast.Assign
    scaler: str
    split: ast.Assign
    place: ast.expr
    """The argument of the split that holds the scaled data."""
    parts: tuple[str, str] | None
    """What the split calls the training and the test part."""


class FittedBeforeSplit(Rule):
    """A scaler is fitted on all the data before the test data is split off.

    ## What it does
    Reports `X = scaler.fit_transform(X)` where `train_test_split(X, ...)` follows.

    ## Why is this bad?
    The mean and the deviation of the test data are in the scaling: the model is tested on data that its preparation has seen, and the score is
    not that of new data.

    ## Example
    ```python
    X = scaler.fit_transform(X)
    X_train, X_test, y_train, y_test = train_test_split(X, y)
    ```

    ## Use instead
    ```python
    X_train, X_test, y_train, y_test = train_test_split(X, y)
    X_train = scaler.fit_transform(X_train)
    X_test = scaler.transform(X_test)
    ```

    ## Fix safety
    Unsafe: the numbers change a little, and the score to that of new data.

    ## References
    - scikit-learn, Common pitfalls: "Data leakage during pre-processing".
    """

    id = "SNF482"
    name = "fitted-before-split"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + SPLIT + "X_train = scaler.fit_transform(X_train)\nX_test = scaler.transform(X_test)\n", runs=False),
        Good(HEAD + "y = LabelEncoder().fit_transform(y)\n" + SPLIT, runs=False),
        Good(HEAD + "shown = scaler.fit_transform(X)\nprint(shown.mean())\n" + SPLIT, runs=False),
    )
    BAD = (
        Bad(
            HEAD + "X = scaler.fit_transform(X)\n" + SPLIT + "print(X_train.shape)  # 训练集\n",
            at=(6, 5),
            fixed=HEAD + SPLIT + "X_train = scaler.fit_transform(X_train)\nX_test = scaler.transform(X_test)\nprint(X_train.shape)  # 训练集\n",
            runs=False,
        ),
        Bad(
            HEAD + "X_scaled = scaler.fit_transform(X)\n" + SPLIT.replace("split(X", "split(X_scaled"),
            at=(6, 12),
            fixed=HEAD + SPLIT + "X_train = scaler.fit_transform(X_train)\nX_test = scaler.transform(X_test)\n",
            runs=False,
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for leak in _leaks(context.code):
            message = f"`{leak.scaler}` is fitted on all the data before the test data is split off: what it is tested with leaks into the scaling"
            yield self.finding(message, context.code.span(leak.scaling.value))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        for leak in _leaks(code):
            call = leak.scaling.value
            if code.span(call) != finding.span or leak.parts is None or not isinstance(call, ast.Call):
                continue
            name, given = ast.unparse(leak.scaling.targets[0]), ast.unparse(call.args[0])
            uses = [one for one in code.mentions(name) if isinstance(one.ctx, ast.Load)]
            renamed: tuple[Edit, ...] = ()
            if name != given:
                if len(uses) != 1:
                    continue
                renamed = replace_expression(code, leak.place, given)
            train, test = leak.parts
            scaled = f"{train} = {leak.scaler}.fit_transform({train})\n{test} = {leak.scaler}.transform({test})"
            after = insert_statement_after(code, leak.split.lineno, scaled)
            yield self.fix("split first, and fit on the training data", *remove_statement(code, leak.scaling.lineno), *renamed, *after)


def _leaks(code: Code) -> Iterator[Leak]:
    splits = [one for one in code.all(ast.Assign) if called(one.value) == "train_test_split"]
    for scaling in code.all(ast.Assign) if splits else ():
        call, target = scaling.value, scaling.targets[0]
        if not isinstance(call, ast.Call) or called(call) != "fit_transform" or len(call.args) != 1 or not isinstance(target, ast.Name):
            continue
        scaler = receiver(call)
        if not _is_scaler(code, call):
            continue
        for split in splits:
            given = split.value.args  # type: ignore[attr-defined]
            place = next((number for number, one in enumerate(given) if ast.unparse(one) == target.id), None)
            if place is not None and split.lineno > scaling.lineno and home(code, split) is home(code, scaling):
                yield Leak(scaling, scaler, split, given[place], _parts(split, place))


def _is_scaler(code: Code, call: ast.Call) -> bool:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    maker = owner if isinstance(owner, ast.Call) else _made(code, receiver(call))
    return maker is not None and called(maker) in SCALERS


def _made(code: Code, name: str) -> ast.expr | None:
    """What a name is bound to, also where several are bound at once."""
    for node in code.all(ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for one, value in zip(target.elts, node.value.elts, strict=False):
                    if ast.unparse(one) == name:
                        return value
    return only_value(code, name)


def _parts(split: ast.Assign, place: int) -> tuple[str, str] | None:
    target = split.targets[0]
    if isinstance(target, ast.Tuple) and len(target.elts) > 2 * place + 1:
        train, test = target.elts[2 * place : 2 * place + 2]
        if isinstance(train, ast.Name) and isinstance(test, ast.Name):
            return train.id, test.id
    return None

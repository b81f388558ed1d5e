"""A scaler fitted again on the data that is to test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.codemods import rename_attribute
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import receiver

__all__ = ["FittedOnTestData"]

TEST = frozenset({"test", "val", "valid", "validation", "eval", "dev", "holdout"})
TRAIN = frozenset({"train", "training", "tr"})
FITTING = ("fit", "fit_transform")

HEAD = "import torch\nfrom sklearn.preprocessing import StandardScaler\nX_train, X_test = torch.randn(20, 3).numpy(), torch.randn(5, 3).numpy()\nscaler = StandardScaler()\n"


class FittedOnTestData(Rule):
    """A scaler that was fitted on the training data is fitted again on the test data.

    ## What it does
    Reports `scaler.fit_transform(X_test)` where the same object is fitted on training data too, told by the words in the names.

    ## Why is this bad?
    The test data is scaled by its own mean and deviation: the model sees other numbers than it was trained on, and what it is tested with
    leaks into the scaling. The score is not that of new data.

    ## Example
    ```python
    X_train = scaler.fit_transform(X_train)
    X_test = scaler.fit_transform(X_test)
    ```

    ## Use instead
    ```python
    X_train = scaler.fit_transform(X_train)
    X_test = scaler.transform(X_test)
    ```

    ## Fix safety
    Unsafe: the scores change to those of new data.

    ## References
    - scikit-learn, Common pitfalls: "Data leakage during pre-processing".
    """

    id = "SNF480"
    name = "fitted-on-test-data"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "X_train, X_test = scaler.fit_transform(X_train), scaler.transform(X_test)\n", runs=False),
        Good(HEAD + "x = scaler.fit_transform(X_train)\nother = StandardScaler()\ny = other.fit_transform(X_test)\n", runs=False),
        Good(HEAD + "latest = scaler.fit_transform(X_train)\nall_data = scaler.fit_transform(latest)\n", runs=False),
        Good("def fit(self, X_train, X_test):\n    self.model.fit(X_train, validation=X_test)\n", runs=False),
    )
    BAD = (
        Bad(
            HEAD + "X_train = scaler.fit_transform(X_train)\nX_test = scaler.fit_transform(X_test)  # 标准化\n",
            at=(6, 10),
            fixed=HEAD + "X_train = scaler.fit_transform(X_train)\nX_test = scaler.transform(X_test)  # 标准化\n",
            runs=False,
        ),
        Bad(
            HEAD + "scaler.fit(X_train)\ntrain = scaler.transform(X_train)\nvalidation = torch.tensor(scaler.fit_transform(X_test))\n",
            at=(7, 27),
            fixed=HEAD + "scaler.fit(X_train)\ntrain = scaler.transform(X_train)\nvalidation = torch.tensor(scaler.transform(X_test))\n",
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        calls = [one for one in context.code.calls(*FITTING) if one.args]
        trained = {receiver(one): one for one in calls if _words(one) & TRAIN and not _words(one) & TEST}
        for call in calls:
            first = trained.get(receiver(call))
            tested = called(call) == "fit_transform" and _words(call) & TEST and not _words(call) & TRAIN
            if tested and first is not None and first.lineno < call.lineno:
                message = (
                    f"`{receiver(call)}` was fitted on `{ast.unparse(first.args[0])}` and is fitted again on `{ast.unparse(call.args[0])}`"
                )
                yield self.finding(f"{message}: the test data is scaled by its own statistics", context.code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            yield self.fix("scale it as the training data was", *rename_attribute(context.code, call.func, "transform"))


def _words(call: ast.Call) -> set[str]:
    """The words in the names that the call is given."""
    return set(words(re.sub(r"[^A-Za-z]+", " ", ast.unparse(call.args[0]))))

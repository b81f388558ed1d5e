"""What raises and no other rule explains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from snipfix.evidence import Exercise, Failure
from snipfix.model import Applicability, Category, Finding, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.diagnosis import Crash

KINDS = {
    "NameError": Category.UNDEFINED_NAME,
    "UnboundLocalError": Category.UNDEFINED_NAME,
    "SyntaxError": Category.SYNTAX,
    "IndentationError": Category.SYNTAX,
    "ImportError": Category.ENVIRONMENT,
    "ModuleNotFoundError": Category.ENVIRONMENT,
    "FileNotFoundError": Category.ENVIRONMENT,
    "PermissionError": Category.ENVIRONMENT,
    "OSError": Category.ENVIRONMENT,
    "URLError": Category.ENVIRONMENT,
    "ConnectionError": Category.ENVIRONMENT,
    "MemoryError": Category.RESOURCE,
    "OutOfMemoryError": Category.RESOURCE,
    "RecursionError": Category.RESOURCE,
}
WORDS = (
    (Category.DEVICE, ("cuda", "device")),
    (Category.AUTOGRAD, ("grad", "backward")),
    (Category.DTYPE, ("dtype", "scalar type", "not implemented for '")),
    (Category.SHAPE, ("shape", "size", "dimension")),
    (Category.DEPRECATED, ("deprecated", "removed", "no longer")),
)


class UnexplainedFailure(Rule):
    """The code raises an exception that no rule explains.

    ## What it does
    Reports the exception at the innermost line of the author's, with the category that its type and words suggest. It speaks only when no other
    rule does. In a call that the snippet does not make itself it is a warning, and exceptions that the author raises there are left alone.

    ## Why is this bad?
    The code stops for its reader as it stopped here.

    ## Example
    ```python
    colours = {"red": 1}
    colours["blue"]
    ```

    ## Use instead
    ```python
    colours = {"red": 1}
    colours["red"]
    ```

    ## Fix safety
    There is no fix: the cause is not known.

    ## References
    - Python, Built-in Exceptions
    """

    id = "SNF900"
    name = "unexplained-failure"
    category = Category.API_MISUSE
    applicability = Applicability.DISPLAY_ONLY
    GOOD = (
        Good('colours = {"red": 1}\ncolours.get("blue")\n'),
        Good("def check(width):\n    if width < 0:\n        raise ValueError(width)\n\ncheck(1)\n"),
    )
    BAD = (
        Bad('colours = {"red": 1}\ncolours["blue"]\n', at=(2, 1)),
        Bad("def check(width):\n    raise ValueError(width)\n\ncheck(1)\n", at=(2, 5)),
    )

    def on_failure(self, context: Context, failure: Failure, exercise: Exercise | None) -> Iterable[Finding]:
        crash = Crash(context, failure, exercise)
        if exercise and (crash.operation.name == "raise" or failure.type == "NotImplementedError"):
            return
        first = failure.message.strip().splitlines()[0].rstrip(".") if failure.message.strip() else ""
        message = f"raises {failure.type}" + (f": {first}" if first else "")
        severity = Severity.WARNING if exercise else Severity.ERROR
        found = self.finding(message, crash.span, stage=crash.stage, evidence=crash.evidence(), severity=severity)
        yield replace(found, category=category_of(failure))


def category_of(failure: Failure) -> Category:
    """The category that an exception's type, then its words, suggest."""
    if failure.type in KINDS:
        return KINDS[failure.type]
    text = failure.message.lower()
    return next((category for category, words in WORDS if any(word in text for word in words)), Category.API_MISUSE)

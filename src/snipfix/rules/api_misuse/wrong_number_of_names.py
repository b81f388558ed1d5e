"""A value is unpacked into more or fewer names than it has parts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.codemods import replace_expression, wrap_expression
from snipfix.evidence import Value
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import used_after


class WrongNumberOfNames(CrashRule):
    """A value is unpacked into more or fewer names than it has parts.

    ## What it does
    Explains unpacking of return values, shapes and loop items into the wrong number of names.

    ## Why is this bad?
    The program stops at the assignment. An LSTM returns its output and a pair of states; `enumerate` is easily forgotten.

    ## Example
    ```python
    out, h, c = lstm(x)
    ```

    ## Use instead
    ```python
    out, (h, c) = lstm(x)
    ```

    ## Fix safety
    Names are added or dropped only where the number of parts is known.

    ## References
    - torch.nn.LSTM: Outputs
    """

    id = "SNF317"
    name = "wrong-number-of-names"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("ValueError", "TypeError")
    MESSAGES = (r"not enough values to unpack", r"too many values to unpack", r"cannot unpack non-(?:iterable|sequence)")
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nout, (h, c) = nn.LSTM(3, 4)(torch.zeros(5, 2, 3))\n"),
        Good("import torch\nimport torch.nn as nn\na, *rest = [1, 2, 3]\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nout, h, c = nn.LSTM(3, 4)(torch.zeros(5, 2, 3))\n",
            at=(3, 1),
            fixed="import torch\nimport torch.nn as nn\nout, (h, c) = nn.LSTM(3, 4)(torch.zeros(5, 2, 3))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nout, hidden = nn.Linear(3, 2)(torch.zeros(4, 3))\n",
            at=(3, 1),
            fixed="import torch\nimport torch.nn as nn\nout = nn.Linear(3, 2)(torch.zeros(4, 3))\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return crash.operation.name in ("unpacking", "iteration", "")

    def says(self, crash: Crash) -> str:
        return crash.failure.message.splitlines()[0]

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code, statement = crash.code, crash.statement
        target, value = _parts(statement)
        expected = [int(number) for number in re.findall(r"\d+", crash.failure.message)]
        if target is None or value is None:
            return
        names = [code.slice(one) for one in target.elts]
        if (
            isinstance(statement, ast.For)
            and any(isinstance(one, ast.Tuple) for one in target.elts[1:])
            and "enumerate" not in code.slice(value)
        ):
            yield Offer("Count the batches", wrap_expression(code, value, "enumerate({})"))
        seen = _returned(crash)
        pair = seen is not None and len(seen.items) == 2 and seen.items[1].kind == "sequence"
        if len(names) == 3 and pair:
            yield Offer("Take the pair of states apart", _retarget(crash, target, f"{names[0]}, ({names[1]}, {names[2]})"))
        if len(expected) == 2 and expected[1] < len(names) and not any(_is_used(crash, one) for one in target.elts[expected[1] :]):
            yield Offer("Leave out the surplus name", _retarget(crash, target, ", ".join(names[: expected[1]])))
        more = expected[1] - len(names) if len(expected) == 2 else 0
        if more > 0:
            yield Offer("Name the parts that are left", _retarget(crash, target, ", ".join([*names, *["_"] * more])))
        if crash.failure.message.startswith("too many") and len(expected) == 1:
            if seen is not None and seen.kind == "tensor":
                yield Offer("Take the whole value", _retarget(crash, target, names[0]))
            for count in (1, 2):
                yield Offer("Name the parts that are left", _retarget(crash, target, ", ".join([*names, *["_"] * count])))


def _parts(statement: ast.stmt | None) -> tuple[ast.Tuple | ast.List | None, ast.expr | None]:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target if isinstance(statement, ast.For) else None
    value = statement.value if isinstance(statement, ast.Assign) else statement.iter if isinstance(statement, ast.For) else None
    return (target if isinstance(target, ast.Tuple | ast.List) else None, value)


def _retarget(crash: Crash, target: ast.Tuple | ast.List, text: str) -> tuple[Edit, ...]:
    bracketed = crash.code.slice(target)[:1] in ("(", "[")
    return replace_expression(crash.code, target, f"({text})" if bracketed else text)


def _is_used(crash: Crash, node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and used_after(crash, node)


def _returned(crash: Crash) -> Value | None:
    """What the call of a module that is unpacked was seen to return."""
    calls = crash.context.outcome.calls if crash.context.outcome else ()
    line = crash.statement.lineno if crash.statement is not None else 0
    return next((call.output for call in calls if call.span is not None and call.span.line == line and call.depth == 0), None)

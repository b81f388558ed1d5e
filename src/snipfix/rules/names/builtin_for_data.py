"""A name of Python's own is used as if it held data."""

from __future__ import annotations

import ast
import builtins

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule

__all__ = ["BuiltinForData"]


class BuiltinForData(CrashRule):
    """A name of Python's own is used as if it held data: `input` was never defined.

    ## What it does
    Explains failures at `input`, `id`, `iter`, `max` and other functions of Python that were taken for tensors, where the text gives the name no value.

    ## Why is this bad?
    The program stops, with a message about `builtin_function_or_method` instead of a name that is missing.

    ## Example
    ```python
    ones = torch.ones(input.shape)
    ```

    ## Use instead
    ```python
    input = torch.randn(1, 3, 8, 8)
    ones = torch.ones(input.shape)
    ```

    ## Fix safety
    No edit is offered: only the author knows which data is meant.

    ## References
    - Python, Built-in Functions
    """

    id = "SNF379"
    name = "builtin-for-data"
    category = Category.UNDEFINED_NAME
    applicability = Applicability.DISPLAY_ONLY
    TYPES = ("AttributeError", "TypeError")
    MESSAGES = (
        r"'builtin_function_or_method' object (?:has no attribute|is not subscriptable|is not iterable)",
        r"type object '\w+' has no attribute '(?:shape|size|dim|to|view|float|detach)'",
        r"must be Tensor, not builtin_function_or_method",
        r"unsupported operand type\(s\).*'builtin_function_or_method'",
    )
    GOOD = (
        Good("import torch\ninput = torch.ones(2)\nprint(input.shape)\n"),
        Good("import torch\nprint(max(torch.ones(2)), id(torch) > 0)\n"),
    )
    BAD = (
        Bad("import torch\nones = torch.ones(input.shape)  # 输入\n", at=(2, 19)),
        Bad("import torch, torch.nn as nn\nout = nn.Linear(3, 2)(input)\n", at=(2, 7)),
    )

    def explains(self, crash: Crash) -> bool:
        return _builtin(crash) != ""

    def says(self, crash: Crash) -> str:
        return f"`{_builtin(crash)}` is a function of Python here: no data of this name is defined"


def _builtin(crash: Crash) -> str:
    """The name of Python's own in the failing expression that is not called and that the text never binds; empty where there is none."""
    if crash.node is None:
        return ""
    bound = {one.id for one in crash.code.all(ast.Name) if isinstance(one.ctx, ast.Store)} | {one.arg for one in crash.code.all(ast.arg)}
    for one in crash.code.all(ast.Name, crash.node):
        up = crash.code.parents.get(one)
        called = isinstance(up, ast.Call) and up.func is one
        if callable(getattr(builtins, one.id, None)) and one.id not in bound and not called:
            return one.id
    return ""

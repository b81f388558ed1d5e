"""A constructor is handed an argument that it never reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code, written
from snipfix.model import Applicability, Category, Finding, Severity
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["ArgumentNeverRead"]

BASES = frozenset({"", "object", "nn.Module", "torch.nn.Module", "Module", "Dataset", "torch.utils.data.Dataset", "data.Dataset"})
"""Bases that prescribe no constructor. Under others a parameter may stand there for the sake of the signature."""

CODE = (
    "import torch.nn as nn\n\nclass Block(nn.Module):\n    def __init__(self, width, kernel_size=3):\n        super().__init__()\n"
    "        self.conv = nn.Conv1d(width, width, {})\n{}\nblock = Block(8{})\n"
)


class ArgumentNeverRead(Rule):
    """A constructor is handed an argument that it never reads.

    ## What it does
    Reports an argument that a call hands to a class of the same text whose `__init__` never mentions the parameter. Silent where the parameter is
    named to be ignored (`_`, `unused`), where the class has a base of its own that may prescribe the signature, where another class of the text has
    the same parameter (they are built alike), and where the whole of `locals()` is used.

    ## Why is this bad?
    The setting does nothing: the reader believes that the kernel has the size, or the layer the dropout, that is written down.

    ## Example
    ```python
    def __init__(self, width, kernel_size=3):
        self.conv = nn.Conv1d(width, width, 3)
    ```

    ## Use instead
    ```python
    def __init__(self, width, kernel_size=3):
        self.conv = nn.Conv1d(width, width, kernel_size)
    ```

    ## Fix safety
    There is no fix: whether it is to be used or dropped, only the author knows.

    ## References
    - Python: "Function definitions".
    """

    id = "SNF326"
    name = "argument-never-read"
    category = Category.API_MISUSE
    severity = Severity.WARNING
    applicability = Applicability.DISPLAY_ONLY
    silent = True
    GOOD = (
        Good(CODE.format("kernel_size", "", ", kernel_size=5")),
        Good(CODE.format("3", "", "")),
        Good(CODE.format("3", "        self.settings = locals()\n", ", 5")),
        Good(CODE.format("3", "", ", 5").replace("kernel_size", "_kernel_size")),
        Good(CODE.format("3", "class Other:\n    def __init__(self, kernel_size):\n        self.k = kernel_size\n", ", 5")),
        Good(CODE.format("3", "", ", 5").replace("(nn.Module)", "(nn.Sequential)"), runs=False),
    )
    BAD = (
        Bad(CODE.format("3", "", ", kernel_size=5"), at=(8, 30), runs=False),
        Bad(CODE.format("3", "", ", 5"), at=(8, 18), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        classes = code.all(ast.ClassDef)
        for owner in classes:
            calls = code.calls(owner.name)
            init = next((one for one in owner.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
            if not calls or init is None or {written(base) for base in owner.bases} - BASES or len(init.body) < 2:
                continue
            unread = _unread(code, init, [one for one in classes if one is not owner])
            for call in calls if unread else ():
                for given, name in _handed(call, init):
                    if name in unread and isinstance(call.func, ast.Name):
                        message = f"`{owner.name}` never reads its parameter `{name}`: what is given here does nothing"
                        yield self.finding(message, code.span(given))


def _unread(code: Code, init: ast.FunctionDef, others: list[ast.ClassDef]) -> set[str]:
    """The parameters that a constructor does not mention, and that are no part of a signature shared with another class."""
    names = {arg.arg for arg in (*init.args.args[1:], *init.args.kwonlyargs)}
    read = {one.id for one in code.all(ast.Name, init)}
    if names <= read:
        return set()
    shared = {arg.arg for other in others for one in code.all(ast.FunctionDef, other) if one.name == "__init__" for arg in one.args.args}
    if read & {"locals", "vars", "inspect"}:
        return set()
    return {name for name in names - read - shared if not name.startswith("_") and not name.endswith("_") and "unused" not in name}


def _handed(call: ast.Call, init: ast.FunctionDef) -> Iterator[tuple[ast.expr, str]]:
    """What a call hands over, each with the name of its parameter."""
    names = [arg.arg for arg in init.args.args[1:]]
    for given, name in zip(call.args, names, strict=False):
        if isinstance(given, ast.Starred):
            break
        yield given, name
    yield from ((one.value, one.arg) for one in call.keywords if one.arg)

"""A number, string or list is called, or a list is indexed by several things: the comma before the bracket is missing."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule

LITERALS = frozenset({ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.JoinedStr})


class NumberCalled(Rule):
    """A number, string or list is called like a function.

    ## What it does
    Reports a literal with brackets behind it: `16 (5, 5)`, `"relu" (x)`, `[1, 2] [3, 4]`.

    ## Why is this bad?
    It parses, so no editor marks it; it raises a `TypeError` when it runs. Usually a comma was lost.

    ## Example
    ```python
    nn.Conv2d(1, 16 (5, 5))
    ```

    ## Use instead
    ```python
    nn.Conv2d(1, 16, (5, 5))
    ```

    ## Fix safety
    Unsafe: an operator may be missing instead.

    ## References
    - What's New In Python 3.8: "SyntaxWarning … perhaps you missed a comma?"
    """

    id = "SNF018"
    name = "number-called"
    category = Category.SYNTAX
    GOOD = (Good("sizes = [16, (5, 5)]\nprint([1, 2][0], 'a'.join('bc'))"), Good("x = {'a': print}['a'](1)"))
    BAD = (
        Bad("import torch\nx = torch.zeros(2 (3))\n", at=(2, 17), fixed="import torch\nx = torch.zeros(2, (3))\n", runs=False),
        Bad("import torch\nx = torch.randint(0, 30 (3, 6))\n", at=(2, 22), fixed="import torch\nx = torch.randint(0, 30, (3, 6))\n"),
        Bad("x = [\n    [1, 2]\n    [3, 4],\n]\n", at=(2, 5), fixed="x = [\n    [1, 2],\n    [3, 4],\n]\n"),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for node, literal in _suspects(context):
            what = "indexed by several things" if isinstance(node, ast.Subscript) else "called"
            yield self.finding(f"a literal is {what}: a comma is missing behind it", context.code.span(literal))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        end = context.code.range(finding.span)[1]
        rest = context.code.text[end:]
        blanks = len(rest) - len(rest.lstrip(" \t"))
        newline = rest.lstrip(" \t").startswith("\n")
        edit = Edit(end, end, ",") if newline else Edit(end, end + blanks, ", ")
        yield self.fix("Add the comma", edit, applicability=Applicability.UNSAFE)


def _suspects(context: Context) -> Iterator[tuple[ast.Call | ast.Subscript, ast.expr]]:
    code = context.code
    for call in code.all(ast.Call):
        if call.func.__class__ in LITERALS or (isinstance(call.func, ast.Constant) and call.func.value is not ...):
            yield call, call.func
    for node in code.all(ast.Subscript):
        if isinstance(node.value, ast.List | ast.Tuple | ast.ListComp) and isinstance(node.slice, ast.Tuple):
            yield node, node.value

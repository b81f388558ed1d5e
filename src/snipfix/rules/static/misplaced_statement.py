"""Statements that parse and still cannot stand where they stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import FUNCTIONS
from snipfix.model import Applicability, Category, Finding
from snipfix.rules.base import Bad, Context, Good, Rule

WORDS: dict[type[ast.AST], str] = {
    ast.Return: "return",
    ast.Yield: "yield",
    ast.YieldFrom: "yield from",
    ast.Break: "break",
    ast.Continue: "continue",
}


class MisplacedStatement(Rule):
    """A `return` or `yield` stands outside a function, or a `break` or `continue` outside a loop.

    ## What it does
    Reports the statement. The parser lets it pass, the compiler does not.

    ## Why is this bad?
    Not a line of the text can run. In a document the cause is mostly a lost indentation, or a piece cut out of a function.

    ## Example
    ```python
    def f(x):
        y = x + 1
    return y
    ```

    ## Use instead
    ```python
    def f(x):
        y = x + 1
        return y
    ```

    ## Fix safety
    There is no fix: where the statement belongs is not in the text.

    ## References
    - Python reference, 7.6 "The return statement", 7.9 "The break statement".
    """

    id = "SNF017"
    name = "misplaced-statement"
    category = Category.SYNTAX
    applicability = Applicability.DISPLAY_ONLY
    GOOD = (
        Good("def f():\n    for i in range(3):\n        if i:\n            continue\n        break\n    else:\n        return 1\nf()"),
        Good("f = lambda: (yield)\nwhile True:\n    try:\n        break\n    finally:\n        pass"),
    )
    BAD = (
        Bad("def f(x):\n    y = x + 1\nreturn y\n", at=(3, 1)),
        Bad("if True:\n    break\n", at=(2, 5)),
        Bad("for i in range(3):\n    def f():\n        continue\n", at=(3, 9)),
        Bad("class A:\n    yield 1\n", at=(2, 5)),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for kind, word in WORDS.items():
            for node in context.code.by_type[kind]:
                loop = kind in {ast.Break, ast.Continue}
                if not (_in_loop(context, node) if loop else _in_function(context, node)):
                    place = "loop" if loop else "function"
                    yield self.finding(f"`{word}` stands outside a {place}", context.code.span(node))


def _in_function(context: Context, node: ast.AST) -> bool:
    return isinstance(context.code.around(node, *FUNCTIONS, ast.ClassDef), FUNCTIONS)


def _in_loop(context: Context, node: ast.AST) -> bool:
    inner = node
    for up in context.code.ancestors(node):
        if isinstance(up, ast.For | ast.AsyncFor | ast.While) and inner in up.body:
            return True
        if isinstance(up, (*FUNCTIONS, ast.ClassDef)):
            return False
        inner = up
    return False

"""A name that is read above the line that defines it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.evidence import Exercise, Failure
from snipfix.model import Applicability, Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule

NOT_DEFINED = re.compile(r"name '(\w+)' is not defined")


class NameUsedTooEarly(Rule):
    """A name is read before the statement that defines it has run.

    ## What it does
    Reports a name read at module level, or in a function among that function's own statements, when every binding of it in that scope comes later.
    A read inside a branch of a loop that also binds the name is left alone: an earlier round may have bound it.

    ## Why is this bad?
    It raises `NameError`, or `UnboundLocalError` in a function: an assignment anywhere in a function makes the name local all through it.

    ## Example
    ```python
    print(width * 2)
    width = 3
    ```

    ## Use instead
    ```python
    width = 3
    print(width * 2)
    ```

    ## Fix safety
    The definition is moved up, or the name declared global. Either may be not what was meant, so the fix has to be confirmed by running.

    ## References
    - Python FAQ, "Why am I getting an UnboundLocalError when the variable has a value?"
    """

    id = "SNF101"
    name = "name-used-too-early"
    category = Category.UNDEFINED_NAME
    applicability = Applicability.UNSAFE
    GOOD = (
        Good("def show():\n    print(width)\n\nwidth = 3\nshow()"),
        Good("last = None\nfor i in range(3):\n    if i:\n        print(last)\n    last = i"),
        Good("for i in range(3):\n    if i:\n        print(last)\n    last = i"),
        Good(
            "def outer():\n    def inner():\n        nonlocal found\n        found = 1\n    found = None\n    inner()\n    return found\nouter()"
        ),
        Good("print(max(1, 2))\nmax = 3"),
    )
    BAD = (
        Bad("print(width * 2)\nwidth = 3\n", at=(1, 7), fixed="width = 3\nprint(width * 2)\n"),
        Bad(
            "values = math.sqrt(4.0)\nimport math\nprint(values)\n",
            at=(1, 10),
            fixed="import math\n\nvalues = math.sqrt(4.0)\nprint(values)\n",
        ),
        Bad(
            "net = Net()\n\n# the model\nclass Net:\n    size = 1\n\nprint(net.size)\n",
            at=(1, 7),
            fixed="# the model\nclass Net:\n    size = 1\n\nnet = Net()\n\nprint(net.size)\n",
        ),
        Bad(
            "from math import *\nprint(width * 2)\nwidth = 3\n",
            at=(2, 7),
            fixed="from math import *\nwidth = 3\nprint(width * 2)\n",
        ),
        Bad(
            "count = 0\n\ndef add():\n    count += 1\n\nadd()\nprint(count)\n",
            at=(4, 5),
            fixed="count = 0\n\ndef add():\n    global count\n    count += 1\n\nadd()\nprint(count)\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        said: set[tuple[str, int]] = set()
        for load, first in context.scopes.too_early():
            if (load.node.id, id(load.scope)) not in said:
                said.add((load.node.id, id(load.scope)))
                line = getattr(first.node, "lineno", 0)
                message = f"`{load.node.id}` is read before it is defined on line {line}"
                if load.scope.kind == "function":
                    message = f"`{load.node.id}` is local to this function, which gives it a value only on line {line}"
                yield self.finding(message, context.code.span(load.node), evidence={"symbol": load.node.id, "line": line})

    def on_failure(self, context: Context, failure: Failure, exercise: Exercise | None) -> Iterator[Finding]:
        """What a star import leaves open, the run has met."""
        missing = NOT_DEFINED.match(failure.message) if failure.type == "NameError" else None
        known = {id(load) for load, _ in context.scopes.too_early()}
        lines = {frame.span.line for frame in failure.frames if frame.snippet}
        for load, first in context.scopes.too_early(certain=False) if missing else ():
            if missing and load.node.id == missing[1] and load.node.lineno in lines and id(load) not in known:
                line = getattr(first.node, "lineno", 0)
                stage = Stage.EXERCISE if exercise else Stage.RUN
                message = f"`{load.node.id}` is read before it is defined on line {line}"
                yield self.finding(message, context.code.span(load.node), stage=stage, evidence={"symbol": load.node.id, "line": line})
                return

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        found = next((one for one in context.scopes.too_early(certain=False) if context.code.span(one[0].node) == finding.span), None)
        if found is None:
            return
        load, first = found
        code, name = context.code, load.node.id
        if load.scope.kind == "function":
            body = getattr(load.scope.node, "body", [])
            if name in context.scopes.module.bindings and isinstance(body, list):
                at = code.offset(body[0].lineno, 1)
                indent = code.lines[body[0].lineno - 1][: body[0].col_offset]
                yield self.fix(f"Declare `{name}` global in the function", Edit(at, at, f"{indent}global {name}\n"))
            return
        top, use = _statement(code, first.node), _statement(code, load.node)
        if top is None or use is None or top is use:
            return
        start, end = _block(code, top)
        if isinstance(top, ast.Import | ast.ImportFrom):
            at = code.offset(_first_line(code), 1)
            yield self.fix("Move the import to the top", Edit(start, end, ""), Edit(at, at, code.text[start:end].rstrip("\n") + "\n\n"))
            return
        to = _block(code, use)[0]
        text = code.text[start:end].rstrip("\n") + "\n" + ("\n" if isinstance(top, ast.ClassDef | ast.FunctionDef) else "")
        if isinstance(top, ast.ClassDef | ast.FunctionDef):
            while code.text[end : end + 1] == "\n":
                end += 1
        yield self.fix(f"Move the definition of `{name}` above its use", Edit(to, to, text), Edit(start, end, ""))


def _first_line(code: Code) -> int:
    """The line of the first statement that is neither a docstring nor an import."""
    for node in code.tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            return node.lineno
    return 1


def _statement(code: Code, node: ast.AST) -> ast.stmt | None:
    """The module-level statement around a node."""
    chain = [node, *code.ancestors(node)]
    return next((one for one in chain if isinstance(one, ast.stmt) and one in code.tree.body), None)


def _block(code: Code, node: ast.stmt) -> tuple[int, int]:
    """The whole lines of a statement, with its decorators and the comment lines right above it."""
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
    while first > 1 and code.lines[first - 2].startswith("#"):
        first -= 1
    return code.offset(first, 1), min(code.offset(code.span(node).end_line, 1 << 30) + 1, len(code.text))

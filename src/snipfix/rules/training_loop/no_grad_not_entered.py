"""torch.no_grad() as a statement of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import wrap_expression
from snipfix.model import Applicability, Category, Edit, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["NoGradNotEntered"]

MANAGERS = frozenset({"torch.no_grad", "torch.inference_mode", "torch.enable_grad", "torch.autograd.no_grad"})
HEAD = "import torch, torch.nn as nn\nnet, x = nn.Linear(3, 1), torch.ones(2, 3)\n"


class NoGradNotEntered(Rule):
    """`torch.no_grad()` stands there as a statement: the context manager is made and thrown away, gradients go on being recorded.

    ## What it does
    Reports a statement that is nothing but a call of `torch.no_grad`, `inference_mode` or `enable_grad`, and a `with` that names one without calling it.

    ## Why is this bad?
    Only `with` (or a decorator) turns recording off. The graph of every forward is kept, memory grows, and no error says so.

    ## Example
    ```python
    torch.no_grad()
    prediction = model(x)
    ```

    ## Use instead
    ```python
    with torch.no_grad():
        prediction = model(x)
    ```

    ## Fix safety
    The rest of the block moves under the `with`; a backward pass there would then fail.

    ## References
    - torch.no_grad.
    """

    id = "SNF459"
    name = "no-grad-not-entered"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "with torch.no_grad():\n    print(net(x))\n"),
        Good(HEAD + "@torch.no_grad()\ndef predict(x):\n    return net(x)\nprint(predict(x))\n"),
        Good(HEAD + "torch.set_grad_enabled(False)\nprint(net(x))\n"),
        Good(HEAD + "off = torch.no_grad()\nwith off:\n    print(net(x))\n"),
        Good(HEAD + "guard = torch.no_grad()\nguard.__enter__()\nprint(net(x))\n"),
    )
    BAD = (
        Bad(
            HEAD + "net.eval()\ntorch.no_grad()  # 不计算梯度\nout = net(x)\nprint(out)\n",
            at=(4, 1),
            fixed=HEAD + "net.eval()\nwith torch.no_grad():  # 不计算梯度\n    out = net(x)\n    print(out)\n",
            runs=False,
        ),
        Bad(
            HEAD + "def predict(x):\n    torch.inference_mode()\n    for one in x:\n        print(net(one))\n\n    return net(x)\nprint(predict(x))\n",
            at=(4, 5),
            fixed=HEAD + "def predict(x):\n    with torch.inference_mode():\n        for one in x:\n            print(net(one))\n\n        return net(x)\nprint(predict(x))\n",
            runs=False,
        ),
        Bad(
            HEAD + "with torch.no_grad:\n    print(net(x))\n",
            at=(3, 6),
            fixed=HEAD + "with torch.no_grad():\n    print(net(x))\n",
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for statement in context.code.all(ast.Expr):
            call = statement.value
            if isinstance(call, ast.Call) and context.scopes.qualified(call.func) in MANAGERS:
                message = f"`{context.code.slice(call)}` alone does nothing: only `with` turns the recording of gradients on or off"
                yield self.finding(message, context.code.span(call))
        for entered in context.code.all(ast.withitem):
            given = entered.context_expr
            if isinstance(given, ast.Attribute | ast.Name) and context.scopes.qualified(given) in MANAGERS:
                yield self.finding(f"`{context.code.slice(given)}` is entered without being called", context.code.span(given))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        named = code.node_at(finding.span, (ast.Attribute, ast.Name))
        if named is not None and isinstance(code.parents.get(named), ast.withitem):
            yield self.fix("call it", *wrap_expression(code, named, "{}()"))
            return
        call = code.node_at(finding.span, ast.Call)
        statement = code.parents.get(call) if call is not None else None
        if statement is not None and (edits := _entered(code, statement)):
            yield self.fix("run the rest of the block under it", *edits)


def _entered(code: Code, statement: ast.AST) -> tuple[Edit, ...]:
    """`with` before the statement and four more blanks before the rest of its block; () where lines would be torn."""
    body = next((block for name in ("body", "orelse") if statement in (block := getattr(code.parents[statement], name, []))), None)
    rest = body[body.index(statement) + 1 :] if isinstance(body, list) else []
    first, last = (rest[0].lineno, rest[-1].end_lineno) if rest else (0, 0)
    strings = (one for one in code.nodes if isinstance(one, ast.Constant | ast.JoinedStr) and (one.end_lineno or 0) > one.lineno)
    span = code.span(statement)
    if not rest or first <= span.end_line or any(first <= one.lineno <= last for one in strings):
        return ()
    start, end = code.range(span)
    lines = [number for number in range(first, last + 1) if code.lines[number - 1].strip()]
    moved = [Edit(code.offset(number, 1), code.offset(number, 1), "    ") for number in lines]
    return (Edit(start, start, "with "), Edit(end, end, ":"), *moved)

"""An autograd Function is written in the style of PyTorch 0.1."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.code import Code, written
from snipfix.codemods import insert_statement_before, joined, remove_statement, rename, replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class LegacyAutogradFunction(CrashRule):
    """An autograd Function is written in the style of PyTorch 0.1.

    ## What it does
    Explains a `torch.autograd.Function` whose `forward` is no static method, or which is called instead of applied.

    ## Why is this bad?
    The style was removed in PyTorch 1.5.

    ## Example
    ```python
    class Square(torch.autograd.Function):
        def forward(self, x):
            self.save_for_backward(x)
            return x * x
    ```

    ## Use instead
    ```python
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x
    ```

    ## Fix safety
    What is kept on `self` is kept on the context. What the constructor took is given to `apply` behind the tensors, and backward gives `None` for it;
    a constructor that does more than keep its arguments has to be rewritten by hand.

    ## References
    - torch.autograd.Function
    """

    id = "SNF290"
    name = "legacy-autograd-function"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"[Ll]egacy autograd function with non-static forward method is deprecated",
        r"Attempting to run a legacy-style autograd function|should not be instantiated. Methods on autograd functions are all static",
    )
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nclass Square(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        ctx.save_for_backward(x)\n        return x * x\n\n    @staticmethod\n    def backward(ctx, g):\n        (x,) = ctx.saved_tensors\n        return 2 * x * g\n\nSquare.apply(torch.ones(2, requires_grad=True)).sum().backward()\n"
        ),
        Good("import torch\nimport torch.nn as nn\nf = torch.autograd.Function\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclass Square(torch.autograd.Function):\n    def forward(self, x):\n        self.save_for_backward(x)\n        return x * x\n\n    def backward(self, g):\n        (x,) = self.saved_tensors\n        return 2 * x * g\n\ny = Square()(torch.ones(2, requires_grad=True))\ny.sum().backward()\n",
            at=(12, 5),
            fixed="import torch\nimport torch.nn as nn\nclass Square(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        ctx.save_for_backward(x)\n        return x * x\n\n    @staticmethod\n    def backward(ctx, g):\n        (x,) = ctx.saved_tensors\n        return 2 * x * g\n\ny = Square.apply(torch.ones(2, requires_grad=True))\ny.sum().backward()\n",
        ),
        Bad(
            "import torch\nclass Scaled(torch.autograd.Function):\n    def __init__(self, by):\n        super().__init__()\n        self.by = by  # 倍数\n\n    def forward(self, x):\n        return x * self.by\n\n    def backward(self, g):\n        return g * self.by\n\ny = Scaled(2)(torch.ones(2, requires_grad=True))\ny.sum().backward()\n",
            at=(13, 5),
            fixed="import torch\nclass Scaled(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x, by):\n        ctx.by = by\n        return x * ctx.by\n\n    @staticmethod\n    def backward(ctx, g):\n        return g * ctx.by, None\n\ny = Scaled.apply(torch.ones(2, requires_grad=True), 2)\ny.sum().backward()\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "this autograd Function has no static forward"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code = crash.code
        owners = [node for node in code.all(ast.ClassDef) if any(ast.unparse(base).endswith("Function") for base in node.bases)]
        for owner in owners:
            init = _method(owner, "__init__")
            if init is not None and len(init.args.args) > 1:
                moved = _settings_moved(code, owner, init)
                calls = _applied_with(code, owner.name)
                if moved and calls:
                    yield Offer("Make the methods static and apply the Function", joined(*_static(code, owner), *moved, *calls))
                continue
            # `Square()(x)`, or `square = Square()` and later `square(x)`: the instance stood for what `apply` is now.
            made = [node for node in code.calls(owner.name) if isinstance(node.func, ast.Name) and not node.args and not node.keywords]
            applied = [replace_expression(code, call, f"{owner.name}.apply") for call in made]
            yield Offer("Make the methods static and apply the Function", joined(*_static(code, owner), *applied))


def _method(owner: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((one for one in owner.body if isinstance(one, ast.FunctionDef) and one.name == name), None)


def _static(code: Code, owner: ast.ClassDef) -> Iterator[tuple[Edit, ...]]:
    """`@staticmethod` for forward and backward, which take the context instead of an instance."""
    for method in filter(None, (_method(owner, "forward"), _method(owner, "backward"))):
        if not method.decorator_list:
            yield insert_statement_before(code, method.lineno, "@staticmethod")
        if method.args.args and method.args.args[0].arg == "self":
            yield rename(code, "self", "ctx", inside=method)


def _settings_moved(code: Code, owner: ast.ClassDef, init: ast.FunctionDef) -> list[tuple[Edit, ...]]:
    """What the constructor took as further arguments of forward, kept on the context there; backward gives no gradient for them. Nothing where the
    constructor does more than keep its arguments."""
    forward, backward = _method(owner, "forward"), _method(owner, "backward")
    kept = [one for one in init.body if not _is_text_or_super(one)]
    plain = all(isinstance(one, ast.Assign) and ast.unparse(one.targets[0]).startswith("self.") for one in kept)
    if (
        forward is None
        or backward is None
        or not plain
        or init.args.vararg
        or init.args.kwarg
        or forward.args.vararg
        or not forward.args.args
    ):
        return []
    names = [arg.arg for arg in init.args.args[1:]]
    if set(names) & {arg.arg for arg in forward.args.args}:
        return []
    last = code.range(code.span(forward.args.args[-1]))[1]
    first = forward.body[0]
    lines = "\n".join(re.sub(r"\bself\b", "ctx", code.slice(one)) for one in kept)
    start = code.range(code.span(init.args.args[0]))[1]
    given = code.text[start : code.range(code.span((init.args.defaults or init.args.args)[-1]))[1]]
    edits = [
        _without_method(code, owner, init),
        (Edit(last, last, given),),
        insert_statement_before(code, first.lineno, lines) if lines else (),
    ]
    for one in code.all(ast.Return, backward):
        if one.value is not None:
            whole = one.value.elts[-1] if isinstance(one.value, ast.Tuple) else one.value
            edits.append(wrap_expression(code, whole, "{}" + ", None" * len(names)))
    return edits


def _is_text_or_super(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr | ast.Pass) and (not isinstance(node, ast.Expr) or "super(" in ast.unparse(node) or _is_text(node))


def _is_text(node: ast.Expr) -> bool:
    return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _without_method(code: Code, owner: ast.ClassDef, method: ast.FunctionDef) -> tuple[Edit, ...]:
    """A method gone, up to the one behind it."""
    behind = [one for one in owner.body if one.lineno > method.lineno]
    first = behind[0] if behind else None
    marks: list[ast.expr] = getattr(first, "decorator_list", [])
    end = min([first.lineno, *(one.lineno for one in marks)]) if first is not None else (method.end_lineno or method.lineno) + 1
    return (Edit(code.offset(method.lineno, 1), code.offset(end, 1), ""),)


def _applied_with(code: Code, name: str) -> list[tuple[Edit, ...]]:
    """`Func.apply(x, a)` for `Func(a)(x)`, and for `func = Func(a)` with `func(x)`; nothing where an instance is used in another way."""
    edits: list[tuple[Edit, ...]] = []
    for made in code.calls(name):
        settings = "".join(f", {code.slice(one)}" for one in [*made.args, *(one.value for one in made.keywords)])
        around, target = code.parents.get(made), ""
        if isinstance(around, ast.Assign):
            target = written(around.targets[0])
            edits.append(remove_statement(code, around.lineno))
        uses = code.calls(target.rpartition(".")[2]) if target else []
        calls = [around] if isinstance(around, ast.Call) and around.func is made else [one for one in uses if written(one.func) == target]
        if not calls or any(one.keywords for one in calls) or len(code.assigned.get(target, (made,))) != 1:
            return []
        for call in calls:
            inside = ", ".join(code.slice(one) for one in call.args)
            edits.append(replace_expression(code, call, f"{name}.apply({inside}{settings})"))
    return edits

"""A capsule's squash that does not squash."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator

from snipfix.model import Category, Finding
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words

CODE = (
    "import torch\ndef squash(s, dim=-1):\n    norm2 = (s ** 2).sum(dim=dim, keepdim=True)\n    scale = {}\n    return scale * s{}\n"
    "print(squash(torch.full((2, 4), 50.0)).norm(dim=-1))\n"
)
NORMS = frozenset({"norm", "vector_norm"})
SAME = frozenset(
    "unsqueeze squeeze expand expand_as view reshape repeat contiguous clone float transpose permute clamp_min sum mean".split()
)
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "square": lambda given: given * given,
    "sqrt": lambda given: math.sqrt(abs(given)),
    "rsqrt": lambda given: 1 / math.sqrt(abs(given)),
    "tanh": math.tanh,
}
SHORT, LONG = 1e3, 1e6


class SquashUnbounded(Rule):
    """A function called squash makes long vectors longer still.

    ## What it does
    Follows a vector of a single entry that is not zero through a function of this name, and reports it when the result grows with the
    vector without end. Learned factors count as one.

    ## Why is this bad?
    A capsule's length is read as the probability that its entity is there. The squash keeps the direction and maps the length into 0 to 1;
    without it the margin loss compares numbers of any size with 0.9 and 0.1.

    ## Example
    ```python
    def squash(s):
        norm2 = (s ** 2).sum(-1, keepdim=True)
        return s * (1 - norm2) / (1 + norm2) ** 0.5
    ```

    ## Use instead
    ```python
    def squash(s):
        norm2 = (s ** 2).sum(-1, keepdim=True)
        return norm2 / (1 + norm2) * s / torch.sqrt(norm2 + 1e-8)
    ```

    ## Fix safety
    No fix: how the author wants short vectors treated is not in the text.

    ## References
    - Sabour et al. 2017, "Dynamic Routing Between Capsules", equation 1.
    """

    id = "SNF340"
    name = "squash-unbounded"
    category = Category.API_MISUSE
    GOOD = (
        Good(CODE.format("norm2 / (1 + norm2)", " / torch.sqrt(norm2 + 1e-8)")),
        Good(CODE.format("(norm2.sqrt() / (1 + norm2))", "")),
        Good("import torch\ndef squash(x):\n    return torch.tanh(x)\nprint(squash(torch.ones(2)))\n"),
        Good("import torch\ndef stretch(x):\n    return x * x\nprint(stretch(torch.ones(2)))\n"),
    )
    BAD = (
        Bad(CODE.format("(1 - norm2) / (1 + norm2) ** 0.5", ""), at=(5, 12), runs=False),
        Bad(CODE.format("norm2 / (1 + norm2)", ""), at=(5, 12), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for function in code.all(ast.FunctionDef):
            if "squash" not in words(function.name):
                continue
            names = [one.arg for one in function.args.args if one.arg not in {"self", "cls"}]
            result = _returned(function)
            if not names or result is None:
                continue
            try:
                short, long = (_Lengths(function, names[0], length).value(result) for length in (SHORT, LONG))
            except (_Unknown, ArithmeticError, RecursionError):
                continue
            if math.isfinite(long) and abs(long) > max(abs(short), 1.0) * 100:
                place = next((one.value for one in _assigned(function) if ast.unparse(one.targets[0]) == ast.unparse(result)), result)
                message = f"`{function.name}` does not keep lengths below one: the longer the vector, the longer what it gives, without end"
                yield self.finding(message, code.span(place))


class _Unknown(Exception):  # noqa: N818
    """Something else than arithmetic."""


def _assigned(function: ast.FunctionDef) -> list[ast.Assign]:
    return [one for one in function.body if isinstance(one, ast.Assign) and len(one.targets) == 1]


def _returned(function: ast.FunctionDef) -> ast.expr | None:
    """What a function of plain assignments returns at its end; None for any other function."""
    documented = function.body[:1] if ast.get_docstring(function) else []
    steps = function.body[len(documented) :]
    last = steps[-1] if steps else None
    plain = all(isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name) for one in steps[:-1])
    return last.value if plain and isinstance(last, ast.Return) else None


class _Lengths:
    """The arithmetic of a function on a vector with one entry of this length, all others zero: its sum, its norm and the entry are one number."""

    def __init__(self, function: ast.FunctionDef, name: str, length: float) -> None:
        self.known = {name: length}
        for one in _assigned(function):
            self.known[ast.unparse(one.targets[0])] = self.value(one.value)

    def value(self, node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in self.known:
                return self.known[name]
            case ast.Attribute(value=ast.Name(id="self")):
                return 1.0
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand)
            case ast.Subscript(value=inner):
                return self.value(inner)
            case ast.BinOp():
                return self._operation(node)
            case ast.Call():
                return self._call(node)
        raise _Unknown

    def _operation(self, node: ast.BinOp) -> float:
        left, right = self.value(node.left), self.value(node.right)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
            case ast.Pow() if left >= 0 or right == int(right):
                return float(left**right)
        raise _Unknown

    def _call(self, node: ast.Call) -> float:
        function = node.func
        if not isinstance(function, ast.Attribute):
            raise _Unknown
        module = ast.unparse(function.value) in {"torch", "torch.linalg", "F"}
        if module and not node.args:
            raise _Unknown
        inner, others = (node.args[0], node.args[1:]) if module else (function.value, node.args)
        kind = called(node)
        if kind == "pow" and len(others) == 1:
            return float(self.value(inner) ** self.value(others[0]))
        if kind in NORMS:
            return abs(self.value(inner))
        if kind in FUNCTIONS:
            return FUNCTIONS[kind](self.value(inner))
        if kind in SAME:
            return self.value(inner)
        raise _Unknown

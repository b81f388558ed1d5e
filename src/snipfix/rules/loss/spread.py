"""What a text takes a name for when it draws from a Gaussian, and what its divergence takes the same name for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from snipfix.code import FUNCTIONS, Code, written
from snipfix.rules.loss.gaussian import Divergence, divergences, squared
from snipfix.rules.observed import called
from snipfix.rules.values import literal
from snipfix.rules.written import value_of

__all__ = ["Drawn", "Spread", "charged", "drawn", "handed_on", "last_name", "spread_of"]

PLACING = frozenset({"to", "cuda", "type_as", "requires_grad_", "Variable"})
PRODUCTS = frozenset({"mul", "mul_", "multiply"})


@dataclass(frozen=True)
class Spread:
    """A deviation as a function of one name: exp(power * name), or name ** power."""

    name: ast.expr
    exponential: bool
    power: float

    def agrees(self, other: Spread) -> bool:
        return (self.exponential, self.power) == (other.exponential, other.power)

    def spelt(self, text: str, method: bool) -> str:
        """The deviation in code, for what the name is written as."""
        if not self.exponential:
            return text if self.power == 1 else f"{text}.sqrt()"
        inner = text if self.power == 1 else f"{self.power:g} * {text}"
        if not method:
            return f"torch.exp({inner})"
        return f"{inner}.exp()" if self.power == 1 else f"({inner}).exp()"


@dataclass(frozen=True)
class Drawn:
    """Noise times a deviation: where it is written, and how it is to be read."""

    written: ast.expr
    spread: Spread


def last_name(node: ast.expr) -> str:
    """`log_var` for a name as for `self.log_var`."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def drawn(code: Code) -> Iterator[Drawn]:
    """The deviations that Gaussian noise is multiplied by, names followed once."""
    noises = code.calls("randn_like", "randn", "normal_")
    scales = [call.args[1] for call in code.calls("Normal", "normal") if len(call.args) == 2]
    for factors in ([scales] if scales else []) + [[*_factors(code, noise)] for noise in noises]:
        for factor in factors:
            given = value_of(code, factor) if isinstance(factor, ast.Name) else None
            inner = spread_of(given[0]) if given is not None and given[1] is None else None
            if given is not None and inner is not None and last_name(given[0]) == "":
                yield Drawn(given[0], inner)
            elif (own := spread_of(factor)) is not None:
                yield Drawn(factor, own)


def charged(code: Code) -> Iterator[tuple[Spread, Divergence]]:
    """What the divergences of the text take names for, where their own terms agree."""
    for one in divergences(code):
        log, terms = one.log, one.terms
        factor, inner = _scaled(log)
        if last_name(inner):
            if any((exponent := _exponent(term)) is not None and _same(exponent, (factor, inner)) for term in terms):
                yield Spread(inner, True, factor / 2), one
        elif called(inner) == "log" and (bare := _bare(_operand(inner))) is not None:
            square = squared(bare)
            of = (
                bare
                if not square
                else next((node for node in ast.walk(bare) if isinstance(node, ast.expr) and written(node) == square), bare)
            )
            power = factor if square else factor / 2
            seen = {(squared(_bare(term) or term), 1.0) for term in terms} | {(written(term), 0.5) for term in terms}
            if last_name(of) and (written(of), power) in seen:
                yield Spread(of, False, power), one


def spread_of(node: ast.expr) -> Spread | None:
    """A deviation as read from an expression; None for any other."""
    if last_name(node):
        return Spread(node, False, 1.0)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and literal(node.right) == 0.5:
        return _halved(spread_of(node.left))
    if called(node) in {"sqrt", "sqrt_"} and isinstance(node, ast.Call):
        return _halved(spread_of(_operand(node)))
    exponent = _exponent(node)
    return Spread(exponent[1], True, exponent[0]) if exponent is not None and last_name(exponent[1]) else None


def _halved(one: Spread | None) -> Spread | None:
    return None if one is None else Spread(one.name, one.exponential, one.power / 2)


def _operand(call: ast.expr) -> ast.expr:
    """What `torch.exp(x)` and `x.exp()` work on."""
    if isinstance(call, ast.Call) and call.args:
        return call.args[0]
    return call.func.value if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else call


def _exponent(node: ast.expr) -> tuple[float, ast.expr] | None:
    """Of an exponential, the factor and the name: (0.5, log_var) for `torch.exp(log_var / 2)`."""
    return _scaled(_operand(node)) if called(node) in {"exp", "exp_"} else None


def _scaled(node: ast.expr) -> tuple[float, ast.expr]:
    """A product with a number as the two."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for number, other in ((node.left, node.right), (node.right, node.left)):
            if (value := literal(number)) is not None:
                return value, other
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and (value := literal(node.right)):
        return 1 / value, node.left
    if called(node) in PRODUCTS | {"div"} and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
        value = literal(node.args[0])
        if value:
            return (1 / value if called(node) == "div" else value), node.func.value
    return 1.0, node


def _same(one: tuple[float, ast.expr], other: tuple[float, ast.expr]) -> bool:
    return one[0] == other[0] and written(one[1]) == written(other[1])


def _bare(node: ast.expr) -> ast.expr | None:
    """An expression without a small number that is added to it: `s ** 2` for `s ** 2 + 1e-8`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and literal(node.right) is not None:
        return node.left
    return node


def _factors(code: Code, noise: ast.Call) -> Iterator[ast.expr]:
    """What the noise is multiplied by, where it stands; also under the name that it is given just above."""
    whole: ast.expr = noise
    while (up := code.parents.get(whole)) is not None:
        outer = code.parents.get(up) if isinstance(up, ast.Attribute) else up
        if not isinstance(outer, ast.Call) or called(outer) not in PLACING or outer.func is whole:
            break
        whole = outer
    uses: list[ast.expr] = [whole]
    if isinstance(up, ast.Assign) and isinstance(up.targets[0], ast.Name) and up.value is whole:
        given = [one for one in code.mentions(up.targets[0].id) if isinstance(one.ctx, ast.Load) and isinstance(one, ast.Name)]
        uses = [one for one in given if (made := value_of(code, one)) is not None and made[0] is whole]
    for use in uses:
        product = code.parents.get(use)
        if isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult):
            yield product.left if product.right is use else product.right
        elif isinstance(product, ast.Call) and called(product) in PRODUCTS and use in product.args:  # std.mul(eps), torch.mul(eps, std)
            others = [one for one in product.args if one is not use]
            if others or isinstance(product.func, ast.Attribute):
                yield others[0] if others else product.func.value  # type: ignore[attr-defined]
        elif isinstance(product, ast.Attribute) and product.attr in PRODUCTS and isinstance(call := code.parents.get(product), ast.Call):
            yield from call.args[:1]


def handed_on(code: Code, name: ast.expr) -> bool:
    """Whether a name of a function is what every call gives it under the same name; one that is no parameter is its own."""
    function = code.around(name, *FUNCTIONS)
    given = [one.arg for one in function.args.args] if isinstance(function, ast.FunctionDef) else []
    if not isinstance(name, ast.Name) or not isinstance(function, ast.FunctionDef) or name.id not in given:
        return True
    for call in code.calls(function.name):
        at = given.index(name.id) - (1 if given[0] == "self" and isinstance(call.func, ast.Attribute) else 0)
        passed = next((one.value for one in call.keywords if one.arg == name.id), call.args[at] if 0 <= at < len(call.args) else None)
        starred = any(isinstance(one, ast.Starred) for one in call.args)
        if passed is None or starred:
            continue
        made = {called(one) for one in ast.walk(passed)}
        if (last_name(passed) or name.id) != name.id or made & {"exp", "sqrt", "softplus", "log", "pow"}:
            return False
    return True

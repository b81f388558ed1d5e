"""Expressions: replaced, wrapped, unwrapped, with the parentheses that precedence asks for."""

from __future__ import annotations

import ast

from snipfix.code import Code
from snipfix.codemods.texts import CodemodError, Place, span_of
from snipfix.model import Edit

__all__ = ["replace_expression", "unwrap_call", "wrap_expression"]

ATOMS = (
    ast.Name,
    ast.Attribute,
    ast.Call,
    ast.Subscript,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.JoinedStr,
)


def replace_expression(code: Code, place: Place, text: str) -> tuple[Edit, ...]:
    """Put `text` where the expression stands."""
    start, end = code.range(span_of(code, place))
    return (Edit(start, end, text),)


def wrap_expression(code: Code, place: Place, template: str) -> tuple[Edit, ...]:
    """Put the expression into a template: `{}.float()`, `torch.log({})`. Parenthesised when something is hung on it that binds tighter.

    Raises:
        CodemodError: when no single expression stands at the place.
    """
    span = span_of(code, place)
    node = place if isinstance(place, ast.expr) else code.node_at(span, ast.expr)
    if not isinstance(node, ast.expr):
        raise CodemodError(f"no expression stands at line {span.line}, column {span.column}")
    before, _, after = template.partition("{}")
    start, end = code.range(span)
    if not before and (closed := _closing(code.text, start, end)):
        return (Edit(closed, closed, after),)
    if after[:1] in tuple(".[(*/+-@%") and not _is_atom(code, node):
        before, after = f"{before}(", f"){after}"
    return tuple(edit for edit in (Edit(start, start, before), Edit(end, end, after)) if edit.text)


def _closing(text: str, start: int, end: int) -> int:
    """Where the parentheses that stand around nothing but the expression end; 0 when there are none, or a call's."""
    opening, closing = text[:start].rstrip(), text[end:].lstrip()
    if not (opening.endswith("(") and closing.startswith(")")):
        return 0
    caller = opening[:-1]
    if caller[-1:].isalnum() or caller[-1:] in tuple("_)]\"'"):
        return 0
    return len(text) - len(closing) + 1


def _is_atom(code: Code, node: ast.expr) -> bool:
    """Whether an attribute may follow the text of the node as it stands."""
    if isinstance(node, ATOMS):
        return True
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes)
    # Other parentheses belong to no ast node: `(a + b)` is safe to extend only from outside, which is not where we cut.
    return isinstance(node, ast.Tuple | ast.GeneratorExp) and code.slice(node).startswith("(")


def unwrap_call(code: Code, call: ast.Call) -> tuple[Edit, ...]:
    """Leave of `f(x)` the x: its first argument in place of the call.

    Raises:
        CodemodError: when the call has no positional argument.
    """
    if not call.args:
        raise CodemodError("the call has no argument to keep")
    (start, end), (first, last) = code.range(code.span(call)), code.range(code.span(call.args[0]))
    return (Edit(start, first, ""), Edit(last, end, ""))

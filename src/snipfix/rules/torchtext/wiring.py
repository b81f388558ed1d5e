"""Which field fills which attribute of a torchtext batch, and where these values go: read from the text, for what a run never reaches."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.rules.base import Context
from snipfix.rules.torchtext.model import torchtext_name
from snipfix.rules.written import bare, built, value_of

__all__ = ["batch_value", "columns", "field_option", "fields", "is_false", "is_sequential", "torchtext_calls"]

FIELDS = frozenset({"Field", "LabelField"})
TRANSLATIONS = frozenset({"Multi30k", "IWSLT", "WMT14", "TranslationDataset"})


def torchtext_calls(context: Context, *names: str) -> Iterator[ast.Call]:
    """The calls of these names of torchtext, whatever way they are imported."""
    return (call for call, name in _named(context) if name in names)


def _named(context: Context) -> list[tuple[ast.Call, str]]:
    """Every call of something of torchtext with its name; looked up once per text."""
    known: list[tuple[ast.Call, str]] | None = context.memo.get("torchtext calls")
    if known is None:
        called = ((call, torchtext_name(context, call.func)) for call, name in context.scopes.calls if name.startswith("torchtext."))
        known = context.memo["torchtext calls"] = [(call, name) for call, name in called if name]
    return known


def fields(context: Context) -> dict[str, ast.Call]:
    """The fields of the text by name; a name that is bound twice is left out."""
    known: dict[str, ast.Call] | None = context.memo.get(__name__)
    if known is None and not any(True for _ in torchtext_calls(context, *FIELDS)):
        return {}
    if known is None:
        made = {name: built(context.code, name) for name in context.code.assigned if name.isidentifier()}
        known = context.memo[__name__] = {
            name: call for name, call in made.items() if call is not None and torchtext_name(context, call.func) in FIELDS
        }
    return known


def field_option(call: ast.Call, name: str) -> ast.expr | None:
    """What a field is given by keyword."""
    return next((word.value for word in call.keywords if word.arg == name), None)


def is_false(node: ast.expr | None) -> bool:
    """Whether an option is switched off in plain words."""
    return isinstance(node, ast.Constant) and node.value is False


def is_sequential(context: Context, call: ast.Call) -> bool:
    """Whether a field holds texts, which it pads, and no labels."""
    return torchtext_name(context, call.func) == "Field" and not is_false(field_option(call, "sequential")) and not call.args


def columns(context: Context) -> dict[str, str]:
    """The field behind each attribute of a batch: `("text", TEXT)` in a list or dict of fields, `src` and `trg` of a translation."""
    known, found = fields(context), dict[str, str]()
    if not known:
        return found
    for pair in context.code.all(ast.Tuple):
        match pair.elts:
            case [ast.Constant(value=str(name)), ast.Name(id=field)] if field in known:
                found[name] = field
    for call, name in _named(context):
        if name.partition(".")[0] in TRANSLATIONS:
            given = next((word.value for word in call.keywords if word.arg == "fields"), call.args[1] if len(call.args) > 1 else None)
            match given:
                case ast.Tuple(elts=[ast.Name(id=one), ast.Name(id=other)]) if {one, other} <= set(known):
                    found |= {"src": one, "trg": other}
    return found


def batch_value(context: Context, node: ast.expr) -> str:
    """The attribute of a batch that an expression is, reshaped or not: `trg` for `tgt.view(-1)` behind `src, tgt = batch.src, batch.trg`."""
    node = bare(node)
    for _ in range(4):
        if not isinstance(node, ast.Name):
            break
        given = value_of(context.code, node)
        if given is None:
            return ""
        value, part = given
        if part is not None:
            return ""
        node = bare(value)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and _is_loop_name(context, node.value):
        return node.attr
    return ""


def _is_loop_name(context: Context, name: ast.Name) -> bool:
    """Whether a name is the one that a loop around it gives values to."""
    loops = (up for up in context.code.ancestors(name) if isinstance(up, ast.For))
    return any(isinstance(part, ast.Name) and part.id == name.id for loop in loops for part in ast.walk(loop.target))

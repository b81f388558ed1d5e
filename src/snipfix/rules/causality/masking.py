"""Telling attention and pooling of a mask of tokens that a model takes and does not hand on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.codemods import add_keyword, insert_statement_before, replace_expression, replace_statement
from snipfix.model import Edit
from snipfix.rules.causality.causal_mask_inverted import lower_triangle, turned_round
from snipfix.rules.edits import applied_to, statement_of
from snipfix.rules.observed import called
from snipfix.rules.written import forward_of

__all__ = ["future_hidden", "mask_handed_on"]

KEYWORDS = {
    "TransformerEncoder": "src_key_padding_mask",
    "TransformerEncoderLayer": "src_key_padding_mask",
    "MultiheadAttention": "key_padding_mask",
}
"""What the layers of torch.nn call the mask of the positions to leave out: True there."""


def mask_handed_on(code: Code, owner: ast.ClassDef, mask: str, *, padding: bool) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    """Titles and edits that hand a mask to the attention of a model, and to its mean over the steps; () when no attention is called.

    `padding`: a True in the mask stands for padding, else for a token.
    """
    forward = forward_of(owner)
    stacks = list(_attention(owner, forward)) if forward is not None else []
    if forward is None or not stacks:
        return
    defaulted = _defaulted(code, forward, mask, "zeros_like" if padding else "ones_like")
    left_out = f"{mask}.bool()" if padding else f"{mask} == 0"
    may_be_none = _optional(forward, mask) and not defaulted
    given = f"None if {mask} is None else {left_out}" if may_be_none else left_out
    told = tuple(edit for call, word in stacks for edit in add_keyword(code, call, word, given))
    last = max(call.end_lineno or call.lineno for call, _ in stacks)
    counted = f"({mask} == 0)" if padding else mask
    pooled = () if may_be_none else tuple(edit for call in _means(forward, last) for edit in _counting(code, call, counted))
    if pooled:
        yield "keep the padding out of the attention and of the mean", (*defaulted, *told, *pooled)
    yield "keep the padding out of the attention", (*defaulted, *told)


def future_hidden(code: Code) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    """Edits that hide what comes after in an attention of the text's own, in front of its softmax: by the mask that it makes and never applies, or by a new one."""
    for owner in code.all(ast.ClassDef):
        forward = forward_of(owner)
        applied = code.calls("masked_fill", "masked_fill_", "where", inside=forward) if forward is not None else []
        for one in (call.args[0] for call in applied if call.args):
            if isinstance(one, ast.Compare) and isinstance(one.comparators[0], ast.Constant) and one.comparators[0].value in (0, 1):
                yield "hide what comes after, not what comes before", turned_round(code, one)
        if forward is None or applied:
            continue
        for softmax in code.calls("softmax", inside=forward):
            scores = applied_to(softmax)
            if not isinstance(scores, ast.Name) or statement_of(code, softmax) is None:
                continue
            mask = _unapplied(code, owner, forward, scores.id)
            attends = "attention" in owner.name.lower() or "head" in owner.name.lower()
            if mask:
                text = f'{scores.id} = {scores.id}.masked_fill({mask}, float("-inf"))'
                yield "apply the causal mask to the scores", insert_statement_before(code, softmax.lineno, text)
            elif attends:
                mask = f"torch.ones_like({scores.id}, dtype=torch.bool).triu(1)"
                text = f'{scores.id} = {scores.id}.masked_fill({mask}, float("-inf"))'
                yield "let no position see the ones after it", insert_statement_before(code, softmax.lineno, text)


def _unapplied(code: Code, owner: ast.ClassDef, forward: ast.FunctionDef, scores: str) -> str:
    """Where the causal mask that a class makes hides: a local name that nothing reads, or the part of its buffer that fits the scores."""
    for one in code.all(ast.Assign, inside=forward):
        target = one.targets[0]
        if isinstance(target, ast.Name) and (lower := lower_triangle(code, one.value)) is not None:
            read = [name for name in code.mentions(target.id) if isinstance(name.ctx, ast.Load)]
            if not read:
                return f"{target.id} == {0 if lower else 1}"
    for call in code.calls("register_buffer", inside=owner):
        lower = lower_triangle(code, call.args[1]) if len(call.args) > 1 else None
        name = call.args[0].value if lower is not None and isinstance(call.args[0], ast.Constant) else None
        if isinstance(name, str):
            return f"self.{name}[..., : {scores}.size(-2), : {scores}.size(-1)] == {0 if lower else 1}"
    return ""


def _attention(owner: ast.ClassDef, forward: ast.FunctionDef) -> Iterator[tuple[ast.Call, str]]:
    """The calls of attention layers in forward that know of no mask yet, with the keyword that they take."""
    made = {}
    for node in ast.walk(owner):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            kinds = [called(one) for one in ast.walk(node.value) if called(one) in KEYWORDS]
            made.update({ast.unparse(node.targets[0]): KEYWORDS[kinds[0]]} if kinds else {})
    for node in ast.walk(forward):
        if isinstance(node, ast.For) and ast.unparse(node.iter) in made:
            made[ast.unparse(node.target)] = made[ast.unparse(node.iter)]
    for node in ast.walk(forward):
        word = made.get(ast.unparse(node.func)) if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and word and not any(one.arg in (word, None) for one in node.keywords):
            yield node, word


def _optional(forward: ast.FunctionDef, mask: str) -> bool:
    defaults = dict(zip([one.arg for one in reversed(forward.args.args)], reversed(forward.args.defaults), strict=False))
    default = defaults.get(mask)
    return isinstance(default, ast.Constant) and default.value is None


def _defaulted(code: Code, forward: ast.FunctionDef, mask: str, nothing: str) -> tuple[Edit, ...]:
    """`if mask is not None: x = x * mask` turned into a mask of all where none is given: zeroed vectors keep no padding out."""
    names = [one.arg for one in forward.args.args]
    ids = names[1] if len(names) > 1 else ""
    looked_up = any(isinstance(node, ast.Call) and [ast.unparse(one) for one in node.args] == [ids] for node in ast.walk(forward))
    for node in forward.body:
        guards = isinstance(node, ast.If) and ast.unparse(node.test) == f"{mask} is not None" and not node.orelse
        if looked_up and guards and isinstance(node, ast.If) and len(node.body) == 1 and _multiplies(node.body[0], mask):
            return replace_statement(code, node.lineno, f"if {mask} is None:\n    {mask} = torch.{nothing}({ids})")
    return ()


def _multiplies(statement: ast.stmt, mask: str) -> bool:
    """`x = x * mask...` or `x *= mask...`."""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Mult):
        return mask in _names(statement.value)
    value = statement.value if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Mult) or not isinstance(statement, ast.Assign):
        return False
    return ast.unparse(statement.targets[0]) == ast.unparse(value.left) and mask in _names(value.right)


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _means(forward: ast.FunctionDef, line: int) -> Iterator[ast.Call]:
    """`x.mean(dim=1)` at or after a line, of a plain name."""
    for node in ast.walk(forward):
        if not isinstance(node, ast.Call) or node.lineno < line or not ast.unparse(node).endswith((".mean(dim=1)", ".mean(1)")):
            continue
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id != "torch":
            yield node


def _counting(code: Code, mean: ast.Call, mask: str) -> tuple[Edit, ...]:
    assert isinstance(mean.func, ast.Attribute)
    summed = f"({ast.unparse(mean.func.value)} * {mask}.unsqueeze(-1)).sum(dim=1)"
    return replace_expression(code, mean, f"{summed} / {mask}.sum(dim=1, keepdim=True)")

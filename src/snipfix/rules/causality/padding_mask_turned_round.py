"""A mask of the padding that is true for the words."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.written import value_of

__all__ = ["PaddingMaskTurnedRound"]

KEYWORDS = frozenset({"key_padding_mask", "src_key_padding_mask", "tgt_key_padding_mask", "memory_key_padding_mask"})
OPPOSITE = {ast.NotEq: "==", ast.Gt: "<=", ast.Lt: ">="}
NET = (
    "import torch, torch.nn as nn\nlayer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\nwords = nn.Embedding(20, 8, padding_idx=0)\n"
    "ids = torch.tensor([[5, 6, 7], [3, 0, 0]])\n{}print(layer(words(ids), src_key_padding_mask={}).shape)\n"
)


class PaddingMaskTurnedRound(Rule):
    """The mask of the padding that attention is given is true for the words instead.

    ## What it does
    Reports `key_padding_mask` and its kin where what they are given is true for the real positions: `ids != 0`, `ids != pad_idx`, `ids.ne(pad_idx)`,
    positions below the lengths, or an `attention_mask` of 1 for words made boolean. What a function of the text takes under such a name may mean
    anything, and is left alone.

    ## Why is this bad?
    `True` means that a position is left out. The attention then looks at nothing but padding. A text without padding leaves it nothing to look
    at: the result is NaN or zero, or the program stops.

    ## Example
    ```python
    out = encoder(x, src_key_padding_mask=(ids != pad_idx))
    ```

    ## Use instead
    ```python
    out = encoder(x, src_key_padding_mask=(ids == pad_idx))
    ```

    ## Fix safety
    Unsafe: the attention sees what it did not see before.

    ## References
    - torch.nn.MultiheadAttention: `key_padding_mask`, "True indicates that the corresponding key value will be ignored".
    """

    id = "SNF374"
    name = "padding-mask-turned-round"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(NET.format("", "ids == 0")),
        Good(NET.format("keep = ids != 0\n", "~keep")),
        Good(NET.format("padding = (ids == 0).float()\n", "padding != 0")),
        Good(NET.format("padded = torch.zeros(2, 3)\n", "padded.bool()")),
    )
    BAD = (
        Bad(NET.format("", "(ids != 0)"), at=(5, 47), fixed=NET.format("", "(ids == 0)"), runs=False),
        Bad(
            NET.format("mask = ids.ne(0)  # 掩码\n", "mask"),
            at=(6, 46),
            fixed=NET.format("mask = ids.eq(0)  # 掩码\n", "mask"),
            runs=False,
        ),
        Bad(
            NET.format("keep = ids != words.padding_idx\nprint(keep.sum())\n", "keep"),
            at=(7, 46),
            fixed=NET.format("keep = ids != words.padding_idx\nprint(keep.sum())\n", "~keep"),
            runs=False,
        ),
        Bad(
            NET.format("attention_mask = (ids != 0).long()\n", "attention_mask.bool()"),
            at=(6, 46),
            fixed=NET.format("attention_mask = (ids != 0).long()\n", "attention_mask == 0"),
            runs=False,
        ),
        Bad(
            NET.format("lengths = torch.tensor([3, 1])\nmask = torch.arange(3)[None, :] < lengths[:, None]\n", "mask"),
            at=(7, 46),
            fixed=NET.format("lengths = torch.tensor([3, 1])\nmask = torch.arange(3)[None, :] >= lengths[:, None]\n", "mask"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        own = {one.arg for one in code.all(ast.arg)} if "flash_attn" not in code.text else KEYWORDS
        for node in code.all(ast.keyword):
            if node.arg in KEYWORDS - own and _shows_words(_made(code, node.value)[0]):
                yield self.finding(
                    f"`{node.arg}` is true where a position is left out, and this is true for the words", code.span(node.value)
                )

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        node = next((one.value for one in code.all(ast.keyword) if one.arg in KEYWORDS and code.span(one.value) == finding.span), None)
        if node is None:
            return
        made, shared = _made(code, node)
        if shared:
            yield self.fix("turn the mask round", *wrap_expression(code, node, "~{}"))
        elif (text := _turned(code, made)) is not None:
            yield self.fix("turn the mask round", *replace_expression(code, made, text))


def _made(code: Code, node: ast.expr) -> tuple[ast.expr, bool]:
    """The expression that makes a mask, behind a name too, and whether that name is read for something else as well."""
    if not isinstance(node, ast.Name) or (given := value_of(code, node)) is None or given[1] is not None:
        return node, False
    reads = [one for one in code.mentions(node.id) if isinstance(one.ctx, ast.Load)]
    masks = [one for one in reads if isinstance(up := code.parents.get(one), ast.keyword) and up.arg in KEYWORDS]
    return given[0], len(masks) < len(reads)


def _shows_words(node: ast.expr) -> bool:
    """Whether a mask is certainly true for words and false for padding."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.keywords:
        of = _names(node.func.value)
        if called(node) == "bool" and not node.args:
            return isinstance(node.func.value, ast.Name) and node.func.value.id == "attention_mask"
        return called(node) == "ne" and len(node.args) == 1 and _is_padding(node.args[0]) and not _of_padding(of)
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return False
    left, right = node.left, node.comparators[0]
    if isinstance(node.ops[0], ast.Lt):
        return any(isinstance(one, ast.Call) and called(one) == "arange" for one in ast.walk(left)) and bool(
            _names(right) & {"lengths", "length", "lens"}
        )
    if isinstance(node.ops[0], ast.Gt) and not (isinstance(right, ast.Constant) and right.value == 0):
        return False
    return isinstance(node.ops[0], ast.NotEq | ast.Gt) and _is_padding(right) and not _of_padding(_names(left))


def _is_padding(node: ast.expr) -> bool:
    """Whether an expression is the id of the padding: 0, or a name that says so."""
    if isinstance(node, ast.Constant):
        return node.value == 0 and not isinstance(node.value, bool)
    return isinstance(node, ast.Name | ast.Attribute) and _of_padding(_names(node))


def _names(node: ast.expr) -> set[str]:
    found = [one.id if isinstance(one, ast.Name) else one.attr for one in ast.walk(node) if isinstance(one, ast.Name | ast.Attribute)]
    return {word for name in found for word in words(name)}


def _of_padding(names: set[str]) -> bool:
    """Whether names speak of padding, or of a mask that may be one of padding."""
    return ("mask" in names and "attention" not in names) or bool(
        names & {"pad", "padding", "padded", "padmask", "ignore", "ignored", "masked"}
    )


def _turned(code: Code, node: ast.expr) -> str | None:
    """The text of a mask that is true where the other is false; None where it has another form."""
    if isinstance(node, ast.Compare):
        left, right = code.slice(node.left), code.slice(node.comparators[0])
        return f"{left} {OPPOSITE[type(node.ops[0])]} {right}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        of = code.slice(node.func.value)
        return f"{of} == 0" if called(node) == "bool" else f"{of}.eq({code.slice(node.args[0])})"
    return None

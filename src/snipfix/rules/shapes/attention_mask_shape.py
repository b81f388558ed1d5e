"""An attention layer is given a mask of the wrong shape."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from snipfix.codemods import add_keyword, joined, replace_expression, wrap_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword, origin, passed, wrapped

CUT = (
    "import torch\nimport torch.nn as nn\nattn = nn.MultiheadAttention(8, 2, batch_first=True)\nx = torch.zeros(3, 5, 8)\n"
    "mask = nn.Transformer.generate_square_subsequent_mask(9)  # 最长\ny = attn(x, x, x, attn_mask={})\n"
)


class AttentionMaskShape(CrashRule):
    """An attention layer is given a mask of the wrong shape.

    ## What it does
    Explains masks that fit neither (target length, source length) nor (batch, source length).

    ## Why is this bad?
    The program stops. Usually `batch_first` is forgotten, so that batch and length change places, or the mask was made for another length.

    ## Example
    ```python
    attn = nn.MultiheadAttention(8, 2)
    attn(x, x, x, attn_mask=torch.ones(5, 5).triu(1).bool())  # x: (3, 5, 8)
    ```

    ## Use instead
    ```python
    attn = nn.MultiheadAttention(8, 2, batch_first=True)
    attn(x, x, x, attn_mask=torch.ones(5, 5).triu(1).bool())
    ```

    ## Fix safety
    `batch_first` is offered when the mask then fits.

    ## References
    - torch.nn.MultiheadAttention: attn_mask, key_padding_mask
    """

    id = "SNF213"
    name = "attention-mask-shape"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError", "AssertionError")
    MESSAGES = (
        r"The shape of the \dD attn_mask is torch\.Size\(.*?\), but should be \((\d+), ?\d+",
        r"Expected key_padd(?:ed|ing)_mask\.shape\[\d\]",
        r"attn_mask's? (?:size|dimension) .*",
        r"[Ee]xpected.*key_padding_mask.*but got",
    )
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nattn = nn.MultiheadAttention(8, 2, batch_first=True)\nx = torch.zeros(3, 5, 8)\nattn(x, x, x, attn_mask=torch.ones(5, 5).triu(1).bool())\n"
        ),
        Good(
            "import torch\nimport torch.nn as nn\nattn = nn.MultiheadAttention(8, 2)\nx = torch.zeros(5, 3, 8)\nattn(x, x, x, key_padding_mask=torch.zeros(3, 5).bool())\n"
        ),
    )
    BAD = (
        Bad(CUT.format("mask"), at=(6, 5), fixed=CUT.format("mask[:x.size(1), :x.size(1)]")),
        Bad(
            "import torch\nimport torch.nn as nn\nattn = nn.MultiheadAttention(8, 2)\nx = torch.zeros(3, 5, 8)\ny, w = attn(x, x, x, attn_mask=torch.ones(5, 5).triu(1).bool())\n",
            at=(5, 8),
            fixed="import torch\nimport torch.nn as nn\nattn = nn.MultiheadAttention(8, 2, batch_first=True)\nx = torch.zeros(3, 5, 8)\ny, w = attn(x, x, x, attn_mask=torch.ones(5, 5).triu(1).bool())\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return f"an attention mask does not fit its input: {crash.failure.message.splitlines()[0].rstrip('.')}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        mask = passed(crash, 9, "attn_mask", "mask", "src_mask", "tgt_mask")
        padding = passed(crash, 9, "key_padding_mask", "src_key_padding_mask", "tgt_key_padding_mask")
        if padding is not None and "padd" in crash.failure.message and _steps_first(crash):
            yield from wrapped(crash, padding, "{}.t()", "Put the batch in front")
        # The layer that turns batch and length is the outermost one of the library that the snippet built.
        for node in crash.code.nodes:
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in LAYERS and keyword(node, "batch_first") is None:
                yield Offer("Say that the batch comes first", add_keyword(crash.code, node, "batch_first", "True"))
        if "padd" in crash.failure.message or mask is None:
            yield from wrapped(crash, padding, "{}.t()", "Put the batch in front")
        yield from _sized_by_another(crash, mask)
        yield from _cut(crash, mask)
        length = crash.found[0] if crash.found else ""
        outer = origin(crash, mask)
        birth = crash.born(outer) if isinstance(outer, ast.Name) else None
        made = [birth.value] if birth is not None else crash.code.assigned.get(crash.text(outer), []) if outer is not None else []
        sizes = [node for node in ast.walk(made[0]) if isinstance(node, ast.Constant)] if len(made) == 1 else []
        given = [node for node in sizes if isinstance(node.value, int) and node.value > 1]
        if length and given and len({node.value for node in given}) == 1:
            yield Offer("Make the mask as long as the input", joined(*(replace_expression(crash.code, node, length) for node in given)))


def _cut(crash: Crash, mask: ast.expr | None) -> Iterator[Offer]:
    """The part of a mask for the longest text that a shorter one needs: `self.mask[:T, :T]`."""
    sizes = re.search(r"2D attn_mask is torch\.Size\(\[(\d+), \1\]\), but should be \((\d+), ?\2\)", crash.failure.message)
    if mask is None or sizes is None or int(sizes[1]) <= int(sizes[2]):
        return
    query, kept = passed(crash, 0, "src", "tgt", "query"), crash.frame.locals if crash.frame else {}
    named = [name for name, value in kept.items() if value.kind == "int" and value.text == sizes[2]]
    shape = kept[query.id].shape or () if isinstance(query, ast.Name) and query.id in kept else ()
    if len(named) == 1:
        length = named[0]
    elif isinstance(query, ast.Name) and shape.count(int(sizes[2])) == 1:
        length = f"{query.id}.size({shape.index(int(sizes[2]))})"
    else:
        return
    yield Offer("Cut the mask to the length of the input", wrap_expression(crash.code, mask, f"{{}}[:{length}, :{length}]"))


def _steps_first(crash: Crash) -> bool:
    """Whether the text goes on as if the steps came first: what the layer gives is averaged over its first axis, or one step of it taken."""
    code, statement = crash.code, crash.statement
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    for call in code.calls(*POOLED):
        dim = keyword(call, "dim") or (call.args[0] if call.args else None)
        inner = call.func.value if isinstance(call.func, ast.Attribute) else None
        of_layer = inner is crash.call or (isinstance(inner, ast.Name) and isinstance(target, ast.Name) and inner.id == target.id)
        if of_layer and dim is not None and ast.unparse(dim) == "0":
            return True
    reads = [node for node in code.all(ast.Subscript) if isinstance(target, ast.Name) and ast.unparse(node.value) == target.id]
    return any(ast.unparse(node.slice) in ("0", "-1") for node in reads)


POOLED = ("mean", "sum", "max", "amax")
LAYERS = ("MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer", "Transformer")


def _sized_by_another(crash: Crash, mask: ast.expr | None) -> Iterator[Offer]:
    """A mask made as long as another sequence than the one it is for: `tgt_mask=subsequent(memory.size(1))`."""
    birth = crash.born(mask) if isinstance(mask, ast.Name) else None
    made = birth.value if birth is not None else mask
    query = passed(crash, 0, "tgt", "src", "query")
    if not isinstance(query, ast.Name) or made is None:
        return
    sizes = [one.value for one in ast.walk(made) if isinstance(one, ast.Attribute) and one.attr in ("size", "shape")]
    others = [one for one in sizes if isinstance(one, ast.Name) and one.id != query.id]
    if others:
        edits = joined(*(replace_expression(crash.code, one, query.id) for one in others))
        yield Offer(f"Make the mask as long as {query.id}", edits)

"""A decoder that decodes its source instead of its target."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.causality.sequence import TARGETS
from snipfix.rules.observed import words

MODEL = (
    "import torch\nimport torch.nn as nn\n\nclass Writer(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.blocks = nn.ModuleList(nn.TransformerDecoderLayer(8, 2, 16) for _ in range(2))\n\n"
    "    def forward(self, trg, enc):\n        x = {}  # 解码\n        for block in self.blocks:\n            x = block(x, memory=enc)\n"
    "        return x\n\nWriter()(torch.zeros(4, 2, 8), torch.ones(5, 2, 8))\n"
)


class TargetNeverRead(Rule):
    """A decoder takes a target that it never reads: its source goes through the layers as its own memory.

    ## What it does
    Reports `forward` when a parameter that is named as the target (`tgt`, `trg`, `target`) is never read, and a layer is called with `memory=`
    the very tensor that its first argument started from.

    ## Why is this bad?
    Nothing crashes, but what the model writes does not depend on what it has written so far: it is an encoder of the source. It cannot learn
    to translate.

    ## Example
    ```python
    def forward(self, src, tgt):
        output = src
        for layer in self.layers:
            output = layer(output, memory=src)
    ```

    ## Use instead
    ```python
    def forward(self, src, tgt):
        output = tgt
        for layer in self.layers:
            output = layer(output, memory=src)
    ```

    ## Fix safety
    Unsafe: the result has the target's length from then on, as a decoder's should.

    ## References
    - Vaswani et al. 2017, "Attention Is All You Need", 3.2.3: queries come from the decoder, keys and values from the encoder.
    """

    id = "SNF478"
    name = "target-never-read"
    category = Category.API_MISUSE
    silent = True
    GOOD = (
        Good(MODEL.format("trg")),
        Good(
            "import torch\nimport torch.nn as nn\n\nclass Refiner(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.block = nn.TransformerDecoderLayer(8, 2, 16)\n\n    def forward(self, src):\n        return self.block(src, memory=src)\n\n"
            "Refiner()(torch.zeros(4, 2, 8))\n"
        ),
    )
    BAD = (Bad(MODEL.format("enc"), at=(10, 13), fixed=MODEL.format("trg"), runs=False),)

    def static(self, context: Context) -> Iterator[Finding]:
        for forward in context.code.all(ast.FunctionDef) if "memory" in context.code.text else ():
            found = decoded_source(forward) if forward.name == "forward" else None
            if found is not None:
                node, target = found
                message = f"`{target}` is never read: the layers decode `{node.id}`, which is their memory as well"
                yield self.finding(message, context.code.span(node), evidence={"target": target, "source": node.id})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code: Code = context.code
        node = code.node_at(finding.span, ast.Name)
        target = finding.evidence.get("target")
        if isinstance(node, ast.Name) and isinstance(target, str):
            yield self.fix(f"decode `{target}`", *replace_expression(code, node, target))


def decoded_source(forward: ast.FunctionDef) -> tuple[ast.Name, str] | None:
    """Where the source goes in as what is decoded, with the target that was meant; None when the target is read or no memory is given."""
    names = [one for one in ast.walk(forward) if isinstance(one, ast.Name)]
    read = {one.id for one in names if isinstance(one.ctx, ast.Load)}
    stored = {one.id for one in names if isinstance(one.ctx, ast.Store)}
    parameters = [one.arg for one in forward.args.args]
    unread = [name for name in parameters if words(name) and words(name)[-1] in TARGETS and name not in read | stored]
    if len(unread) != 1:
        return None
    for call in (one for one in ast.walk(forward) if isinstance(one, ast.Call) and one.args):
        memory = next((one.value for one in call.keywords if one.arg == "memory"), None)
        first = call.args[0]
        if not isinstance(memory, ast.Name) or memory.id not in parameters or memory.id in stored or not isinstance(first, ast.Name):
            continue
        begun = [first] if first.id == memory.id else _begun(forward, first.id)
        if len(begun) == 1 and begun[0].id == memory.id:
            return begun[0], unread[0]
    return None


def _begun(forward: ast.FunctionDef, name: str) -> list[ast.Name]:
    """The names that a variable is set to as they stand: `output = src`."""
    return [
        node.value
        for node in ast.walk(forward)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Name)
        and any(isinstance(one, ast.Name) and one.id == name for one in node.targets)
    ]

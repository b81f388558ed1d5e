"""One-hot vectors are looked up in an embedding, number by number."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from math import prod

from snipfix.code import FUNCTIONS, Code
from snipfix.codemods import replace_expression, wrap_expression
from snipfix.evidence import Call, Outcome, Value
from snipfix.model import Applicability, Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called
from snipfix.rules.written import reshaped, value_of

__all__ = ["OneHotLookedUp", "are_one_hot", "ids_instead"]

MADE = re.compile(r"\b(?:one_hot|eye)\(")
HEAD = (
    "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\ntable = nn.Embedding(4, 3)\nlabels = torch.tensor([0, 3, 1])\n"
)


class OneHotLookedUp(Rule):
    """One-hot vectors are looked up in an embedding, number by number.

    ## What it does
    Reports an `nn.Embedding` whose input is seen to be rows of zeros with a single one, as long as its table, in a text that makes one-hot vectors.

    ## Why is this bad?
    An embedding takes ids. Of a one-hot row it looks up id 0 again and again and id 1 once: the vector of the class itself is never read.

    ## Example
    ```python
    labels = F.one_hot(labels, 10)
    vectors = nn.Embedding(10, 4)(labels)
    ```

    ## Use instead
    ```python
    vectors = nn.Embedding(10, 4)(labels)
    ```

    ## Fix safety
    `argmax` gives back the ids that the rows were made from. Vectors with several ones are no ids: they are not reported.

    ## References
    - torch.nn.Embedding
    - torch.nn.functional.one_hot
    """

    id = "SNF600"
    name = "one-hot-looked-up"
    category = Category.DTYPE
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + "print(F.one_hot(labels, 4) @ table.weight.long(), table(labels))\n"),
        Good(HEAD + "print(table(torch.tensor([[0, 1, 2, 0], [1, 0, 3, 0]])), F.one_hot(labels))\n"),
    )
    BAD = (
        Bad(
            HEAD + "rows = F.one_hot(labels, 4)\nvectors = table(rows)\nprint(vectors)\n",
            at=(7, 11),
            fixed=HEAD + "rows = labels\nvectors = table(rows)\nprint(vectors)\n",
        ),
        Bad(
            HEAD + "rows = F.one_hot(labels, 4)\nvectors = table(rows)\nprint(vectors, rows)\n",
            at=(7, 11),
            fixed=HEAD + "rows = F.one_hot(labels, 4)\nvectors = table(rows.argmax(dim=-1))\nprint(vectors, rows)\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for call in outcome.calls if MADE.search(context.code.text) else ():
            rows = call.inputs[0] if call.module.type == "Embedding" and call.inputs else None
            if rows is not None and call.span is not None and are_one_hot(rows, _entries(call)) and "int" in rows.dtype:
                message = f"{call.module.path} looks up the zeros and ones of one-hot vectors {rows.shape}: it takes their ids"
                yield self.finding(message, call.span, stage=Stage.RUN, evidence={"shape": list(rows.shape or ())})

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        if isinstance(call, ast.Call) and call.args:
            yield self.fix("Look up the ids of the one-hot vectors", *ids_instead(context.code, call.args[0]))


def _entries(call: Call) -> int:
    """How many vectors the table of an embedding has."""
    told = call.module.config.get("num_embeddings")
    return int(told.text) if told is not None and told.text.isdigit() else 0


def are_one_hot(rows: Value, entries: int) -> bool:
    """Whether values are rows of zeros with a single one, each as long as the table has entries."""
    shape = rows.shape or ()
    several = len(shape) > 1 and shape[-1] == entries > 2 and prod(shape[:-1]) > 0
    # Sums are told of floating-point numbers only.
    single = len(shape) - 1 in rows.sums or "int" in rows.dtype
    return several and rows.whole is True and rows.low == 0 and rows.high == 1 and single


def ids_instead(code: Code, node: ast.expr) -> tuple[Edit, ...]:
    """The ids of one-hot vectors: what they were made from where nothing else reads them, else the places of their ones."""
    given = value_of(code, node) if isinstance(node, ast.Name) else (node, None)
    made = given[0] if given is not None and given[1] is None else None
    alone = not isinstance(node, ast.Name) or _reads(code, node) == 1
    ids = _made_from(made) if made is not None and alone else None
    if made is None or ids is None:
        return wrap_expression(code, node, "{}.argmax(dim=-1)")
    return replace_expression(code, made, code.slice(ids))


def _reads(code: Code, name: ast.Name) -> int:
    """How often a name is read in its own function."""
    home = code.around(name, *FUNCTIONS)
    return sum(isinstance(one.ctx, ast.Load) and code.around(one, *FUNCTIONS) is home for one in code.mentions(name.id))


def _made_from(node: ast.expr) -> ast.expr | None:
    """The ids in `F.one_hot(ids, n).float()` and `torch.eye(n)[ids]`."""
    node = reshaped(node)
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called(node) in ("long", "int", "double"):
        node = node.func.value
    if isinstance(node, ast.Call) and called(node) == "one_hot" and node.args:
        return node.args[0]
    from_eye = isinstance(node, ast.Subscript) and called(node.value) == "eye" and ast.unparse(node.value).startswith("torch.")
    return node.slice if isinstance(node, ast.Subscript) and from_eye and not isinstance(node.slice, ast.Tuple | ast.Slice) else None

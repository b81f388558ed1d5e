"""Token ids are given to an embedding as floating-point numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.dtype.one_hot_looked_up import are_one_hot, ids_instead
from snipfix.rules.mending import origin, passed, value_offers
from snipfix.rules.widths import argument_of
from snipfix.rules.written import reshaped


class IdsNotInteger(CrashRule):
    """Token ids are given to an embedding as floating-point numbers.

    ## What it does
    Explains `nn.Embedding` on an input that is not of integer type.

    ## Why is this bad?
    The program stops: ids are indices into a table.

    ## Example
    ```python
    ids = torch.Tensor([[1, 2]])
    nn.Embedding(9, 4)(ids)
    ```

    ## Use instead
    ```python
    ids = torch.Tensor([[1, 2]]).long()
    nn.Embedding(9, 4)(ids)
    ```

    ## Fix safety
    Safe for whole numbers. One-hot vectors stand for the ids of their ones, which are taken. Random features are no ids: there the data are of the wrong kind, and ids of the table's size are offered as a change.

    ## References
    - torch.nn.Embedding
    """

    id = "SNF244"
    name = "ids-not-integer"
    category = Category.DTYPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError", "TypeError", "IndexError")
    MESSAGES = (
        r"Expected tensor for argument #1 'indices' to have one of the following scalar types",
        r"tensors used as indices must be long, int, byte or bool",
        r"Expected tensor for argument #1 'indices' to have scalar type Long",
        r"(?:gather|scatter|index_select|take_along_dim)\(\): Expected dtype int",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.Embedding(9, 4)(torch.tensor([[1, 2]]))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.Embedding(9, 4)(torch.zeros(2).long())\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nembedding = nn.Embedding(10, 4)\nids = torch.Tensor([[1, 2], [3, 4]])\ny = embedding(ids)\n",
            at=(5, 5),
            fixed="import torch\nimport torch.nn as nn\nembedding = nn.Embedding(10, 4)\nids = torch.Tensor([[1, 2], [3, 4]]).long()\ny = embedding(ids)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nfor rows in torch.eye(4).split(2):\n    y = nn.Embedding(4, 3)(rows)\n    print(rows)\n",
            at=(4, 9),
            fixed="import torch\nimport torch.nn as nn\nfor rows in torch.eye(4).split(2):\n    y = nn.Embedding(4, 3)(rows.argmax(dim=-1))\n    print(rows)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        if self._points(crash):
            index = crash.argument(2, "index")
            return f"{crash.operation.name.rpartition('.')[2]} takes whole numbers as its index, it is given {index.dtype if index else 'other'} numbers"
        layer = crash.module.path if crash.module else "the embedding"
        return f"{layer} looks up ids, it is given {crash.tensors[0].dtype if crash.tensors else 'floating-point'} numbers"

    @staticmethod
    def _points(crash: Crash) -> bool:
        """Whether the failing operation takes its values by an index: `q.gather(1, actions)`."""
        return "Expected dtype int" in crash.failure.message

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if self._points(crash):
            index = passed(crash, 2, "index")
            for one in (reshaped(index), index) if index is not None else ():
                yield from value_offers(crash, one, "{}.long()", "Make the ids integers")
            return
        value, node = crash.argument(0), passed(crash, 0, "input")
        outer = origin(crash, node)
        if value is not None and outer is not None and are_one_hot(value, (crash.shape(1) or (0,))[0]):
            yield Offer("Look up the ids of the one-hot vectors", ids_instead(crash.code, outer))
            return
        if value is None or value.whole is not False:
            yield from value_offers(crash, node, "{}.long()", "Make the ids integers")
            return
        birth = crash.born(outer) if isinstance(outer, ast.Name) else None
        made = birth.value if birth is not None else outer
        if isinstance(made, ast.Call) and ast.unparse(made.func) in ("torch.randn", "torch.rand") and made.args:
            sizes = ", ".join(crash.text(arg) for arg in made.args)
            count = argument_of(crash.constructor, 0, "num_embeddings") if crash.constructor is not None else None
            at_home = count is not None and (isinstance(count, ast.Constant) or crash.function_of(count) is crash.code.tree)
            entries = crash.text(count) if count is not None and at_home else str(crash.shape(1)[0])
            shape = (
                crash.text(made.args[0]) if isinstance(made.args[0], ast.Tuple) else f"({sizes},)" if len(made.args) == 1 else f"({sizes})"
            )
            yield Offer("Make random ids", replace_expression(crash.code, made, f"torch.randint(0, {entries}, {shape})"))

"""An optimizer for sparse gradients is given dense ones, or the other way round."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, joined, remove_argument
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.edits import rename_callee
from snipfix.rules.mending import keyword
from snipfix.rules.training_loop.loops import assigned

__all__ = ["GradientsOfAnotherKind"]

HEAD = (
    "import torch, torch.nn as nn\nwords = nn.Embedding(9, 4{})\nopt = torch.optim.{}(words.parameters(), lr=0.1)\n"
    "loss = words(torch.tensor([1, 2])).pow(2).sum()\nloss.backward()\nopt.step()\n"
)
OPTIMIZERS = frozenset("Adam AdamW Adamax NAdam RAdam RMSprop Rprop Adadelta ASGD LBFGS SparseAdam Adafactor".split())


class GradientsOfAnotherKind(CrashRule):
    """An optimizer for sparse gradients is given dense ones, or the other way round.

    ## What it does
    Explains a step of `SparseAdam` over dense gradients, and one of Adam and others over the sparse gradients of an embedding.

    ## Why is this bad?
    The program stops at the first step. An embedding gives sparse gradients only with `sparse=True`, and only some optimizers take them.

    ## Example
    ```python
    embedding = nn.Embedding(1000, 16)
    optimizer = torch.optim.SparseAdam(embedding.parameters())
    ```

    ## Use instead
    ```python
    embedding = nn.Embedding(1000, 16, sparse=True)
    optimizer = torch.optim.SparseAdam(embedding.parameters())
    ```

    ## Fix safety
    Sparse Adam moves only the rows that a batch has used; the training differs from that with Adam.

    ## References
    - torch.optim.SparseAdam
    - torch.nn.Embedding: `sparse`
    """

    id = "SNF376"
    name = "gradients-of-another-kind"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"(\w+) does not support (dense|sparse) gradients",)
    GOOD = (
        Good(HEAD.format(", sparse=True", "SparseAdam")),
        Good(HEAD.format("", "Adam")),
    )
    BAD = (
        Bad(HEAD.format("", "SparseAdam"), at=(6, 1), fixed=HEAD.format(", sparse=True", "SparseAdam")),
        Bad(HEAD.format(", sparse=True", "Adam"), at=(6, 1), fixed=HEAD.format(", sparse=True", "SparseAdam")),
    )

    def says(self, crash: Crash) -> str:
        return f"`{crash.found[0]}` takes no {crash.found[1]} gradients, and a parameter has them"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code = crash.code
        tables = [
            call
            for call in code.calls("Embedding", "EmbeddingBag")
            if (given := keyword(call, "sparse")) is None or crash.text(given) == "False"
        ]
        sparse = [call for call in code.calls("Embedding", "EmbeddingBag") if keyword(call, "sparse") is not None]
        makers = [call for _, call in assigned(code, OPTIMIZERS)]
        if crash.found[1] == "dense":
            if tables and all(keyword(call, "sparse") is None for call in tables):
                yield Offer(
                    "Let the embedding give sparse gradients", joined(*(add_keyword(code, call, "sparse", "True") for call in tables))
                )
            for call in (one for one in makers if _is_named(one, "SparseAdam")):
                yield Offer("Use Adam", rename_callee(code, call, "Adam"))
            return
        for call in (one for one in makers if not _is_named(one, "SparseAdam")):
            yield Offer("Use Adam for sparse gradients", rename_callee(code, call, "SparseAdam"))
        if sparse:
            yield Offer("Let the embedding give dense gradients", joined(*(remove_argument(code, call, "sparse") for call in sparse)))


def _is_named(call: ast.Call, name: str) -> bool:
    return ast.unparse(call.func).rpartition(".")[2] == name

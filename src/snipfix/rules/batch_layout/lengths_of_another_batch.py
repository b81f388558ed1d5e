"""Sequences are packed with another number of lengths than there are sequences."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, remove_argument
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword

__all__ = ["LengthsOfAnotherBatch"]

HEAD = (
    "import torch\nfrom torch.nn.utils.rnn import pack_padded_sequence, pad_sequence\n"
    "parts = [torch.zeros(5, 3), torch.zeros(2, 3)]\nlengths = [5, 2]\n"
)


class LengthsOfAnotherBatch(CrashRule):
    """Sequences are packed with another number of lengths than there are sequences: the time is taken for the batch.

    ## What it does
    Explains `pack_padded_sequence` where the number of lengths is not the size of the batch.

    ## Why is this bad?
    The program stops. `pad_sequence` puts the time first unless it is told otherwise, and so does `pack_padded_sequence` expect it: one of both was told.

    ## Example
    ```python
    padded = pad_sequence(parts)
    packed = pack_padded_sequence(padded, lengths, batch_first=True)
    ```

    ## Use instead
    ```python
    padded = pad_sequence(parts, batch_first=True)
    packed = pack_padded_sequence(padded, lengths, batch_first=True)
    ```

    ## Fix safety
    Both calls get the same layout; what follows has to agree with it.

    ## References
    - torch.nn.utils.rnn.pad_sequence
    - torch.nn.utils.rnn.pack_padded_sequence
    """

    id = "SNF463"
    name = "lengths-of-another-batch"
    category = Category.BATCH_LAYOUT
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"Expected `len\(lengths\)` to be equal to batch_size, but got (\d+) \(batch_size=(\d+)\)",)
    GOOD = (
        Good(HEAD + "pack_padded_sequence(pad_sequence(parts), lengths)\n"),
        Good(HEAD + "pack_padded_sequence(pad_sequence(parts, batch_first=True), lengths, batch_first=True)\n"),
    )
    BAD = (
        Bad(
            HEAD + "padded = pad_sequence(parts)\npacked = pack_padded_sequence(padded, lengths, batch_first=True)\n",
            at=(6, 10),
            fixed=HEAD
            + "padded = pad_sequence(parts, batch_first=True)\npacked = pack_padded_sequence(padded, lengths, batch_first=True)\n",
        ),
        Bad(
            HEAD + "packed = pack_padded_sequence(torch.zeros(2, 5, 3), lengths)\n",
            at=(5, 10),
            fixed=HEAD + "packed = pack_padded_sequence(torch.zeros(2, 5, 3), lengths, batch_first=True)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return f"{crash.found[0]} lengths are given for what is taken for {crash.found[1]} sequences: the batch stands in another place"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        first = keyword(crash.call, "batch_first")
        if first is not None and ast.unparse(first) == "True":
            for call in crash.code.calls("pad_sequence"):
                if keyword(call, "batch_first") is None and len(call.args) == 1:
                    yield Offer("Pad with the batch first", add_keyword(crash.code, call, "batch_first", "True"))
        if crash.call is not None and first is None and len(crash.call.args) < 3:
            yield Offer("Say that the batch comes first", add_keyword(crash.code, crash.call, "batch_first", "True"))
        elif crash.call is not None and first is not None:
            yield Offer("Let the time come first", remove_argument(crash.code, crash.call, "batch_first"))

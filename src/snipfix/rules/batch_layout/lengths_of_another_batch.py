"""Sequences are packed with another number of lengths than there are sequences."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, remove_argument
from snipfix.evidence import Span
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called

__all__ = ["LengthsOfAnotherBatch"]

HEAD = (
    "import torch\nfrom torch.nn.utils.rnn import pack_padded_sequence, pad_sequence\n"
    "parts = [torch.zeros(5, 3), torch.zeros(2, 3)]\nlengths = [5, 2]\n"
)
UNSORTED = (
    "parts = [torch.zeros(n, 3) for n in (5, 3, 8)]\npadded = pad_sequence({})  # 补齐\n"
    "lengths = torch.tensor([5, 3, 8])\npacked = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)\n"
    "print(torch.nn.GRU(3, 4, batch_first=True)(packed)[1].shape)\n"
)


class LengthsOfAnotherBatch(CrashRule):
    """Sequences are packed with another number of lengths than there are sequences: the time is taken for the batch.

    ## What it does
    Explains `pack_padded_sequence` where the number of lengths is not the size of the batch, and a recurrent layer that fails at sequences
    which were padded in one layout and packed in the other.

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
    MESSAGES = (
        r"Expected `len\(lengths\)` to be equal to batch_size, but got (\d+) \(batch_size=(\d+)\)",
        r"start \((\d+)\) \+ length \(\d+\) exceeds dimension size \(\d+\)",
    )
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
            HEAD + UNSORTED.format("parts"),
            at=(8, 10),
            fixed=HEAD + UNSORTED.format("parts, batch_first=True"),
        ),
        Bad(
            HEAD + "packed = pack_padded_sequence(torch.zeros(2, 5, 3), lengths)\n",
            at=(5, 10),
            fixed=HEAD + "packed = pack_padded_sequence(torch.zeros(2, 5, 3), lengths, batch_first=True)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return len(crash.found) == 2 or _at_odds(crash) is not None

    def says(self, crash: Crash) -> str:
        if len(crash.found) == 1:
            return "the sequences are padded in one layout and packed in another: the lengths are counted along the batch"
        return f"{crash.found[0]} lengths are given for what is taken for {crash.found[1]} sequences: the batch stands in another place"

    def place(self, crash: Crash) -> Span:
        call = _at_odds(crash) if len(crash.found) == 1 else None
        return crash.span if call is None else crash.code.span(call)

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call = _at_odds(crash) if len(crash.found) == 1 else crash.call
        first = keyword(call, "batch_first")
        if _batch_first(call):
            for padding in crash.code.calls("pad_sequence"):
                if keyword(padding, "batch_first") is None and len(padding.args) == 1:
                    yield Offer("Pad with the batch first", add_keyword(crash.code, padding, "batch_first", "True"))
        if call is not None and first is None and len(call.args) < 3:
            yield Offer("Say that the batch comes first", add_keyword(crash.code, call, "batch_first", "True"))
        elif call is not None and first is not None:
            yield Offer("Let the time come first", remove_argument(crash.code, call, "batch_first"))


def _at_odds(crash: Crash) -> ast.Call | None:
    """The packing of what a padding in the same text has laid out the other way: what PyTorch sorts itself it packs, and the layer fails."""
    padded = [_batch_first(call) for call in crash.code.calls("pad_sequence")]
    return next((call for call in crash.code.calls("pack_padded_sequence") if (not _batch_first(call)) in padded), None)


def _batch_first(call: ast.Call | None) -> bool:
    """Whether a call says that the batch comes first."""
    if call is None:
        return False
    first = keyword(call, "batch_first") or next(iter(call.args[2 if called(call) == "pack_padded_sequence" else 1 :]), None)
    return isinstance(first, ast.Constant) and first.value is True

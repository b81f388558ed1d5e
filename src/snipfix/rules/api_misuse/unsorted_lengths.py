"""Sequences are packed that are not sorted by length."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.codemods import add_keyword
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class UnsortedLengths(CrashRule):
    """Sequences are packed that are not sorted by length.

    ## What it does
    Explains `pack_padded_sequence` on lengths that do not decrease.

    ## Why is this bad?
    The program stops. Sorting is needed only for export to ONNX.

    ## Example
    ```python
    pack_padded_sequence(x, [2, 4])
    ```

    ## Use instead
    ```python
    pack_padded_sequence(x, [2, 4], enforce_sorted=False)
    ```

    ## Fix safety
    PyTorch sorts, and gives the results back in the old order.

    ## References
    - torch.nn.utils.rnn.pack_padded_sequence
    """

    id = "SNF313"
    name = "unsorted-lengths"
    category = Category.API_MISUSE
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError", "ValueError")
    MESSAGES = (r"array (?:must|has to) be sorted in decreasing order", r"batch_sizes should always be decreasing")
    GOOD = (
        Good("from torch.nn.utils.rnn import pack_padded_sequence\nimport torch\npack_padded_sequence(torch.zeros(4, 2, 3), [4, 2])\n"),
        Good(
            "from torch.nn.utils.rnn import pack_padded_sequence\nimport torch\npack_padded_sequence(torch.zeros(4, 2, 3), [2, 4], enforce_sorted=False)\n"
        ),
    )
    BAD = (
        Bad(
            "from torch.nn.utils.rnn import pack_padded_sequence\nimport torch\npacked = pack_padded_sequence(torch.zeros(4, 2, 3), [2, 4])\n",
            at=(3, 10),
            fixed="from torch.nn.utils.rnn import pack_padded_sequence\nimport torch\npacked = pack_padded_sequence(torch.zeros(4, 2, 3), [2, 4], enforce_sorted=False)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "the lengths of the packed sequences are not sorted"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if crash.call is not None:
            yield Offer("Let PyTorch sort", add_keyword(crash.code, crash.call, "enforce_sorted", "False"))

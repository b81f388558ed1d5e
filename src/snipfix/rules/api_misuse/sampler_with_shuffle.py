"""A DataLoader is given a sampler and told to shuffle."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.codemods import remove_argument
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword


class SamplerWithShuffle(CrashRule):
    """A DataLoader is given a sampler and told to shuffle.

    ## What it does
    Explains `shuffle=True` beside a `sampler` or `batch_sampler`.

    ## Why is this bad?
    The sampler decides the order; shuffling as well is a contradiction.

    ## Example
    ```python
    DataLoader(data, shuffle=True, sampler=sampler)
    ```

    ## Use instead
    ```python
    DataLoader(data, sampler=sampler)
    ```

    ## Fix safety
    The sampler stays in charge.

    ## References
    - torch.utils.data.DataLoader
    """

    id = "SNF312"
    name = "sampler-with-shuffle"
    category = Category.API_MISUSE
    applicability = Applicability.SAFE
    TYPES = ("ValueError",)
    MESSAGES = (r"sampler option is mutually exclusive with shuffle", r"batch_sampler option is mutually exclusive with")
    GOOD = (
        Good("from torch.utils.data import DataLoader\nimport torch\nDataLoader(torch.zeros(4), shuffle=True)\n"),
        Good(
            "from torch.utils.data import DataLoader, SubsetRandomSampler\nimport torch\nDataLoader(torch.zeros(4), sampler=SubsetRandomSampler([0, 1]))\n"
        ),
    )
    BAD = (
        Bad(
            "from torch.utils.data import DataLoader, SubsetRandomSampler\nimport torch\nloader = DataLoader(torch.zeros(4, 2), batch_size=2, shuffle=True, sampler=SubsetRandomSampler([0, 1]))\n",
            at=(3, 10),
            fixed="from torch.utils.data import DataLoader, SubsetRandomSampler\nimport torch\nloader = DataLoader(torch.zeros(4, 2), batch_size=2, sampler=SubsetRandomSampler([0, 1]))\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "shuffle=True stands beside a sampler, which already decides the order"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if crash.call is not None and keyword(crash.call, "shuffle") is not None:
            yield Offer("Drop shuffle", remove_argument(crash.code, crash.call, "shuffle"))

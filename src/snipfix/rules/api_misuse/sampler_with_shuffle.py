"""A DataLoader is given a sampler and told to shuffle."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.codemods import remove_argument, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword


class SamplerWithShuffle(CrashRule):
    """A DataLoader is given a sampler and told to shuffle.

    ## What it does
    Explains `shuffle=True` beside a `sampler`, and `batch_size`, `shuffle`, `sampler` or `drop_last` beside a `batch_sampler`.

    ## Why is this bad?
    The sampler decides the order; shuffling as well is a contradiction. A batch sampler makes the batches, size and order included.

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
        Bad(
            "from torch.utils.data import DataLoader\nimport torch\nloader = DataLoader(torch.zeros(4, 2), batch_size=2, batch_sampler=[[0, 1], [2, 3]], shuffle=True)\n",
            at=(3, 10),
            fixed="from torch.utils.data import DataLoader\nimport torch\nloader = DataLoader(torch.zeros(4, 2), batch_sampler=[[0, 1], [2, 3]])\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        if "batch_sampler option" in crash.failure.message:
            return f"{' and '.join(_beside(crash)) or 'another option'} beside a batch_sampler, which already makes the batches"
        return "shuffle=True stands beside a sampler, which already decides the order"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if crash.call is None:
            return
        if "batch_sampler option" not in crash.failure.message:
            if keyword(crash.call, "shuffle") is not None:
                yield Offer("Drop shuffle", remove_argument(crash.code, crash.call, "shuffle"))
            return
        given = _beside(crash)
        if len(given) == 1:
            yield Offer(f"Drop {given[0]}", remove_argument(crash.code, crash.call, given[0]))
        elif given and crash.call.lineno == crash.call.end_lineno:
            kept = [crash.text(one) for one in (*crash.call.args, *crash.call.keywords) if getattr(one, "arg", None) not in given]
            text = f"{crash.text(crash.call.func)}({', '.join(kept)})"
            yield Offer(f"Drop {' and '.join(given)}", replace_expression(crash.code, crash.call, text))


def _beside(crash: Crash) -> list[str]:
    """The options given beside a batch sampler that it decides itself."""
    return [name for name in ("batch_size", "shuffle", "sampler", "drop_last") if keyword(crash.call, name) is not None]

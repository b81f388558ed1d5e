"""A data set is split into parts whose sizes do not add up to its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword


class SplitLengthsDoNotAddUp(CrashRule):
    """A data set is split into parts whose sizes do not add up to its own.

    ## What it does
    Explains `random_split` with lengths of another sum.

    ## Why is this bad?
    The program stops. The last part is best computed from the others.

    ## Example
    ```python
    random_split(data, [7, 2])  # 10 samples
    ```

    ## Use instead
    ```python
    random_split(data, [7, len(data) - 7])
    ```

    ## Fix safety
    The last part takes what the others leave.

    ## References
    - torch.utils.data.random_split
    """

    id = "SNF318"
    name = "split-lengths-do-not-add-up"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("ValueError",)
    MESSAGES = (r"Sum of input lengths does not equal the length of the input dataset",)
    GOOD = (
        Good("from torch.utils.data import random_split\nimport torch\nrandom_split(range(10), [7, 3])\n"),
        Good("from torch.utils.data import random_split\nimport torch\nrandom_split(range(10), [0.7, 0.3])\n"),
    )
    BAD = (
        Bad(
            "from torch.utils.data import random_split\nimport torch\ndata = range(10)\ntrain, test = random_split(data, [7, 2])\n",
            at=(4, 15),
            fixed="from torch.utils.data import random_split\nimport torch\ndata = range(10)\ntrain, test = random_split(data, [7, len(data) - 7])\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        data, parts = (crash.operation.kwargs.get(name) for name in ("dataset", "lengths"))
        if data is not None and parts is not None and data.length is not None:
            return f"the parts {parts.text} do not add up to the {data.length} samples"
        return "the parts do not add up to the data set"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call, code = crash.call, crash.code
        parts = call.args[1] if call is not None and len(call.args) > 1 else keyword(call, "lengths")
        if call is None or not isinstance(parts, ast.List | ast.Tuple) or len(parts.elts) < 2 or not call.args:
            return
        others = " - ".join(code.slice(one) for one in parts.elts[:-1])
        whole = f"len({code.slice(call.args[0])})"
        last = parts.elts[-1]
        birth = crash.born(last) if isinstance(last, ast.Name) else None
        yield Offer(
            "Let the last part take the rest", replace_expression(code, birth.value if birth is not None else last, f"{whole} - {others}")
        )

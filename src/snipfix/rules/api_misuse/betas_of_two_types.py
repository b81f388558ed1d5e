"""An Adam whose two betas are an integer and a float."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.widths import argument_of

CODE = "import torch, torch.nn as nn\nmodel = nn.Linear(2, 1)\nopt = torch.optim.Adam(model.parameters(), lr=1e-4, betas={})  # 优化器\n"


class BetasOfTwoTypes(CrashRule):
    """One of an optimizer's betas is written as an integer, the other as a float.

    ## What it does
    Explains the refusal of `betas=(0, 0.9)`.

    ## Why is this bad?
    The program stops: both are floats or both are tensors. Papers on adversarial networks write 0, and older versions of torch took it.

    ## Example
    ```python
    torch.optim.Adam(critic.parameters(), betas=(0, 0.9))
    ```

    ## Use instead
    ```python
    torch.optim.Adam(critic.parameters(), betas=(0.0, 0.9))
    ```

    ## Fix safety
    Safe: the number is the same.

    ## References
    - torch.optim.Adam: "betas (tuple[Union[float, Tensor], Union[float, Tensor]], optional)".
    """

    id = "SNF188"
    name = "betas-of-two-types"
    category = Category.API_MISUSE
    applicability = Applicability.SAFE
    TYPES = ("ValueError",)
    MESSAGES = (r"betas must be either both floats or both Tensors",)
    GOOD = (Good(CODE.format("(0.0, 0.9)")), Good(CODE.format("(0.5, 0.999)")))
    BAD = (
        Bad(CODE.format("(0, 0.9)"), at=(3, 7), fixed=CODE.format("(0.0, 0.9)")),
        Bad(
            "limits = (1, 0.5)\npair = (0, 0.9)\n" + CODE.format("pair"),
            at=(5, 7),
            fixed="limits = (1, 0.5)\npair = (0.0, 0.9)\n" + CODE.format("pair"),
        ),
    )

    def says(self, crash: Crash) -> str:
        return "one of the betas is an integer, the other a float: both are floats or both are tensors"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        given = argument_of(crash.call, 2, "betas") if crash.call is not None else None
        birth = crash.born(given) if isinstance(given, ast.Name) else None
        pair = birth.value if birth is not None else given
        numbers = pair.elts if isinstance(pair, ast.Tuple | ast.List) else []
        whole = [one for one in numbers if isinstance(one, ast.Constant) and type(one.value) is int]
        if whole:
            yield Offer(
                "Write both as floats",
                tuple(edit for one in whole for edit in replace_expression(crash.code, one, f"{crash.code.slice(one)}.0")),
            )

"""An argument whose name became a keyword of the language."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.model import Applicability, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule

MOVES = frozenset({"cuda", "to", "cpu", "copy_", "type"})
"""The calls that took `async` before torch 0.4.1."""


class AsyncArgument(SyntaxRule):
    """A tensor is moved with `async=True`, and `async` is a keyword of the language since Python 3.7.

    ## What it does
    Reports `async=` in calls of `cuda`, `to`, `cpu`, `copy_` and `type`.

    ## Why is this bad?
    The text does not parse.

    ## Example
    ```python
    x = x.cuda(async=True)
    ```

    ## Use instead
    ```python
    x = x.cuda(non_blocking=True)
    ```

    ## Fix safety
    Safe: torch 0.4.1 gave the argument this name.

    ## References
    - Release notes of PyTorch 0.4.1; docs.python.org, "What's New In Python 3.7".
    """

    id = "SNF021"
    name = "async-argument"
    applicability = Applicability.SAFE
    GOOD = (
        Good("import torch\n\nx = torch.ones(2).to('cpu', non_blocking=True)"),
        Good("import asyncio\n\nasync def main():\n    return 'cuda(async=True)'\n\nasyncio.run(main())"),
    )
    BAD = (
        Bad("import torch\n\nx = torch.ones(2)\nx = x.to('cpu', async=True)  # moved\n", at=(4, 17), fixed="import torch\n\nx = torch.ones(2)\nx = x.to('cpu', non_blocking=True)  # moved\n"),
        Bad("import torch\n\nx, y = torch.ones(2), torch.ones(2)\nx.copy_(y, async = True)\ny.copy_(x, async=False)\n", at=(4, 12), fixed="import torch\n\nx, y = torch.ones(2), torch.ones(2)\nx.copy_(y, non_blocking = True)\ny.copy_(x, non_blocking=False)\n"),
    )  # fmt: skip

    def mends(self, broken: Broken) -> Iterator[Mend]:
        code = broken.scan.code
        edits: list[Edit] = []
        for number, token in enumerate(code[:-1]):
            if token.text == "async" and code[number + 1].text == "=" and number > 1:
                opener = next(
                    (place for place in range(number - 1, 0, -1) if code[place].text == "(" and code[place].depth < token.depth), 0
                )
                if opener and code[opener - 1].text in MOVES:
                    edits.append(Edit(token.start, token.end, "non_blocking"))
        if edits:
            yield Mend(
                "Write `non_blocking`",
                tuple(edits),
                edits[0].start,
                "`async` is a keyword of the language: torch calls this argument `non_blocking`",
            )

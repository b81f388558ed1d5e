"""A function reads a name of the module that has no value yet when the function is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.names.unpacked import unpacked

ENCODER = (
    "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def encode(self, x):\n        mean, spread = x.mean(), x.std()\n"
    "        return mean, spread\n\n    def forward(self, x):\n        {} = self.encode(x)\n        return mean * spread, mean, spread\n\n"
    "out, mean, spread = Net()(torch.arange(4.0))\nprint(spread)\n"
)


class GlobalNotBoundYet(CrashRule):
    """A function reads a name of the module that has no value yet when the function is called.

    ## What it does
    Explains a `NameError` inside a function for a name that the module binds only later.

    ## Why is this bad?
    The function was to have a value of its own under that name: the name is bound elsewhere by chance, so that nothing shows before it runs.

    ## Example
    ```python
    def forward(self, x):
        mean = self.encode(x)  # returns mean, spread
        return mean * spread

    out, mean, spread = model(x)
    ```

    ## Use instead
    ```python
    def forward(self, x):
        mean, spread = self.encode(x)
        return mean * spread
    ```

    ## Fix safety
    Unsafe: the names are those that the called function returns.

    ## References
    - Python reference, 4.2.2 "Resolution of names".
    """

    id = "SNF102"
    name = "global-not-bound-yet"
    category = Category.UNDEFINED_NAME
    applicability = Applicability.UNSAFE
    TYPES = ("NameError",)
    MESSAGES = (r"^name '(\w+)' is not defined",)
    GOOD = (
        Good("def f():\n    return later + 1\n\nlater = 2\nprint(f())\n"),
        Good("import torch\nscale = 2\ndef f(x):\n    return x * scale\nprint(f(torch.ones(1)))\n"),
    )
    BAD = (
        Bad(ENCODER.format("mean"), at=(10, 23), fixed=ENCODER.format("mean, spread")),
        Bad("def f():\n    return later + 1\n\nprint(f())\nlater = 2\n", at=(2, 12)),
    )

    def explains(self, crash: Crash) -> bool:
        return self._name(crash) is not None and len(crash.frames) > 1

    def says(self, crash: Crash) -> str:
        return f"`{crash.found[0]}` has no value yet when this runs: the module binds it only later"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        name = self._name(crash)
        for shown, edits in unpacked(crash.code, name) if name is not None else ():
            yield Offer(f"Unpack {shown}", edits)

    @staticmethod
    def _name(crash: Crash) -> ast.Name | None:
        """The reading that failed, where the module binds the name at all."""
        bound = any(one.id == crash.found[0] and isinstance(one.ctx, ast.Store) for one in crash.code.all(ast.Name))
        return crash.node if isinstance(crash.node, ast.Name) and bound else None

"""The code imports a package that is not installed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.names.conventions import PACKAGES

SHOWN = {"torchcrf": ("batch_first", ".decode(")}
"""Where another package differs by capitals alone: what a text says that means this one."""


class PackageMissing(CrashRule):
    """The code imports a package that is not installed.

    ## What it does
    Explains imports of packages and modules that the interpreter under audit does not have, calls that say which package they require, and
    imports relative to a package (`from .models import Net`) in code that stands alone.

    ## Why is this bad?
    The reader may have it; nothing behind the import could be looked at.

    ## Example
    ```python
    import some_package
    ```

    ## Use instead
    ```python
    # pip install some-package
    import some_package
    ```

    ## Fix safety
    No edit is offered, unless a known package is spelt so but for capitals: `TorchCRF` for pytorch-crf, which is imported as `torchcrf`.

    ## References
    - Python, ModuleNotFoundError
    """

    id = "SNF352"
    name = "package-missing"
    category = Category.ENVIRONMENT
    applicability = Applicability.DISPLAY_ONLY
    TYPES = ("ModuleNotFoundError", "ImportError")
    MESSAGES = (
        r"No module named '([\w.]+)'",
        r"(?:requires|needs) the ([\w.-]+) (?:library|package)",
        r"requires '([\w.-]+?)(?:[<>=~!]=?[\w.]+)?'",
        r"(attempted relative import) with no known parent package",
    )
    GOOD = (
        Good("import json\n", runs=False),
        Good("try:\n    import not_there_at_all\nexcept ImportError:\n    pass\n", runs=False),
    )
    BAD = (
        Bad("import not_there_at_all\n", at=(1, 1), runs=False),
        Bad("from .models import Net\n\nprint(Net)\n", at=(1, 1)),
        Bad(
            "from TorchCRF import CRF  # 条件随机场\nprint(CRF(3, batch_first=True))\n",
            at=(1, 1),
            fixed="from torchcrf import CRF  # 条件随机场\nprint(CRF(3, batch_first=True))\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        name = crash.found[0]
        if name.startswith("attempted"):
            return "this import is relative to a package, and the code stands alone here"
        package, dot, _ = name.partition(".")
        if dot and "No module named" in crash.failure.message:
            return f"the installed package {package} has no module {name}"
        return f"the package {package} is not installed"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        wrong = crash.found[0].partition(".")[0]
        right = next((name for name in PACKAGES if name.casefold() == wrong.casefold() and name != wrong), "")
        statement = crash.statement
        if not right or not isinstance(statement, ast.Import | ast.ImportFrom):
            return
        if not any(word in crash.code.text for word in SHOWN.get(right, ("",))):
            return
        start, end = crash.code.range(crash.code.span(statement))
        at = crash.code.text.find(wrong, start, end)
        bare = isinstance(statement, ast.Import) and any(one.asname is None for one in statement.names if one.name.startswith(wrong))
        if at >= 0 and not bare:
            yield Offer(f"Import {right}", (Edit(at, at + len(wrong), right),), applicability=Applicability.UNSAFE)

"""The code imports a package that is not installed."""

from __future__ import annotations

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule


class PackageMissing(CrashRule):
    """The code imports a package that is not installed.

    ## What it does
    Explains imports of packages that the interpreter under audit does not have.

    ## Why is this bad?
    The reader may have it; nothing behind the import could be looked at.

    ## Example
    ```python
    import some_package
    ```

    ## Use instead
    ```python
    import torch
    ```

    ## Fix safety
    No edit is offered.

    ## References
    - Python, ModuleNotFoundError
    """

    id = "SNF352"
    name = "package-missing"
    category = Category.ENVIRONMENT
    applicability = Applicability.DISPLAY_ONLY
    TYPES = ("ModuleNotFoundError", "ImportError")
    MESSAGES = (r"No module named '([\w.]+)'", r"(?:requires|needs) the ([\w.-]+) (?:library|package)")
    GOOD = (
        Good("import json\n", runs=False),
        Good("try:\n    import not_there_at_all\nexcept ImportError:\n    pass\n", runs=False),
    )
    BAD = (Bad("import not_there_at_all\n", at=(1, 1), runs=False),)

    def explains(self, crash: Crash) -> bool:
        return crash.operation.name in ("import", "call", "") or crash.failure.type == "ModuleNotFoundError"

    def says(self, crash: Crash) -> str:
        return f"the package {crash.found[0].partition('.')[0]} is not installed"

"""The code asks the reader to type something."""

from __future__ import annotations

from snipfix.model import Applicability, Category, Severity
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule


class InputWithoutTerminal(CrashRule):
    """The code asks the reader to type something.

    ## What it does
    Explains `input()` where nobody is there to answer.

    ## Why is this bad?
    A document's code is run by notebooks, tests and tools as well; what is typed cannot be shown in it.

    ## Example
    ```python
    n = int(input())
    ```

    ## Use instead
    ```python
    n = 5
    ```

    ## Fix safety
    No edit is offered: the value is the reader's.

    ## References
    - Python, input
    """

    id = "SNF353"
    name = "input-without-terminal"
    category = Category.ENVIRONMENT
    severity = Severity.WARNING
    applicability = Applicability.DISPLAY_ONLY
    TYPES = ("EOFError",)
    MESSAGES = (r"EOF when reading a line",)
    GOOD = (
        Good("text = '5'\nn = int(text)\n", runs=False),
        Good("import io\nio.StringIO().read()\n", runs=False),
    )
    BAD = (Bad("n = int(input('n: '))\n", at=(1, 1), runs=False),)

    def says(self, crash: Crash) -> str:
        return "the code waits for input, and nobody is there to type it"

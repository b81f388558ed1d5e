"""The code reads a file that is not there."""

from __future__ import annotations

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule


class MissingFile(CrashRule):
    """The code reads a file that is not there.

    ## What it does
    Explains files and folders that the snippet opens and nobody has made.

    ## Why is this bad?
    A reader cannot run the code without the file, and the document does not say where it comes from.

    ## Example
    ```python
    open("data.csv")
    ```

    ## Use instead
    ```python
    path = "data.csv"  # from https://...; columns: text, label
    ```

    ## Fix safety
    No edit is offered: only the author has the file.

    ## References
    - Python, FileNotFoundError
    """

    id = "SNF350"
    name = "missing-file"
    category = Category.ENVIRONMENT
    applicability = Applicability.DISPLAY_ONLY
    TYPES = ()
    MESSAGES = (
        r"No such file or directory: '?([^'\n]*)'?",
        r"(?:[Ff]ile|[Dd]irectory|path) '?([^\s']+)'? (?:does not exist|not found|cannot be found)",
        r"[Dd]ataset not found()",
        r"Incorrect path_or_model_id: '([^']*)'",
    )
    GOOD = (
        Good("open('data.csv', 'w').close()\nopen('data.csv')\n", runs=False),
        Good("import os\nos.path.exists('data.csv')\n", runs=False),
    )
    BAD = (Bad("with open('data.csv') as file:\n    print(file.read())\n", at=(1, 1), runs=False),)

    def says(self, crash: Crash) -> str:
        return f"the file {crash.found[0] or 'that is read'} is not there"

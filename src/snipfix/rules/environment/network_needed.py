"""The code needs the network."""

from __future__ import annotations

from snipfix.model import Applicability, Category, Severity
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule


class NetworkNeeded(CrashRule):
    """The code needs the network.

    ## What it does
    Explains downloads and requests, which the sandbox does not let out and for which no stand-in is known.

    ## Why is this bad?
    Nothing is wrong with the code for that; it could not be looked at beyond this line.

    ## Example
    ```python
    urllib.request.urlopen("http://example.com/data.csv")
    ```

    ## Use instead
    ```python
    path = "data.csv"  # downloaded beforehand
    ```

    ## Fix safety
    No edit is offered.

    ## References
    - snipfix: worlds
    """

    id = "SNF351"
    name = "network-needed"
    category = Category.ENVIRONMENT
    severity = Severity.WARNING
    applicability = Applicability.DISPLAY_ONLY
    TYPES = ()
    MESSAGES = (
        r"name resolution|[Nn]ame or service not known|Network is unreachable|[Cc]onnection (?:refused|error|aborted)|Max retries exceeded|urlopen error|couldn't connect to|We couldn't connect|offline mode|No address associated with hostname|outgoing traffic has been disabled|trying to locate the file on the Hub",
    )
    GOOD = (
        Good("print('network')\n", runs=False),
        Good("import urllib.request\n", runs=False),
    )
    BAD = (Bad("import urllib.request\nurllib.request.urlopen('http://example.com/x')\n", at=(1, 1), runs=False),)

    def says(self, crash: Crash) -> str:
        return "the code needs the network, which the sandbox does not give"

"""A whole pickled module is loaded, which PyTorch refuses by default."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.codemods import add_keyword
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class PickledModule(CrashRule):
    """A whole pickled module is loaded, which PyTorch refuses by default.

    ## What it does
    Explains `torch.load` of a file that holds more than tensors.

    ## Why is this bad?
    Loading a pickle runs code from the file; since PyTorch 2.6 only weights are loaded unless one asks otherwise.

    ## Example
    ```python
    torch.save(net, "net.pt")
    net = torch.load("net.pt")
    ```

    ## Use instead
    ```python
    torch.save(net.state_dict(), "net.pt")
    net.load_state_dict(torch.load("net.pt"))
    ```

    ## Fix safety
    `weights_only=False` trusts the file, which is right only for a file of one's own.

    ## References
    - torch.load: weights_only
    """

    id = "SNF315"
    name = "pickled-module"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("UnpicklingError",)
    MESSAGES = (r"[Ww]eights only load failed",)
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2)\ntorch.save(net.state_dict(), 'net.pt')\nnet.load_state_dict(torch.load('net.pt'))\n"
        ),
        Good(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2)\ntorch.save(net, 'net.pt')\ntorch.load('net.pt', weights_only=False)\n"
        ),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2)\ntorch.save(net, 'net.pt')\nagain = torch.load('net.pt')\n",
            at=(5, 9),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2)\ntorch.save(net, 'net.pt')\nagain = torch.load('net.pt', weights_only=False)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "torch.load refuses a file that holds more than weights"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if crash.call is not None:
            yield Offer("Trust this file", add_keyword(crash.code, crash.call, "weights_only", "False"))

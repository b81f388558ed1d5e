"""Weights are loaded whose names do not fit the model."""

from __future__ import annotations

import re
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class StateDictMismatch(CrashRule):
    """Weights are loaded whose names do not fit the model.

    ## What it does
    Explains `load_state_dict` with missing and unexpected keys: a prefix of DataParallel, or a whole checkpoint instead of its weights.

    ## Why is this bad?
    The program stops; with `strict=False` it would go on with random weights, which is worse.

    ## Example
    ```python
    net.load_state_dict(state)  # keys: module.weight, module.bias
    ```

    ## Use instead
    ```python
    net.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    ```

    ## Fix safety
    Only the names change.

    ## References
    - torch.nn.Module.load_state_dict
    """

    id = "SNF311"
    name = "state-dict-mismatch"
    category = Category.API_MISUSE
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError", "KeyError")
    MESSAGES = (r"Error\(s\) in loading state_dict", r"unexpected key .* in state_dict")
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2)\nnet.load_state_dict(net.state_dict())\n"),
        Good("import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2)\nnet.load_state_dict({}, strict=False)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2)\nstate = {'module.' + name: value for name, value in net.state_dict().items()}\nnet.load_state_dict(state)\n",
            at=(5, 1),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 2)\nstate = {'module.' + name: value for name, value in net.state_dict().items()}\nnet.load_state_dict({name.removeprefix(\"module.\"): value for name, value in state.items()})\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "the names of the weights do not fit the model"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call, code = crash.call, crash.code
        missing, unexpected = (re.findall(r'"([^"]+)"', part) for part in _parts(crash.failure.message))
        if call is None or not call.args or not unexpected:
            return
        given = code.slice(call.args[0])
        for key in unexpected:
            if key in ("state_dict", "model_state_dict", "model", "net", "model_state"):
                yield Offer("Load the weights of the checkpoint", replace_expression(code, call.args[0], f'{given}["{key}"]'))
        prefix = unexpected[0][: len(unexpected[0]) - len(missing[0])] if missing and unexpected[0].endswith(missing[0]) else ""
        if prefix:
            renamed = f'{{name.removeprefix("{prefix}"): value for name, value in {given}.items()}}'
            yield Offer(f"Drop the prefix {prefix}", replace_expression(code, call.args[0], renamed))
        added = missing[0][: len(missing[0]) - len(unexpected[0])] if missing and missing[0].endswith(unexpected[0]) else ""
        if added:
            renamed = f'{{f"{added}{{name}}": value for name, value in {given}.items()}}'
            yield Offer(f"Add the prefix {added}", replace_expression(code, call.args[0], renamed))


def _parts(message: str) -> tuple[str, str]:
    """The missing keys and the unexpected ones, as the message lists them."""
    missing = re.search(r"Missing key\(s\) in state_dict: (.*?)(?:\n|$)", message)
    unexpected = re.search(r"Unexpected key\(s\) in state_dict: (.*?)(?:\n|$)", message)
    return (missing[1] if missing else "", unexpected[1] if unexpected else "")

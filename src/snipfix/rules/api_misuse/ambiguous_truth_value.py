"""A tensor of several values is asked whether it is true."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.codemods import wrap_expression
from snipfix.model import Applicability, Category, Meaning
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text


class AmbiguousTruthValue(CrashRule):
    """A tensor of several values is asked whether it is true.

    ## What it does
    Explains `if`, `while`, `and`, `or` and `not` on a tensor of several elements.

    ## Why is this bad?
    The program stops: some elements may be true and others not.

    ## Example
    ```python
    if x > 0:
        print(x)
    ```

    ## Use instead
    ```python
    if (x > 0).all():
        print(x)
    ```

    ## Fix safety
    Whether all or any was meant only the author knows, so nothing is changed unasked.

    ## References
    - torch.all
    - torch.any
    """

    id = "SNF308"
    name = "ambiguous-truth-value"
    category = Category.API_MISUSE
    applicability = Applicability.DISPLAY_ONLY
    TYPES = ("RuntimeError", "ValueError")
    MESSAGES = (
        r"Boolean value of Tensor with (?:more than one|no) values? is ambiguous",
        r"bool value of Tensor with more than one value is ambiguous",
        r"The truth value of an array with more than one element is ambiguous",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nx = torch.zeros(3)\nif (x > 0).any():\n    print(x)\n"),
        Good("import torch\nimport torch.nn as nn\nx = torch.zeros(1)\nif x > 0:\n    print(x)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.zeros(3)\nif x > 0:\n    print(x)\n",
            at=(4, 4),
            fixed="import torch\nimport torch.nn as nn\nx = torch.zeros(3)\nif (x > 0).all():\n    print(x)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return f"a tensor {shape_text(crash.shape(0))} of several values has no single truth value"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        for form in ("all", "any"):
            if crash.node is not None:
                edits = wrap_expression(crash.code, crash.node, f"{{}}.{form}()")
                yield Offer(f"Ask whether {form} of the values are true", edits, Meaning.CHANGES, Applicability.DISPLAY_ONLY)

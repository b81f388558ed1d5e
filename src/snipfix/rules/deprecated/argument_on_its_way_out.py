"""A keyword that torch still takes, and warns of."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.deprecated.keywords import brought_up_to_date, outdated

__all__ = ["ArgumentOnItsWayOut"]

WARNED = "keywords_warned.toml"
HEAD = "import torch\nimport torch.nn as nn\nx = torch.ones(2, requires_grad=True)\n"


class ArgumentOnItsWayOut(Rule):
    """A call is given a keyword that has another name today, or does nothing any more.

    ## What it does
    Reports `Hardtanh(min_value=..., max_value=...)`, `torch.autograd.backward(grad_variables=...)` and `torch.autograd.grad(only_inputs=...)`.

    ## Why is this bad?
    torch warns at each call (of `only_inputs` where it is not `True`), and a later release takes the keyword no more.

    ## Example
    ```python
    clip = nn.Hardtanh(min_value=-2, max_value=2)
    ```

    ## Use instead
    ```python
    clip = nn.Hardtanh(min_val=-2, max_val=2)
    ```

    ## Fix safety
    Safe: the same argument under its name of today; `only_inputs` is ignored anyway.

    ## References
    - torch.nn.Hardtanh, torch.autograd.backward, torch.autograd.grad.
    """

    id = "SNF377"
    name = "argument-on-its-way-out"
    category = Category.DEPRECATED
    severity = Severity.WARNING
    applicability = Applicability.SAFE
    GOOD = (
        Good(HEAD + "print(nn.Hardtanh(-2, 2)(x), nn.Hardtanh(min_val=-2, max_val=2)(x))\n"),
        Good("def grad(only_inputs):\n    return only_inputs\n\nprint(grad(only_inputs=True))\n"),
    )
    BAD = (
        Bad(
            HEAD + "y = nn.Hardtanh(min_value=-2, max_value=2)(x)  # 截断\n",
            at=(4, 17),
            fixed=HEAD + "y = nn.Hardtanh(min_val=-2, max_val=2)(x)  # 截断\n",
        ),
        Bad(
            HEAD + "g, = torch.autograd.grad(x.sum(), x, only_inputs=True)\n",
            at=(4, 38),
            fixed=HEAD + "g, = torch.autograd.grad(x.sum(), x)\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for _, ((keyword, new), *_) in outdated(context, WARNED):
            instead = "it does nothing any more" if new == "-" else f"it is `{new}` today"
            # torch says nothing of the value that it ignores anyway.
            severity = Severity.NOTE if new == "-" and ast.unparse(keyword.value) == "True" else None
            yield self.finding(f"`{keyword.arg}` is deprecated: {instead}", context.code.span(keyword), severity=severity)

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for call, old in outdated(context, WARNED):
            if context.code.span(old[0][0]) == finding.span:
                edits = [edit for keyword, new in old for edit in brought_up_to_date(context, call, keyword, new)]
                yield self.fix("Bring the arguments up to date", *edits, meaning=Meaning.KEEPS)

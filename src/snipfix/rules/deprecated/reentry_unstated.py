"""`checkpoint` that is not told how to compute again."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword
from snipfix.model import Category, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["ReentryUnstated"]

NAMES = frozenset({"torch.utils.checkpoint.checkpoint", "torch.utils.checkpoint.checkpoint_sequential"})


class ReentryUnstated(Rule):
    """`checkpoint` is not told whether to enter autograd again.

    ## What it does
    Reports `torch.utils.checkpoint.checkpoint` and `checkpoint_sequential` without `use_reentrant`.

    ## Why is this bad?
    torch warns that it will ask for it. The way it takes meanwhile, the old one, gives no gradients where no input of the checkpointed part
    requires one, although its parameters do.

    ## Example
    ```python
    h = checkpoint(block, x)
    ```

    ## Use instead
    ```python
    h = checkpoint(block, x, use_reentrant=False)
    ```

    ## Fix safety
    Unsafe only in that the two ways differ in what they allow inside; the values are the same.

    ## References
    - torch.utils.checkpoint.checkpoint, "use_reentrant".
    """

    id = "SNF148"
    name = "reentry-unstated"
    category = Category.DEPRECATED
    severity = Severity.WARNING
    HEAD = "import torch\nfrom torch.utils.checkpoint import checkpoint\nx = torch.ones(2, requires_grad=True)\n"
    GOOD = (
        Good(HEAD + "print(checkpoint(torch.sin, x, use_reentrant=True))\n"),
        Good(HEAD + "options = {'use_reentrant': False}\nprint(checkpoint(torch.sin, x, **options))\n"),
        Good("def checkpoint(model, path):\n    return path\n\nprint(checkpoint(1, 'a.pt'))\n"),
    )
    BAD = (
        Bad(
            HEAD + "y = checkpoint(torch.sin, x)  # 省内存\n",
            at=(4, 5),
            fixed=HEAD + "y = checkpoint(torch.sin, x, use_reentrant=False)  # 省内存\n",
        ),
        Bad(
            "import torch\nlayers = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())\nx = torch.ones(1, 2, requires_grad=True)\n"
            "y = torch.utils.checkpoint.checkpoint_sequential(layers, 2, x)\n",
            at=(4, 5),
            fixed="import torch\nlayers = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())\nx = torch.ones(1, 2, requires_grad=True)\n"
            "y = torch.utils.checkpoint.checkpoint_sequential(layers, 2, x, use_reentrant=False)\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for call, name in context.scopes.calls:
            if name in NAMES and not {"use_reentrant", None} & {one.arg for one in call.keywords}:
                yield self.finding("`checkpoint` is not told `use_reentrant`: torch warns and will ask for it", context.code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        if isinstance(call, ast.Call):
            for number, value in enumerate(("False", "True")):
                meaning = Meaning.RESTORES if value == "False" else Meaning.KEEPS
                edits = add_keyword(context.code, call, "use_reentrant", value)
                yield self.fix(f"Say `use_reentrant={value}`", *edits, meaning=meaning, preference=number)

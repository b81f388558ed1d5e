"""A name that a module or an object lacks, but for its spelling."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class MisspeltAttribute(CrashRule):
    """A module or an object lacks the name, and has one that looks like it.

    ## What it does
    Explains attributes and imported names that do not exist, when the module or the object has a name that differs in case or in a letter or two,
    or when a submodule has the very name.

    ## Why is this bad?
    The program stops where the name is looked up.

    ## Example
    ```python
    layer = nn.linear(3, 2)
    ```

    ## Use instead
    ```python
    layer = nn.Linear(3, 2)
    ```

    ## Fix safety
    Unsafe: the nearest name is the likeliest, not the certain one; the program must run with it.

    ## References
    - Python, `difflib.get_close_matches`
    """

    id = "SNF390"
    name = "misspelt-attribute"
    category = Category.UNDEFINED_NAME
    applicability = Applicability.UNSAFE
    TYPES = ("AttributeError", "ImportError")
    MESSAGES = (
        r"(module '[\w.]+') has no attribute '(\w+)'",
        r"'([\w.]+)' object has no attribute '(\w+)'",
        r"cannot import name '(?P<name>\w+)' from '([\w.]+)'",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.Linear(3, 2)\ntorch.zeros(2)\n"),
        Good("import torch\nprint(hasattr(torch, 'zreos'))\n"),
    )
    BAD = (
        Bad("import torch.nn as nn\nlayer = nn.linear(3, 2)\n", at=(2, 9), fixed="import torch.nn as nn\nlayer = nn.Linear(3, 2)\n"),
        Bad("import torch\nx = torch.zreos(3)  # start\n", at=(2, 5), fixed="import torch\nx = torch.zeros(3)  # start\n"),
        Bad("import torch\nx = torch.zeros(3).unsqueze(0)\n", at=(2, 5), fixed="import torch\nx = torch.zeros(3).unsqueeze(0)\n"),
        Bad(
            "import torch\nw = torch.ones(1, requires_grad=True)\no = torch.Adam([w])\n",
            at=(3, 5),
            fixed="import torch\nw = torch.ones(1, requires_grad=True)\no = torch.optim.Adam([w])\n",
        ),
        Bad(
            "from torch.utils.data import Dataloader\n\nloader = Dataloader([1, 2])\n",
            at=(1, 1),
            fixed="from torch.utils.data import DataLoader\n\nloader = DataLoader([1, 2])\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return bool(crash.failure.near)

    def says(self, crash: Crash) -> str:
        owner, name = self._parts(crash)
        return f"{owner} has no `{name}`, but `{crash.failure.near[0]}`"

    @staticmethod
    def _parts(crash: Crash) -> tuple[str, str]:
        first, second = crash.found
        return (f"`{second}`", first) if crash.failure.type == "ImportError" else (first.replace("'", "`"), second)

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        _, name = self._parts(crash)
        for near in crash.failure.near:
            if crash.failure.type == "ImportError":
                edits = () if "." in near else renamed_everywhere(crash.code, name, near)
            else:
                edits = renamed_at(crash, name, near)
            yield Offer(f"Use {near}", edits)


def renamed_at(crash: Crash, name: str, near: str) -> tuple[Edit, ...]:
    """The attribute at the failing place, written with the near name."""
    code, (line, end_line) = crash.code, (crash.span.line, crash.span.end_line)
    found = [node for node in code.all(ast.Attribute) if node.attr == name and line <= node.lineno <= end_line]
    exact = [node for node in found if node is crash.node or code.span(node) == crash.span] or found
    if not exact:
        return ()
    end = code.range(code.span(exact[0]))[1]
    return (Edit(end - len(name), end, near),)


def renamed_everywhere(code: Code, name: str, near: str) -> tuple[Edit, ...]:
    """An imported name written otherwise in its import and wherever it is used."""
    edits: list[Edit] = []
    for node in code.nodes:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name == name:
                    start = code.range(code.span(alias))[0]
                    edits.append(Edit(start, start + len(name), near))
                    if alias.asname:
                        return tuple(edits)
        elif isinstance(node, ast.Name) and node.id == name:
            edits.append(Edit(*code.range(code.span(node)), near))
    return tuple(edits)

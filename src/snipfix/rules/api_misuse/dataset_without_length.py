"""A data set does not say how many samples it has."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_method
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class DatasetWithoutLength(CrashRule):
    """A data set does not say how many samples it has.

    ## What it does
    Explains DataLoaders and `len` on the snippet's own data set without `__len__`.

    ## Why is this bad?
    The loader needs the number of samples to shuffle and to know when an epoch ends.

    ## Example
    ```python
    class Data(Dataset):
        def __getitem__(self, i):
            return self.x[i]
    ```

    ## Use instead
    ```python
    class Data(Dataset):
        def __getitem__(self, i):
            return self.x[i]

        def __len__(self):
            return len(self.x)
    ```

    ## Fix safety
    The length is that of what `__getitem__` indexes.

    ## References
    - torch.utils.data.Dataset
    """

    id = "SNF322"
    name = "dataset-without-length"
    category = Category.API_MISUSE
    applicability = Applicability.SAFE
    TYPES = ("TypeError",)
    MESSAGES = (r"object of type '(\w+)' has no len\(\)",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nclass Data:\n    def __len__(self):\n        return 3\n\nlen(Data())\n"),
        Good("import torch\nimport torch.nn as nn\nclass Data:\n    pass\n\nprint(Data())\n"),
    )
    BAD = (
        Bad(
            "from torch.utils.data import DataLoader, Dataset\nimport torch\n\n\nclass Data(Dataset):\n    def __init__(self):\n        self.x = torch.zeros(6, 2)\n\n    def __getitem__(self, i):\n        return self.x[i]\n\n\nloader = DataLoader(Data(), batch_size=2, shuffle=True)\n",
            at=(13, 10),
            fixed="from torch.utils.data import DataLoader, Dataset\nimport torch\n\n\nclass Data(Dataset):\n    def __init__(self):\n        self.x = torch.zeros(6, 2)\n\n    def __getitem__(self, i):\n        return self.x[i]\n\n    def __len__(self):\n        return len(self.x)\n\n\nloader = DataLoader(Data(), batch_size=2, shuffle=True)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return crash.class_named(crash.found[0]) is not None

    def says(self, crash: Crash) -> str:
        return f"{crash.found[0]} has no __len__"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        getter = crash.method(crash.found[0], "__getitem__")
        for node in ast.walk(getter) if getter is not None else ():
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and ast.unparse(node.value).startswith("self."):
                method = f"def __len__(self):\n    return len({ast.unparse(node.value)})"
                yield Offer("Say how many samples there are", add_method(crash.code, crash.found[0], method))
                return

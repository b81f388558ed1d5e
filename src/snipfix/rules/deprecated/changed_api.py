"""Names that libraries removed, deprecated or outgrew: three degrees of one table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, ClassVar

from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.deprecated.api import edits, uses


class ChangedApi(Rule):
    """What the three rules share: they differ in the state of the entries they report."""

    category = Category.DEPRECATED
    applicability = Applicability.SAFE
    state: ClassVar[str]
    says: ClassVar[str]

    def static(self, context: Context) -> Iterator[Finding]:
        for use in uses(context):
            if use.entry.state == self.state:
                entry = use.entry
                name = entry.name if isinstance(use.node, ast.alias) else context.code.slice(use.node)
                message = f"`{name}` {self.says} {entry.since}; {entry.instead}"
                evidence: dict[str, Any] = {"api": entry.name, "since": entry.since}
                if isinstance(use.node, ast.alias):  # what fails where the name is used is the same defect
                    evidence["hides"] = [
                        one.node.lineno for one in context.scopes.loads if one.node.id == (use.node.asname or use.node.name)
                    ]
                yield self.finding(message, context.code.span(use.node), evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for use in uses(context):
            if use.entry.state == self.state and context.code.span(use.node) == finding.span and (changed := edits(context, use)):
                applicability = Applicability.UNSAFE if use.entry.unsafe else Applicability.SAFE
                replacement = use.entry.new or use.entry.text or use.entry.module
                title = f"Use `{replacement}`" if replacement else "Use what Python has"
                yield self.fix(title, *changed, applicability=applicability, meaning=Meaning.KEEPS)


class RemovedApi(ChangedApi):
    """A name is used that its library has removed.

    ## What it does
    Reports names of torch, numpy, transformers, torch-geometric and torchvision that are gone or that raise when they are called. `hasattr` does not
    show the latter: `torch.symeig` is still there and only raises. A use inside `try` or behind a test of the version is left alone.

    ## Why is this bad?
    The code worked with the release it was written for and fails with the one a reader installs today.

    ## Example
    ```python
    import numpy as np

    x = np.zeros(3, dtype=np.float)
    ```

    ## Use instead
    ```python
    import numpy as np

    x = np.zeros(3, dtype=float)
    ```

    ## Fix safety
    Safe where the new name does the same; entries of the table that are not the same are marked, or have no fix.

    ## References
    - Release notes of PyTorch 1.9 and 1.13, NumPy 1.24 and 2.0, transformers 4 and 5, PyTorch Geometric 2.0.
    """

    id = "SNF130"
    name = "removed-api"
    state = "removed"
    says = "was removed after"
    GOOD = (
        Good("import numpy as np\n\nprint(np.float64(1), np.bool_(True), np.inf)"),
        Good("try:\n    from torch._six import inf\nexcept ImportError:\n    from math import inf\nprint(inf)"),
        Good("import torch\n\nif hasattr(torch, 'rfft'):\n    print(torch.rfft)"),
    )
    BAD = (
        Bad(
            "import numpy as np\n\nx = np.zeros(3, dtype=np.float) + np.Inf  # 初始\n",
            at=(3, 23),
            fixed="import numpy as np\n\nx = np.zeros(3, dtype=float) + np.Inf  # 初始\n",
            runs=False,
        ),
        Bad("import torch\n\nprint(torch.matrix_rank(torch.eye(2), symmetric=True))\n", at=(3, 7), fixed="import torch\n\nprint(torch.linalg.matrix_rank(torch.eye(2), hermitian=True))\n"),
        Bad(
            "import torch\n\nvalues, vectors = torch.symeig(torch.eye(2), eigenvectors=True)\n",
            at=(3, 19),
            fixed="import torch\n\nvalues, vectors = torch.linalg.eigh(torch.eye(2))\n",
        ),
        Bad("import torch\n\nprint(torch.symeig(torch.eye(2)))\n", at=(3, 7)),
        Bad(
            "import torch\n\nspectra = [torch.symeig(m + m.t())[0] for m in torch.rand(2, 3, 3)]\n",
            at=(3, 12),
            fixed="import torch\n\nspectra = [torch.linalg.eigh(m + m.t())[0] for m in torch.rand(2, 3, 3)]\n",
        ),
        Bad(
            "import torch\n\nA, b = torch.eye(2), torch.ones(2, 1)\nx, lu = torch.solve(b, A + A)  # 解\n",
            at=(4, 9),
            fixed="import torch\n\nA, b = torch.eye(2), torch.ones(2, 1)\nx = torch.linalg.solve(A + A, b)  # 解\n",
        ),
        Bad("import torch\n\nx, lu = torch.solve(torch.ones(2, 1), torch.eye(2))\nprint(lu)\n", at=(3, 9)),
        Bad(
            "import torch\n\nA, b = torch.eye(3), torch.ones(3, 1)\nprint(torch.lstsq(b, A)[0], torch.lstsq(b, A).solution)\n",
            at=(4, 7),
            fixed="import torch\n\nA, b = torch.eye(3), torch.ones(3, 1)\nprint(torch.linalg.lstsq(A, b).solution, torch.lstsq(b, A).solution)\n",
        ),
        Bad(
            "from torch._six import string_classes, inf as infinity  # 字符串\nprint(isinstance('a', string_classes), infinity)\n",
            at=(1, 24),
            fixed="string_classes = (str, bytes)\nfrom math import inf as infinity  # 字符串\nprint(isinstance('a', string_classes), infinity)\n",
        ),
        Bad(
            "import torch\n\nspectrum = torch.rfft(torch.ones(2, 4, 8), 2, True)\nprint(spectrum.shape)\n",
            at=(3, 12),
            fixed='import torch\n\nspectrum = torch.view_as_real(torch.fft.rfft2(torch.ones(2, 4, 8), norm="ortho"))\nprint(spectrum.shape)\n',
        ),
        Bad("import torch\n\nn = 1\nprint(torch.rfft(torch.ones(2, 8), n))\n", at=(4, 7)),
        Bad(
            "import torch\n\nvalues, vectors = torch.eig(torch.eye(2), eigenvectors=True)\n",
            at=(3, 19),
            fixed="import torch\n\nvalues, vectors = torch.linalg.eig(torch.eye(2))\n",
        ),
        Bad(
            "import torch\nfrom transformers import AdamW\n\noptimizer = AdamW([torch.zeros(2, requires_grad=True)], lr=0.1, correct_bias=False)\n",
            at=(2, 26),
            fixed="import torch\nfrom torch.optim import AdamW\n\noptimizer = AdamW([torch.zeros(2, requires_grad=True)], lr=0.1)\n",
        ),
    )  # fmt: skip


class DeprecatedApi(ChangedApi):
    """A name is used that still works and warns.

    ## What it does
    Reports names that their library has deprecated: they print a warning when they are used and will go.

    ## Why is this bad?
    The reader learns an API that is on its way out, and sees warnings that the document does not mention.

    ## Example
    ```python
    import torch.nn as nn

    nn.init.xavier_uniform(nn.Linear(2, 3).weight)
    ```

    ## Use instead
    ```python
    import torch.nn as nn

    nn.init.xavier_uniform_(nn.Linear(2, 3).weight)
    ```

    ## Fix safety
    Safe where the new name does the same on the same arguments, which a test shows on seeded ones.

    ## References
    - Release notes of PyTorch 0.4, 1.8 and 2.4, PyTorch Geometric 2.0.
    """

    id = "SNF131"
    name = "deprecated-api"
    severity = Severity.WARNING
    state = "warns"
    says = "is deprecated since"
    GOOD = (
        Good("import torch\n\nq, r = torch.linalg.qr(torch.eye(2))"),
        Good("import torch.nn as nn\n\ndef constant(x):\n    return x\n\nconstant(nn.init.constant_(nn.Linear(1, 1).weight, 0))"),
    )
    BAD = (
        Bad(
            "import torch\n\nfull = 1\nA = torch.eye(2)\nq, r = torch.qr(torch.qr(A)[0], some=not full)  # twice\n",
            at=(5, 8),
            fixed='import torch\n\nfull = 1\nA = torch.eye(2)\nq, r = torch.linalg.qr(torch.qr(A)[0], mode="reduced" if not full else "complete")  # twice\n',
        ),
        Bad(
            "import torch\nfrom torch.cuda.amp import GradScaler, autocast\n\nscaler = GradScaler()\nwith autocast(enabled=False):\n    pass\n",
            at=(2, 28),
            fixed='import torch\nfrom torch.amp import GradScaler, autocast\n\nscaler = GradScaler("cuda")\nwith autocast("cuda", enabled=False):\n    pass\n',
        ),
        Bad(
            "import torch\nimport torch.nn.functional as F\n\nprint(F.upsample_bilinear(torch.ones(1, 1, 2, 2), scale_factor=2))\n",
            at=(4, 7),
            fixed='import torch\nimport torch.nn.functional as F\n\nprint(F.interpolate(torch.ones(1, 1, 2, 2), scale_factor=2, mode="bilinear", align_corners=True))\n',
        ),
        Bad(
            "import torch\n\ntorch.set_default_tensor_type('torch.DoubleTensor')  # 双精度\nprint(torch.ones(2).dtype)\n",
            at=(3, 1),
            fixed="import torch\n\ntorch.set_default_dtype(torch.float64)  # 双精度\nprint(torch.ones(2).dtype)\n",
        ),
        Bad("import torch\n\nA = torch.eye(2)\nprint(torch.chain_matmul(A, A, A))\n", at=(4, 7), fixed="import torch\n\nA = torch.eye(2)\nprint(torch.linalg.multi_dot([A, A, A]))\n"),
    )  # fmt: skip


class OutdatedApi(ChangedApi):
    """A name is used that works in silence and that the documentation calls outdated.

    ## What it does
    Notes names with a newer equivalent that do not warn.

    ## Why is this bad?
    It is no defect: the text works. A teacher would write the newer name.

    ## Example
    ```python
    import torch.nn.functional as F

    F.sigmoid(x)
    ```

    ## Use instead
    ```python
    import torch

    torch.sigmoid(x)
    ```

    ## Fix safety
    Safe: the new name does the same.

    ## References
    - Documentation of torch.nn.functional and torch.linalg.
    """

    id = "SNF132"
    name = "outdated-api"
    severity = Severity.NOTE
    state = "silent"
    says = "is outdated since"
    GOOD = (
        Good("import torch\n\nprint(torch.sigmoid(torch.zeros(2)))"),
        Good("import math\n\nclass F:\n    tanh = math.tanh\n\nprint(F.tanh(0.0))"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn.functional as F\n\nprint(F.sigmoid(F.tanh(torch.zeros(2))))\n",
            at=(4, 7),
            fixed="import torch\nimport torch.nn.functional as F\n\nprint(torch.sigmoid(F.tanh(torch.zeros(2))))\n",
        ),
        Bad("import torch\n\nprint(torch.ger(torch.ones(2), torch.ones(2)))\n", at=(3, 7), fixed="import torch\n\nprint(torch.outer(torch.ones(2), torch.ones(2)))\n"),
    )  # fmt: skip

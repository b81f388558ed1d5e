"""NumPy is given a tensor that lies on a GPU."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import passed, wrapped


class NumpyOfGpuTensor(CrashRule):
    """NumPy is given a tensor that lies on a GPU.

    ## What it does
    Explains `.numpy()`, plotting and other NumPy functions on tensors of a GPU.

    ## Why is this bad?
    NumPy works in the memory of the CPU.

    ## Example
    ```python
    net(x).detach().numpy()
    ```

    ## Use instead
    ```python
    net(x).detach().cpu().numpy()
    ```

    ## Fix safety
    The values stay the same.

    ## References
    - torch.Tensor.numpy
    """

    id = "SNF262"
    name = "numpy-of-gpu-tensor"
    category = Category.DEVICE
    applicability = Applicability.SAFE
    TYPES = ("TypeError",)
    MESSAGES = (r"can't convert (?:cuda|CUDA|mps)\S* (?:device type )?tensor to numpy",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\ntorch.zeros(2).cpu().numpy()\n"),
        Good("import torch\nimport torch.nn as nn\ntorch.zeros(2).numpy()\n"),
    )
    BAD = (Bad("import torch\nx = torch.zeros(2, device='cuda')\ny = x.numpy()\n", at=(1, 1), runs=False),)

    def says(self, crash: Crash) -> str:
        return "NumPy cannot read a tensor on a GPU"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        yield from wrapped(crash, passed(crash, 0, "input"), "{}.cpu()", "Bring the tensor to the CPU first")

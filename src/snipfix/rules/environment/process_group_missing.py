"""Processes are to work together that were never brought together."""

from __future__ import annotations

from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule

__all__ = ["ProcessGroupMissing"]


class ProcessGroupMissing(CrashRule):
    """A distributed call is made outside of a group of processes.

    ## What it does
    Explains `DistributedDataParallel`, `all_reduce`, `get_rank` and others where `init_process_group` was not called.

    ## Why is this bad?
    The program stops. The text is a part of a program that a launcher starts, or the call that forms the group is missing.

    ## Example
    ```python
    model = nn.parallel.DistributedDataParallel(model)
    ```

    ## Use instead
    ```python
    dist.init_process_group("nccl")  # under torchrun, which says who and how many
    model = nn.parallel.DistributedDataParallel(model)
    ```

    ## Fix safety
    No edit is offered: the group needs addresses and ranks, which a launcher such as torchrun gives.

    ## References
    - torch.distributed.init_process_group
    - torchrun (Elastic Launch)
    """

    id = "SNF465"
    name = "process-group-missing"
    category = Category.ENVIRONMENT
    applicability = Applicability.DISPLAY_ONLY
    TYPES = ("ValueError", "RuntimeError")
    MESSAGES = (
        r"Default process group has not been initialized",
        r"Error initializing torch\.distributed using env:// rendezvous: environment variable (\w+) expected",
    )
    GOOD = (
        Good("import torch.distributed as dist\nprint(dist.is_available() and dist.is_initialized())\n", runs=False),
        Good("import torch\nfrom torch.utils.data.distributed import DistributedSampler\nprint(len(DistributedSampler(range(4), 2, 0)))\n"),
    )
    BAD = (
        Bad("import torch\nimport torch.distributed as dist\nx = torch.ones(3)\ndist.all_reduce(x)  # 求和\n", at=(4, 1)),
        Bad("import torch.nn as nn\nnet = nn.parallel.DistributedDataParallel(nn.Linear(2, 2))\n", at=(2, 7)),
    )

    def says(self, crash: Crash) -> str:
        if crash.found:
            return f"the group of processes is formed without `{crash.found[0]}`: a launcher such as torchrun gives it"
        return "this works in a group of processes only: `init_process_group` comes first, under a launcher such as torchrun"

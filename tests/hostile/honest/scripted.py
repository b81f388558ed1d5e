# ruff: noqa
# needs: torch
import torch


@torch.jit.script
def twice(x: torch.Tensor) -> torch.Tensor:
    return 2 * x


print(twice(torch.ones(2)).tolist())
# prints: [2.0, 2.0]

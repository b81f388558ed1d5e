# ruff: noqa
# needs: torch
import torch


@torch.compile(backend="eager")
def f(x):
    return torch.sin(x) + 1


print(f(torch.zeros(2)).tolist())
# prints: [1.0, 1.0]

# ruff: noqa
# needs: torch
import torch

torch.set_num_threads(2)
print(torch.get_num_threads(), torch.ones(600, 600).mm(torch.ones(600, 600))[0, 0].item())
# prints: 2 600.0

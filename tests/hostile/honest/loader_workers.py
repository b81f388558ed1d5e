# ruff: noqa
# needs: torch
import torch
from torch.utils.data import DataLoader, TensorDataset

loader = DataLoader(TensorDataset(torch.arange(32.0)), batch_size=4, num_workers=2)
print(sum(batch[0].sum().item() for batch in loader))
# prints: 496.0

# expect: ok
import torch
def sum(values):
    return values[0]
list, input, type, id, max, len = [1, 2], 3, "cat", 7, 9, 2
print(sum(list), type, torch.ones(2).sum().item())
# prints: 1 cat 2.0

# expect: ok
import sys
import torch
sys.setrecursionlimit(200)
class Net(torch.nn.Module):
    def forward(self, x):
        return x
print(Net()(torch.ones(1)).item())
# prints: 1.0

# expect: raised
import builtins
import torch
builtins.sorted = builtins.max = builtins.repr = builtins.open = builtins.print = lambda *_: 42
torch.nn.Linear(2, 3)(torch.ones(1, 5))
# prints:

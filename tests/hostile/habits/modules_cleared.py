# expect: ok
import sys
import torch
torch.ones(2)
sys.modules.clear()
print("still here")
# prints: still here

# expect: ok
import torch
torch.Tensor.__repr__ = lambda self: f"<{tuple(self.shape)}>"
torch.Tensor.__str__ = torch.Tensor.__repr__
print(repr(torch.ones(2, 3)))
# prints: <(2, 3)>

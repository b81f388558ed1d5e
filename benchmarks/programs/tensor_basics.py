import numpy as np
import torch

# creating tensors
a = torch.arange(12).reshape(3, 4)
b = torch.from_numpy(np.ones((4, 2), dtype=np.float32))
c = a.float() @ b
print(c)

# reductions and broadcasting
centered = c - c.mean(dim=0)
print(centered.std(dim=0))
stacked = torch.cat([c, centered], dim=1)
print(stacked.shape, stacked.t().shape)

# gradients
w = torch.ones(4, 1, requires_grad=True)
loss = ((stacked @ w) ** 2).mean()
loss.backward()
print(w.grad.detach().numpy())

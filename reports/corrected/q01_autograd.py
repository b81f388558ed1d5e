import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x * x + 2 * x + 1

# 前向传播
print(y)

# 后向传播
y.sum().backward()
print(x.grad)

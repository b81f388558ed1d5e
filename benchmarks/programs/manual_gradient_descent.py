import torch

# 手动更新参数，不使用优化器
x = torch.linspace(-1, 1, 50)
y = 3 * x ** 2 + 0.5

a = torch.randn((), requires_grad=True)
b = torch.randn((), requires_grad=True)
learning_rate = 0.1

for t in range(50):
    y_pred = a * x ** 2 + b
    loss = (y_pred - y).pow(2).mean()
    loss.backward()
    with torch.no_grad():
        a -= learning_rate * a.grad
        b -= learning_rate * b.grad
        a.grad.zero_()
        b.grad.zero_()

print(f'y = {a.item():.3f} x^2 + {b.item():.3f}')

import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(0)

# y = 2x - 1 with a little noise
x = torch.randn(64, 1)
y = 2 * x - 1 + 0.1 * torch.randn(64, 1)

model = nn.Linear(1, 1)
criterion = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=0.1)

for epoch in range(40):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    if (epoch + 1) % 10 == 0:
        print(f'epoch {epoch + 1}, loss {loss.item():.4f}')

print('weight:', model.weight.item(), 'bias:', model.bias.item())

import torch
from torch import nn, optim
from torch.optim.lr_scheduler import StepLR

model = nn.Sequential(nn.Linear(5, 10), nn.Tanh(), nn.Linear(10, 1))
optimizer = optim.SGD(model.parameters(), lr=0.1)
scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
criterion = nn.L1Loss()
x = torch.randn(20, 5)
y = x.sum(dim=1, keepdim=True)

for epoch in range(6):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(f"epoch={epoch} lr={scheduler.get_last_lr()[0]:.4f} loss={loss.item():.4f}")

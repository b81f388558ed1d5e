import torch
import torch.nn as nn

backbone = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU())
# freeze the pretrained part
for param in backbone.parameters():
    param.requires_grad = False

head = nn.Linear(24, 3)
model = nn.Sequential(backbone, head)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()

x = torch.randn(30, 12)
y = torch.randint(0, 3, (30,))
for epoch in range(6):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())

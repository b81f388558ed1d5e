import numpy as np
import torch
import torch.nn as nn

rng = np.random.default_rng(0)
centers = np.array([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]])
features = np.concatenate([center + 0.3 * rng.standard_normal((30, 4)) for center in centers])
species = np.repeat([0, 1, 2], 30)

X = torch.from_numpy(features).float()
y = torch.from_numpy(species).long()
X = (X - X.mean(0)) / X.std(0)


class IrisNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 16)
        self.bn = nn.BatchNorm1d(16)
        self.fc2 = nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(self.bn(self.fc1(x)))
        return self.fc2(x)


net = IrisNet()
loss_function = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
losses = []
for epoch in range(10):
    net.train()
    optimizer.zero_grad()
    loss = loss_function(net(X), y)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

net.eval()
with torch.no_grad():
    scores = net(X).numpy()
print("accuracy:", (scores.argmax(axis=1) == species).mean())
print("loss: %.4f -> %.4f" % (losses[0], losses[-1]))

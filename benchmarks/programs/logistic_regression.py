"""Binary classification of two Gaussian blobs."""
import torch
from torch import nn

n = 50
data = torch.cat([torch.randn(n, 2) + 2, torch.randn(n, 2) - 2])
labels = torch.cat([torch.ones(n), torch.zeros(n)])


class LogisticRegression(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.linear = nn.Linear(num_features, 1)

    def forward(self, x):
        return self.linear(x).squeeze(1)


model = LogisticRegression(2)
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

for step in range(30):
    logits = model(data)
    loss = loss_fn(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

with torch.no_grad():
    predicted = (torch.sigmoid(model(data)) > 0.5).float()
accuracy = (predicted == labels).float().mean()
print("loss:", loss.item())
print("accuracy:", accuracy.item())

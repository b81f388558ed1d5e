import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset, random_split


def train(model, loader, criterion, optimizer):
    model.train()
    total = 0.0
    for features, target in loader:
        optimizer.zero_grad()
        loss = criterion(model(features), target)
        loss.backward()
        optimizer.step()
        total += loss.item() * features.size(0)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    correct = 0
    for features, target in loader:
        predicted = model(features).argmax(dim=1)
        correct += (predicted == target).sum().item()
    return correct / len(loader.dataset)


features = torch.randn(120, 6)
target = (features.sum(dim=1) > 0).long()
dataset = TensorDataset(features, target)
train_set, test_set = random_split(dataset, [100, 20])
train_loader = DataLoader(train_set, batch_size=20, shuffle=True)
test_loader = DataLoader(test_set, batch_size=20)

model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2))
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.01)
for epoch in range(1, 4):
    loss = train(model, train_loader, criterion, optimizer)
    print(f"Epoch {epoch}: loss {loss:.4f}, accuracy {evaluate(model, test_loader):.2%}")

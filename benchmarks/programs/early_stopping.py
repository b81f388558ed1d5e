import copy

import torch
import torch.nn as nn


class EarlyStopping:
    def __init__(self, patience=3):
        self.patience = patience
        self.best = float("inf")
        self.bad = 0
        self.state = None

    def step(self, value, model):
        if value < self.best:
            self.best, self.bad = value, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


x_train, x_val = torch.randn(40, 3), torch.randn(20, 3)
w = torch.tensor([[1.0], [-2.0], [0.5]])
y_train, y_val = x_train @ w, x_val @ w
model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
criterion = nn.MSELoss()
stopper = EarlyStopping(patience=2)

for epoch in range(12):
    model.train()
    optimizer.zero_grad()
    loss = criterion(model(x_train), y_train)
    loss.backward()
    optimizer.step()

    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(x_val), y_val).item()
    print("epoch", epoch, "validation", val_loss)
    if stopper.step(val_loss, model):
        break
model.load_state_dict(stopper.state)

# 用 GRU 预测正弦波的下一个值
import math

import torch
import torch.nn as nn

t = torch.linspace(0, 8 * math.pi, 120)
wave = torch.sin(t)
window = 10
xs = torch.stack([wave[i:i + window] for i in range(len(wave) - window)]).unsqueeze(-1)
ys = wave[window:].unsqueeze(-1)


class Forecaster(nn.Module):
    def __init__(self, hidden_size=16):
        super().__init__()
        self.gru = nn.GRU(1, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def forward(self, x):
        output, hidden = self.gru(x)
        return self.head(output[:, -1])


model = Forecaster()
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(20):
    prediction = model(xs)
    loss = loss_fn(prediction, ys)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f'均方误差: {loss.item():.5f}')

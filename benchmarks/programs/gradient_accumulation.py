import torch
import torch.nn as nn

model = nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
criterion = nn.MSELoss()
accumulation_steps = 4

inputs = torch.randn(16, 4, 8)
targets = inputs.mean(dim=2, keepdim=True)

optimizer.zero_grad()
for i in range(16):
    loss = criterion(model(inputs[i]), targets[i])
    (loss / accumulation_steps).backward()
    if (i + 1) % accumulation_steps == 0:
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        optimizer.zero_grad()
        print(f"batch {i + 1}: loss {loss.item():.4f}")

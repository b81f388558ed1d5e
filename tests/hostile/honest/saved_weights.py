# ruff: noqa
# needs: torch
import torch

model = torch.nn.Linear(3, 2)
torch.save(model.state_dict(), "weights.pt")
print(sorted(torch.load("weights.pt")))
torch.save(model, "model.pt")
print(torch.load("model.pt", weights_only=False).in_features)
# prints: ['bias', 'weight'] 3

import torch
import torch.nn as nn
import torch.nn.functional as F


class FocalLoss(nn.Module):
    def __init__(self, gamma=2.0, reduction="mean"):
        super().__init__()
        self.gamma = gamma
        self.reduction = reduction

    def forward(self, logits, targets):
        ce = F.cross_entropy(logits, targets, reduction="none")
        pt = torch.exp(-ce)
        loss = (1 - pt) ** self.gamma * ce
        return loss.mean() if self.reduction == "mean" else loss.sum()


logits = torch.randn(8, 4, requires_grad=True)
targets = torch.randint(0, 4, (8,))
loss = FocalLoss()(logits, targets)
loss.backward()
print(loss.item())
print(logits.grad.norm().item())

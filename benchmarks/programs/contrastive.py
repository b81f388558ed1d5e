import torch
import torch.nn as nn
import torch.nn.functional as F


def info_nce(a, b, temperature=0.1):
    """Each row of `a` should be closest to the same row of `b`."""
    a = F.normalize(a, dim=1)
    b = F.normalize(b, dim=1)
    logits = a @ b.t() / temperature
    targets = torch.arange(a.size(0))
    return F.cross_entropy(logits, targets)


encoder = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-2)
samples = torch.randn(16, 10)

for step in range(10):
    view1 = samples + 0.1 * torch.randn_like(samples)
    view2 = samples + 0.1 * torch.randn_like(samples)
    loss = info_nce(encoder(view1), encoder(view2))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("contrastive loss:", loss.item())

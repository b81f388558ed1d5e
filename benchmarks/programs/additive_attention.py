import torch
import torch.nn as nn
import torch.nn.functional as F


class AdditiveAttention(nn.Module):
    """Bahdanau attention over the states of an encoder."""

    def __init__(self, query_dim, key_dim, hidden_dim):
        super().__init__()
        self.query_proj = nn.Linear(query_dim, hidden_dim, bias=False)
        self.key_proj = nn.Linear(key_dim, hidden_dim, bias=False)
        self.score = nn.Linear(hidden_dim, 1, bias=False)

    def forward(self, query, keys):
        # query: (batch, query_dim), keys: (batch, length, key_dim)
        energy = torch.tanh(self.query_proj(query).unsqueeze(1) + self.key_proj(keys))
        weights = F.softmax(self.score(energy).squeeze(-1), dim=1)
        context = torch.bmm(weights.unsqueeze(1), keys).squeeze(1)
        return context, weights


attention = AdditiveAttention(8, 12, 16)
context, weights = attention(torch.randn(3, 8), torch.randn(3, 5, 12))
print(context.shape, weights.sum(dim=1))
print(context)

import torch
import torch.nn as nn
import torch.nn.functional as F


class TinyGPT(nn.Module):
    def __init__(self, vocab_size, block_size=8, n_embd=16, n_head=2):
        super().__init__()
        self.token_embedding = nn.Embedding(vocab_size, n_embd)
        self.position_embedding = nn.Embedding(block_size, n_embd)
        self.attention = nn.MultiheadAttention(n_embd, n_head, batch_first=True)
        self.ln = nn.LayerNorm(n_embd)
        self.lm_head = nn.Linear(n_embd, vocab_size)

    def forward(self, idx):
        length = idx.size(1)
        positions = torch.arange(length, device=idx.device)
        x = self.token_embedding(idx) + self.position_embedding(positions)
        mask = torch.triu(torch.ones(length, length, dtype=torch.bool, device=idx.device), diagonal=1)
        attended, _ = self.attention(x, x, x, attn_mask=mask)
        return self.lm_head(self.ln(x + attended))


data = torch.randint(0, 30, (4, 9))
x, y = data[:, :-1], data[:, 1:]
model = TinyGPT(30)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for step in range(6):
    logits = model(x)
    loss = F.cross_entropy(logits.reshape(-1, 30), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step}: loss {loss.item():.4f}")

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class PackedTagger(nn.Module):
    def __init__(self, vocab_size, embed_dim, hidden_dim, num_tags):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, embed_dim, padding_idx=0)
        self.lstm = nn.LSTM(embed_dim, hidden_dim, batch_first=True)
        self.out = nn.Linear(hidden_dim, num_tags)

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(self.embed(tokens), lengths, batch_first=True, enforce_sorted=False)
        packed_out, _ = self.lstm(packed)
        output, _ = pad_packed_sequence(packed_out, batch_first=True)
        return self.out(output)


model = PackedTagger(20, 6, 10, 4)
tokens = torch.tensor([[1, 2, 3, 0], [4, 5, 0, 0], [6, 7, 8, 9]])
lengths = torch.tensor([3, 2, 4])
tags = torch.tensor([[0, 1, 2, -100], [3, 0, -100, -100], [1, 1, 2, 3]])
criterion = nn.CrossEntropyLoss(ignore_index=-100)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(5):
    scores = model(tokens, lengths)
    loss = criterion(scores.view(-1, 4), tags.view(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(loss.item())

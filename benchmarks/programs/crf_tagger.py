import torch
import torch.nn as nn
from torchcrf import CRF


class BiLSTMCRF(nn.Module):
    def __init__(self, vocab_size, num_tags, embedding_dim=16, hidden_dim=20):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim // 2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(hidden_dim, num_tags)
        self.crf = CRF(num_tags, batch_first=True)

    def emissions(self, words):
        output, _ = self.lstm(self.embedding(words))
        return self.fc(output)

    def loss(self, words, tags):
        return -self.crf(self.emissions(words), tags)

    def decode(self, words):
        return self.crf.decode(self.emissions(words))


model = BiLSTMCRF(vocab_size=30, num_tags=5)
words = torch.randint(0, 30, (3, 6))
tags = torch.randint(0, 5, (3, 6))
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for epoch in range(8):
    optimizer.zero_grad()
    loss = model.loss(words, tags)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())
print(model.decode(words))

import torch
import torch.nn as nn

text = "hello world"
chars = sorted(set(text))
char_to_idx = {c: i for i, c in enumerate(chars)}
vocab_size = len(chars)


class CharRNN(nn.Module):
    def __init__(self, vocab_size, embed_size, hidden_size):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.RNN(embed_size, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, vocab_size)

    def forward(self, x, hidden=None):
        out, hidden = self.rnn(self.embedding(x), hidden)
        return self.fc(out), hidden


ids = torch.tensor([char_to_idx[c] for c in text])
inputs = ids[:-1].unsqueeze(0)
targets = ids[1:].unsqueeze(0)

model = CharRNN(vocab_size, 8, 16)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for epoch in range(30):
    logits, _ = model(inputs)
    loss = criterion(logits.view(-1, vocab_size), targets.view(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("final loss", loss.item())

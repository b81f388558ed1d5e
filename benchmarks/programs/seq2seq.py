import torch
import torch.nn as nn


class Encoder(nn.Module):
    def __init__(self, vocab_size, embed_dim, hidden_dim):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.rnn = nn.GRU(embed_dim, hidden_dim, batch_first=True)

    def forward(self, src):
        _, hidden = self.rnn(self.embedding(src))
        return hidden


class Decoder(nn.Module):
    def __init__(self, vocab_size, embed_dim, hidden_dim):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.rnn = nn.GRU(embed_dim, hidden_dim, batch_first=True)
        self.out = nn.Linear(hidden_dim, vocab_size)

    def forward(self, token, hidden):
        output, hidden = self.rnn(self.embedding(token), hidden)
        return self.out(output.squeeze(1)), hidden


class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, src, trg):
        hidden = self.encoder(src)
        outputs = []
        token = trg[:, :1]
        for step in range(1, trg.size(1)):
            logits, hidden = self.decoder(token, hidden)
            outputs.append(logits)
            token = trg[:, step:step + 1]
        return torch.stack(outputs, dim=1)


SRC_VOCAB, TRG_VOCAB = 20, 25
model = Seq2Seq(Encoder(SRC_VOCAB, 12, 24), Decoder(TRG_VOCAB, 12, 24))
src = torch.randint(0, SRC_VOCAB, (4, 6))
trg = torch.randint(0, TRG_VOCAB, (4, 5))
optimizer = torch.optim.Adam(model.parameters())
criterion = nn.CrossEntropyLoss()

for epoch in range(3):
    logits = model(src, trg)
    loss = criterion(logits.reshape(-1, TRG_VOCAB), trg[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    print(epoch, loss.item())

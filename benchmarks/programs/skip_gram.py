import torch
import torch.nn as nn
import torch.nn.functional as F

corpus = "we are about to study the idea of a computational process".split()
vocab = {word: index for index, word in enumerate(sorted(set(corpus)))}
pairs = []
for i, word in enumerate(corpus):
    for j in (i - 1, i + 1):
        if 0 <= j < len(corpus):
            pairs.append((vocab[word], vocab[corpus[j]]))
centers = torch.tensor([center for center, _ in pairs])
contexts = torch.tensor([context for _, context in pairs])


class SkipGram(nn.Module):
    def __init__(self, vocab_size, embedding_dim):
        super().__init__()
        self.in_embed = nn.Embedding(vocab_size, embedding_dim)
        self.out_embed = nn.Embedding(vocab_size, embedding_dim)

    def forward(self, center, context, negatives):
        v = self.in_embed(center)
        positive = (v * self.out_embed(context)).sum(1)
        negative = torch.bmm(self.out_embed(negatives), v.unsqueeze(2)).squeeze(2)
        return -(F.logsigmoid(positive) + F.logsigmoid(-negative).sum(1)).mean()


model = SkipGram(len(vocab), 10)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for epoch in range(10):
    negatives = torch.randint(0, len(vocab), (len(centers), 3))
    loss = model(centers, contexts, negatives)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("loss after training:", loss.item())

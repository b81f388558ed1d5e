import torch
import torch.nn as nn


class SentimentLSTM(nn.Module):
    def __init__(self, vocab_size, embedding_dim, hidden_dim, output_dim, n_layers=2, dropout=0.2):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=0)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, num_layers=n_layers, batch_first=True, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(hidden_dim, output_dim)

    def forward(self, text):
        embedded = self.embedding(text)
        output, (hidden, cell) = self.lstm(embedded)
        return self.fc(self.dropout(hidden[-1]))


model = SentimentLSTM(vocab_size=100, embedding_dim=16, hidden_dim=32, output_dim=2)
reviews = torch.randint(1, 100, (8, 12))
sentiment = torch.randint(0, 2, (8,))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

model.train()
for epoch in range(5):
    optimizer.zero_grad()
    predictions = model(reviews)
    loss = criterion(predictions, sentiment)
    loss.backward()
    optimizer.step()
    print("epoch", epoch, "loss", loss.item())

model.eval()
with torch.no_grad():
    print(model(reviews).argmax(dim=1))

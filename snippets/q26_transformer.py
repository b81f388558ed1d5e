import torch
import torch.nn as nn
import torch.optim as optim
from torchtext.datasets import Multi30k
from torchtext.data import Field, Batch

# 定义模型
class TransformerModel(nn.Module):
    def __init__(self, embed_dim, hidden_dim, num_heads, num_layers, vocab_size):
        super(TransformerModel, self).__init__()
        self.encoder = nn.Embedding(vocab_size, embed_dim)
        self.decoder = nn.Embedding(vocab_size, embed_dim)
        self.transformer = nn.Transformer(embed_dim, hidden_dim, num_heads, num_layers)
        self.fc = nn.Linear(hidden_dim, vocab_size)
        
    def forward(self, src, tgt):
        src = self.encoder(src)
        tgt = self.decoder(tgt)
        output = self.transformer(src, tgt)
        output = self.fc(output)
        return output

# 加载数据集
SRC = Field(tokenize='spacy', tokenizer_language='de', lower=True)
TRG = Field(tokenize='spacy', tokenizer_language='en', lower=True)
train_data, valid_data, test_data = Multi30k.splits(exts=('.de', '.en'), fields=(SRC, TRG))
SRC.build_vocab(train_data, min_freq=2)
TRG.build_vocab(train_data, min_freq=2)

# 实例化模型、损失函数和优化器
embed_dim = 512
hidden_dim = 1024
num_heads = 8
num_layers = 3
vocab_size = len(SRC.vocab)
model = TransformerModel(embed_dim, hidden_dim, num_heads, num_layers, vocab_size)
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

# 训练模型
for epoch in range(10):
    for batch in Batch(train_data, batch_size=64):
        optimizer.zero_grad()
        src, tgt = batch.src, batch.trg
        output = model(src, tgt)
        loss = criterion(output.view(-1, vocab_size), tgt.view(-1))
        loss.backward()
        optimizer.step()

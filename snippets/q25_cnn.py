import torch
import torch.nn as nn
import torch.optim as optim
import torchtext
from torchtext.data import Field, TabularDataset, BucketIterator

# 定义模型
class TextCNNModel(nn.Module):
    def __init__(self, vocab_size, embed_dim, filter_sizes, num_filters, output_dim, dropout=0.5):
        super(TextCNNModel, self).__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.conv = nn.ModuleList([
            nn.Conv2d(in_channels=embed_dim, out_channels=num_filters, kernel_size=(fs, embed_dim)) 
            for fs in filter_sizes])
        self.fc = nn.Linear(len(filter_sizes) * num_filters, output_dim)
        self.dropout = nn.Dropout(dropout)
    
    def forward(self, text):
        embedded = self.embedding(text)
        embedded = embedded.unsqueeze(2)  # (batch_size, sentence_len, 1, embed_dim)
        
        conved = [F.relu(conv(embedded)).squeeze(3) for conv in self.conv]
        pooled = [F.max_pool1d(conv, conv.size(2)).squeeze(2) for conv in conved]
        cat = self.dropout(torch.cat(pooled, dim=1))
        return self.fc(cat)

# 加载数据集
TEXT = Field(tokenize='spacy', tokenizer_language='en_core_web_sm', lower=True)
LABEL = Field(sequential=False)
train_data, test_data = TabularDataset.splits(path='data', train='train.json', test='test.json',
                                             format='json', fields=[('text', TEXT), ('label', LABEL)])
TEXT.build_vocab(train_data, max_size=25000, vectors="glove.6B.100d")
LABEL.build_vocab(train_data)
train_iterator, test_iterator = BucketIterator.splits((train_data, test_data), batch_size=64)

# 实例化模型、损失函数和优化器
vocab_size = len(TEXT.vocab)
embed_dim = 100
filter_sizes = [3, 4, 5]
num_filters = 100
output_dim = len(LABEL.vocab)
model = TextCNNModel(vocab_size, embed_dim, filter_sizes, num_filters, output_dim)
criterion = nn.BCEWithLogitsLoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

# 训练模型
for epoch in range(10):
    for batch in train_iterator:
        optimizer.zero_grad()
        text = batch.text
        labels = batch.label
        predictions = model(text)
        loss = criterion(predictions, labels)
        loss.backward()
        optimizer.step()

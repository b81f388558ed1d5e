import torch
import torch.nn as nn
import torch.optim as optim
import torch.nn.functional as F
import json
import spacy
from collections import Counter
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

# 定义模型
class TextCNNModel(nn.Module):
    def __init__(self, vocab_size, embed_dim, filter_sizes, num_filters, output_dim, dropout=0.5):
        super(TextCNNModel, self).__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.conv = nn.ModuleList([
            nn.Conv2d(in_channels=1, out_channels=num_filters, kernel_size=(fs, embed_dim)) 
            for fs in filter_sizes])
        self.fc = nn.Linear(len(filter_sizes) * num_filters, output_dim)
        self.dropout = nn.Dropout(dropout)
    
    def forward(self, text):
        embedded = self.embedding(text)
        embedded = embedded.unsqueeze(1)  # (batch_size, 1, sentence_len, embed_dim)
        
        conved = [F.relu(conv(embedded)).squeeze(3) for conv in self.conv]
        pooled = [F.max_pool1d(conv, conv.size(2)).squeeze(2) for conv in conved]
        cat = self.dropout(torch.cat(pooled, dim=1))
        return self.fc(cat)

# 加载数据集
spacy_en = spacy.load('en_core_web_sm')

def load_data(path):
    with open(path, encoding='utf-8') as f:
        rows = [json.loads(line) for line in f]
    return [([token.text.lower() for token in spacy_en.tokenizer(row['text'])], row['label']) for row in rows]

def build_vocab(tokens, specials, max_size=None):
    counter = Counter(tokens)
    words = sorted(counter, key=lambda word: (-counter[word], word))  # 按词频降序，同频按字母顺序
    return {word: index for index, word in enumerate(specials + words[:max_size])}

def collate(batch):
    texts = [torch.tensor([text_vocab.get(token, 0) for token in tokens]) for tokens, _ in batch]
    labels = torch.tensor([label_vocab.get(label, 0) for _, label in batch])
    return pad_sequence(texts, batch_first=True, padding_value=text_vocab['<pad>']), labels

train_data, test_data = load_data('data/train.json'), load_data('data/test.json')
text_vocab = build_vocab((token for tokens, _ in train_data for token in tokens), ['<unk>', '<pad>'], max_size=25000)
label_vocab = build_vocab((label for _, label in train_data), ['<unk>'])
train_iterator = DataLoader(train_data, batch_size=64, shuffle=True, collate_fn=collate)
test_iterator = DataLoader(test_data, batch_size=64, collate_fn=collate)

# 实例化模型、损失函数和优化器
vocab_size = len(text_vocab)
embed_dim = 100
filter_sizes = [3, 4, 5]
num_filters = 100
output_dim = len(label_vocab)
model = TextCNNModel(vocab_size, embed_dim, filter_sizes, num_filters, output_dim)
with open('.vector_cache/glove.6B.100d.txt', encoding='utf-8') as f:  # 预训练词向量
    for line in f:
        word, *values = line.rstrip().split(' ')
        if word in text_vocab:
            model.embedding.weight.data[text_vocab[word]] = torch.tensor([float(value) for value in values])
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

# 训练模型
for epoch in range(10):
    for text, labels in train_iterator:
        optimizer.zero_grad()
        predictions = model(text)
        loss = criterion(predictions, labels)
        loss.backward()
        optimizer.step()

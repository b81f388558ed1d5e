import torch
import torch.nn as nn
import torch.optim as optim
import spacy
from collections import Counter
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

# 定义模型
class TransformerModel(nn.Module):
    def __init__(self, embed_dim, hidden_dim, num_heads, num_layers, src_vocab_size, tgt_vocab_size, pad_idx, max_len=512):
        super(TransformerModel, self).__init__()
        self.pad_idx = pad_idx
        self.encoder = nn.Embedding(src_vocab_size, embed_dim)
        self.decoder = nn.Embedding(tgt_vocab_size, embed_dim)
        self.position = nn.Embedding(max_len, embed_dim)
        self.transformer = nn.Transformer(embed_dim, num_heads, num_layers, num_layers, hidden_dim, batch_first=True)
        self.fc = nn.Linear(embed_dim, tgt_vocab_size)
        
    def forward(self, src, tgt):
        src_padding, tgt_padding = src == self.pad_idx, tgt == self.pad_idx
        # 因果掩码：每个位置只能看到自己和之前的位置
        tgt_mask = torch.ones(tgt.size(1), tgt.size(1), dtype=torch.bool, device=tgt.device).triu(1)
        src = self.encoder(src) + self.position(torch.arange(src.size(1), device=src.device))
        tgt = self.decoder(tgt) + self.position(torch.arange(tgt.size(1), device=tgt.device))
        output = self.transformer(src, tgt, tgt_mask=tgt_mask, src_key_padding_mask=src_padding,
                                  tgt_key_padding_mask=tgt_padding, memory_key_padding_mask=src_padding)
        output = self.fc(output)
        return output

# 加载数据集
spacy_de, spacy_en = spacy.load('de_core_news_sm'), spacy.load('en_core_web_sm')

def tokenize(nlp, line):
    return [token.text.lower() for token in nlp.tokenizer(line.strip())]

def load_data(path):
    with open(path + '.de', encoding='utf-8') as src_file, open(path + '.en', encoding='utf-8') as tgt_file:
        return [(tokenize(spacy_de, src), tokenize(spacy_en, tgt)) for src, tgt in zip(src_file, tgt_file)]

def build_vocab(sentences, specials, min_freq):
    counter = Counter(token for sentence in sentences for token in sentence)
    words = sorted(counter, key=lambda word: (-counter[word], word))  # 按词频降序，同频按字母顺序
    return {word: index for index, word in enumerate(specials + [word for word in words if counter[word] >= min_freq])}

def encode(tokens, vocab):
    return torch.tensor([vocab.get(token, vocab['<unk>']) for token in tokens])

def collate(batch):
    src = [encode(src_tokens, src_vocab) for src_tokens, _ in batch]
    tgt = [encode(['<sos>'] + tgt_tokens + ['<eos>'], tgt_vocab) for _, tgt_tokens in batch]
    return pad_sequence(src, batch_first=True, padding_value=pad_idx), pad_sequence(tgt, batch_first=True, padding_value=pad_idx)

train_data = load_data('.data/multi30k/train')
valid_data = load_data('.data/multi30k/val')
test_data = load_data('.data/multi30k/test2016')
src_vocab = build_vocab([src for src, _ in train_data], ['<unk>', '<pad>'], min_freq=2)
tgt_vocab = build_vocab([tgt for _, tgt in train_data], ['<unk>', '<pad>', '<sos>', '<eos>'], min_freq=2)
pad_idx = tgt_vocab['<pad>']  # 在两个词表中编号相同

# 实例化模型、损失函数和优化器
embed_dim = 512
hidden_dim = 1024
num_heads = 8
num_layers = 3
vocab_size = len(tgt_vocab)
model = TransformerModel(embed_dim, hidden_dim, num_heads, num_layers, len(src_vocab), vocab_size, pad_idx)
criterion = nn.CrossEntropyLoss(ignore_index=pad_idx)
optimizer = optim.Adam(model.parameters(), lr=0.001)

# 训练模型
for epoch in range(10):
    for batch in DataLoader(train_data, batch_size=64, shuffle=True, collate_fn=collate):
        optimizer.zero_grad()
        src, tgt = batch
        output = model(src, tgt[:, :-1])  # 输入前面的词，预测下一个词
        loss = criterion(output.view(-1, vocab_size), tgt[:, 1:].reshape(-1))
        loss.backward()
        optimizer.step()

import torch
import torch.nn as nn
from torch.nn import functional as F

# 定义 BERT 模型
class BERTModel(nn.Module):
    def __init__(self, vocab_size, d_model, nhead, num_layers, dff, max_seq_length):
        super(BERTModel, self).__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(max_seq_length, d_model)
        self.transformer_encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(d_model, nhead, dff, batch_first=True), num_layers)
        self.fc = nn.Linear(d_model, 1)

    def forward(self, input_ids, attention_mask=None):
        embedded = self.embedding(input_ids) + self.position(torch.arange(input_ids.size(1), device=input_ids.device))
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        output = self.transformer_encoder(embedded, src_key_padding_mask=attention_mask == 0)
        output = self.fc((output * attention_mask.unsqueeze(-1)).sum(dim=1) / attention_mask.sum(dim=1, keepdim=True))
        return F.sigmoid(output)

# 实例化 BERT 模型
vocab_size = 10000
d_model = 512
nhead = 8
num_layers = 3
dff = 2048
max_seq_length = 512
bert_model = BERTModel(vocab_size, d_model, nhead, num_layers, dff, max_seq_length)

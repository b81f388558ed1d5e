import torch
import torch.nn as nn
from torch.nn import functional as F

# 定义 BERT 模型
class BERTModel(nn.Module):
    def __init__(self, vocab_size, d_model, nhead, num_layers, dff, max_seq_length):
        super(BERTModel, self).__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.transformer_encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(d_model, nhead, dff), num_layers)
        self.fc = nn.Linear(d_model, 1)

    def forward(self, input_ids, attention_mask=None):
        embedded = self.embedding(input_ids)
        if attention_mask is not None:
            embedded = embedded * attention_mask.unsqueeze(-1).to(embedded.dtype)
        output = self.transformer_encoder(embedded)
        output = self.fc(output.mean(dim=1))
        return F.sigmoid(output)

# 实例化 BERT 模型
vocab_size = 10000
d_model = 512
nhead = 8
num_layers = 3
dff = 2048
max_seq_length = 512
bert_model = BERTModel(vocab_size, d_model, nhead, num_layers, dff, max_seq_length)

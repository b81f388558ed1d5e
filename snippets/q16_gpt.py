import torch
import torch.nn as nn
from torch.nn import functional as F

# 定义 GPT 模型
class GPTModel(nn.Module):
    def __init__(self, vocab_size, d_model, nhead, num_layers, dff, max_seq_length):
        super(GPTModel, self).__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.transformer_decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(d_model, nhead, dff), num_layers)
        self.fc = nn.Linear(d_model, vocab_size)

    def forward(self, input_ids, attention_mask=None):
        embedded = self.embedding(input_ids)
        if attention_mask is not None:
            embedded = embedded * attention_mask.unsqueeze(-1).to(embedded.dtype)
        output = self.transformer_decoder(embedded)
        output = self.fc(output.mean(dim=1))
        return F.log_softmax(output, dim=1)

# 实例化 GPT 模型
vocab_size = 10000
d_model = 512
nhead = 8
num_layers = 3
dff = 2048
max_seq_length = 512
gpt_model = GPTModel(vocab_size, d_model, nhead, num_layers, dff, max_seq_length)

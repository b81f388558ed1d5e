import torch
import torch.nn as nn
from torch.nn import functional as F

# 定义 GPT 模型
class GPTModel(nn.Module):
    def __init__(self, vocab_size, d_model, nhead, num_layers, dff, max_seq_length):
        super(GPTModel, self).__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.position_embedding = nn.Embedding(max_seq_length, d_model)
        # GPT 没有编码器，不需要交叉注意力：用带因果掩码的 TransformerEncoder 实现
        self.transformer_decoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(d_model, nhead, dff, batch_first=True), num_layers)
        self.fc = nn.Linear(d_model, vocab_size)

    def forward(self, input_ids, attention_mask=None):
        seq_length = input_ids.size(1)
        positions = torch.arange(seq_length, device=input_ids.device)
        embedded = self.embedding(input_ids) + self.position_embedding(positions)
        # 因果掩码：每个位置只能看到自己和之前的位置
        causal_mask = torch.ones(seq_length, seq_length, dtype=torch.bool, device=input_ids.device).triu(1)
        padding_mask = None if attention_mask is None else attention_mask == 0
        output = self.transformer_decoder(embedded, mask=causal_mask, src_key_padding_mask=padding_mask)
        output = self.fc(output)  # 每个位置预测下一个词
        return F.log_softmax(output, dim=-1)

# 实例化 GPT 模型
vocab_size = 10000
d_model = 512
nhead = 8
num_layers = 3
dff = 2048
max_seq_length = 512
gpt_model = GPTModel(vocab_size, d_model, nhead, num_layers, dff, max_seq_length)

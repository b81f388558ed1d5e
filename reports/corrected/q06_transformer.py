import torch
import torch.nn as nn

# 定义模型
class Transformer(nn.Module):
    def __init__(self, d_model, num_heads, d_ff):
        super(Transformer, self).__init__()
        self.attn = nn.MultiheadAttention(d_model, num_heads, batch_first=True)
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x, mask=None):
        attn_output, attn_output_weights = self.attn(x, x, x, attn_mask=mask)
        x = x + self.dropout(attn_output)
        x = self.norm1(x)
        ffn_output = self.fc2(self.dropout(torch.relu(self.fc1(x))))
        x = x + self.dropout(ffn_output)
        x = self.norm2(x)
        return x, attn_output_weights

# 实例化模型
transformer = Transformer(d_model=512, num_heads=8, d_ff=2048)

# 假设的输入
inputs = torch.randn(64, 10, 512)  # 64个序列，每个序列10个时间步，每个时间步512个特征

# 前向传播
outputs, attn_weights = transformer(inputs, mask=None)

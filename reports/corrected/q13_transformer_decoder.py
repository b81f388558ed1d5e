import torch
import torch.nn as nn
from torch.nn import functional as F

# 定义 Transformer Decoder
class TransformerDecoder(nn.Module):
    def __init__(self, d_model, nhead, dim_feedforward=2048, num_layers=3, dropout=0.1):
        super(TransformerDecoder, self).__init__()
        self.num_layers = num_layers
        self.d_model = d_model
        self.nhead = nhead

        self.layers = nn.ModuleList([nn.TransformerDecoderLayer(d_model, nhead, dim_feedforward, dropout, batch_first=True)
                                     for _ in range(num_layers)])

        self.norm = nn.LayerNorm(d_model)

    def forward(self, tgt, memory, memory_mask=None, tgt_mask=None,
                pos_enc=None, memory_key_padding_mask=None, tgt_key_padding_mask=None):
        # tgt: (batch, 目标长度, d_model)；memory: 编码器的输出 (batch, 源长度, d_model)
        if tgt_mask is None:  # 因果掩码：每个位置只能看到自己和之前的位置
            tgt_mask = torch.ones(tgt.size(1), tgt.size(1), dtype=torch.bool, device=tgt.device).triu(1)
        output = tgt if pos_enc is None else tgt + pos_enc

        for layer in self.layers:
            output = layer(output, memory,
                           memory_mask=memory_mask,
                           tgt_mask=tgt_mask,
                           memory_key_padding_mask=memory_key_padding_mask,
                           tgt_key_padding_mask=tgt_key_padding_mask)

        output = self.norm(output)

        return output

# 实例化 Transformer Decoder
d_model = 512
nhead = 8
transformer_decoder = TransformerDecoder(d_model, nhead)

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

        self.layers = nn.ModuleList([TransformerDecoderLayer(d_model, nhead, dim_feedforward, dropout)
                                     for _ in range(num_layers)])

        self.norm = nn.LayerNorm(d_model)

    def forward(self, src, tgt, memory_mask=None, src_mask=None, tgt_mask=None,
                pos_enc=None, memory_key_padding_mask=None, src_key_padding_mask=None, tgt_key_padding_mask=None):
        output = src

        for layer in self.layers:
            output = layer(output, memory=src,
                           memory_mask=memory_mask,
                           src_mask=src_mask,
                           tgt_mask=tgt_mask,
                           memory_key_padding_mask=memory_key_padding_mask,
                           src_key_padding_mask=src_key_padding_mask,
                           tgt_key_padding_mask=tgt_key_padding_mask,
                           pos_enc=pos_enc)

        output = self.norm(output)

        return output

# 实例化 Transformer Decoder
d_model = 512
nhead = 8
transformer_decoder = TransformerDecoder(d_model, nhead)

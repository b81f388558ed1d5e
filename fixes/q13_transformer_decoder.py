"""A decoder of real decoder layers: it reads the target, attends to the memory and never looks ahead."""

from snipfix.codemods import replace_method, substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q13_transformer_decoder",
    sha256="4a3820358ac72585f2a2a30d05719efbf97738752fb64379ad1ccdbf4918e060",
    answers=(
        "Asks for a simple Transformer decoder for translation. It now decodes the target with a causal mask and attends to the "
        "encoder's output."
    ),
    why=(
        "The layer's class does not exist, the source runs through the decoder as its own memory, the target is never read, and the layers "
        "are handed masks of the source that they do not take."
    ),
    why_zh=("该层的类不存在；源序列把自己当作 memory 走过解码器；目标序列从未被读取；各层收到了它们不接受的源序列掩码。"),
)

FORWARD = """\
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
"""

TRANSFORM = (
    step(
        substitute,
        "[TransformerDecoderLayer(d_model, nhead, dim_feedforward, dropout)\n",
        "[nn.TransformerDecoderLayer(d_model, nhead, dim_feedforward, dropout, batch_first=True)\n",
    ),
    step(replace_method, "TransformerDecoder.forward", FORWARD),
)

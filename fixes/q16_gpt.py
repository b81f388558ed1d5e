"""A language model that knows word order, never looks ahead and predicts the next word at every position."""

from snipfix.codemods import replace_method, substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q16_gpt",
    sha256="26a34852ef972fc75dfc87814b1cec8ff3d212d8164e1ac728d0ada9ddcc3130",
    answers=(
        "Asks for a simple GPT for language generation. It is now causal, has positions and gives log-probabilities for the next word "
        "at every position."
    ),
    why=(
        "A decoder with cross-attention cannot be called without a memory, and GPT has none; positions and the causal mask are missing, "
        "and the mean over time leaves nothing to generate from."
    ),
    why_zh=(
        "带交叉注意力的解码器没有 memory 就无法调用，而 GPT 没有 memory；缺少位置编码和因果掩码；对时间取平均后，就没有可供生成的内容了。"
    ),
)

FORWARD = """\
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
"""

TRANSFORM = (
    step(
        substitute,
        "        self.embedding = nn.Embedding(vocab_size, d_model)\n",
        "        self.embedding = nn.Embedding(vocab_size, d_model)\n"
        "        self.position_embedding = nn.Embedding(max_seq_length, d_model)\n",
    ),
    step(
        substitute,
        "        self.transformer_decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(d_model, nhead, dff), num_layers)\n",
        "        # GPT 没有编码器，不需要交叉注意力：用带因果掩码的 TransformerEncoder 实现\n"
        "        self.transformer_decoder = nn.TransformerEncoder("
        "nn.TransformerEncoderLayer(d_model, nhead, dff, batch_first=True), num_layers)\n",
    ),
    step(replace_method, "GPTModel.forward", FORWARD),
)

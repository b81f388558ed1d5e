"""Words have positions; padding is neither attended to nor counted in the mean."""

from snipfix.codemods import replace_method, substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q15_bert",
    sha256="7e491281a528e8d4f1df0edd3242d7b4158124d6be19c07129a21e2d946d64df",
    answers=(
        "Asks for a simple BERT for text classification. The encoder now reads batches of token ids with positions, ignores padding and "
        "pools over the words that are there."
    ),
    why=(
        "Batch and time are swapped, so that the sentences of a batch attend to each other; word order is lost although max_seq_length is "
        "given for it; zeroed padding still takes part in attention and mean."
    ),
    why_zh=("批次和时间颠倒了，批次中的句子因此互相注意；虽然给出了 max_seq_length，词序却丢失了；置零的填充仍参与注意力和平均。"),
)

FORWARD = """\
def forward(self, input_ids, attention_mask=None):
    positions = torch.arange(input_ids.size(1), device=input_ids.device)
    embedded = self.embedding(input_ids) + self.position_embedding(positions)
    if attention_mask is None:
        attention_mask = torch.ones_like(input_ids)
    output = self.transformer_encoder(embedded, src_key_padding_mask=attention_mask == 0)
    mask = attention_mask.unsqueeze(-1).to(output.dtype)
    output = self.fc((output * mask).sum(dim=1) / mask.sum(dim=1))  # 只对非填充位置求平均
    return F.sigmoid(output)
"""

TRANSFORM = (
    step(
        substitute,
        "        self.embedding = nn.Embedding(vocab_size, d_model)\n",
        "        self.embedding = nn.Embedding(vocab_size, d_model)\n"
        "        self.position_embedding = nn.Embedding(max_seq_length, d_model)\n",
    ),
    step(
        substitute, "nn.TransformerEncoderLayer(d_model, nhead, dff)", "nn.TransformerEncoderLayer(d_model, nhead, dff, batch_first=True)"
    ),
    step(replace_method, "BERTModel.forward", FORWARD),
)

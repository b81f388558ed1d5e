"""A Transformer block: attention over the time steps, then a feed-forward network that is more than one linear layer."""

from snipfix.codemods import substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q06_transformer",
    sha256="5fe552bed58d9b3f55cba7169dbc831665aeda4352bc4417120f1232c19b3a0d",
    answers="a simple Transformer block with self-attention and a feed-forward network: batch first, as the inputs are, with the ReLU of the original paper between the two layers",
    why="The samples attend to each other, the mask is called by another name than forward gives it, and the feed-forward network has no activation. "
    "Rules mend the first two; which activation the author forgot cannot be inferred.",
    why_zh=(
        "样本之间互相注意；掩码的参数名与 forward 的不同；前馈网络没有激活函数。前两处规则可以修复，作者漏写的是哪种激活函数则无法推断。"
    ),
)

TRANSFORM = (
    step(substitute, "nn.MultiheadAttention(d_model, num_heads)", "nn.MultiheadAttention(d_model, num_heads, batch_first=True)"),
    step(substitute, "self.dropout(self.fc1(x))", "self.dropout(torch.relu(self.fc1(x)))"),
    step(substitute, "transformer(inputs, attn_mask=None)", "transformer(inputs, mask=None)"),
)

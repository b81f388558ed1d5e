"""The loss is the negative log-likelihood of the words that are there."""

from snipfix.codemods import substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q19_bert_crf",
    sha256="172659d6bba617a7dd9432063cb9b1825b5fb4b891259d01ed2bc6cb4a6bf614",
    answers=(
        "Asks for a simple BERT + CRF for named entities. Its loss is now the negative log-likelihood, and padding counts neither in the "
        "loss nor in decoding."
    ),
    why=(
        "The loss is a log-likelihood, which training would make small, and the attention mask stops at BERT: padding is scored as if it "
        "were words."
    ),
    why_zh=("损失是对数似然，训练会使它变小；注意力掩码只用到 BERT 为止：填充也像词一样被计分。"),
)

TRANSFORM = (
    step(substitute, "        bert_output = self.bert(", "        mask = attention_mask.bool()\n        bert_output = self.bert("),
    step(
        substitute,
        "loss = self.crf(output, target_ids)",
        "loss = -self.crf(output, target_ids, mask=mask)  # 负对数似然，忽略填充位置",
    ),
    step(substitute, "self.crf.decode(output)", "self.crf.decode(output, mask=mask)"),
)

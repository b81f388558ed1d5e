"""Token ids are embedded, and the loss is the negative log-likelihood of the words that are there."""

from snipfix.codemods import substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q17_lstm_crf",
    sha256="89fc87a6a90d04162cc53b608fe5c63faa8159f067f26ff340136a60079c0c9c",
    answers=(
        "Asks for a simple LSTM + CRF for named entities. It now reads token ids, gives the negative log-likelihood as its loss and can "
        "leave padding out of loss and decoding."
    ),
    why=(
        "The LSTM is fed token ids where it expects vectors, and the loss is a log-likelihood, which training would make small. That an "
        "embedding of the hidden width belongs between, and a mask, is intent."
    ),
    why_zh=("LSTM 需要向量，收到的却是词的编号；损失是对数似然，训练会使它变小。中间应有一个与隐藏层同宽的嵌入层，以及掩码，这属于意图。"),
)

TRANSFORM = (
    step(
        substitute,
        "        self.lstm = nn.LSTM(vocab_size, ",
        "        self.embedding = nn.Embedding(vocab_size, hidden_dim)\n        self.lstm = nn.LSTM(hidden_dim, ",
    ),
    step(substitute, "def forward(self, input_ids, target_ids=None):", "def forward(self, input_ids, target_ids=None, mask=None):"),
    step(substitute, "embedded = input_ids", "embedded = self.embedding(input_ids)"),
    step(
        substitute,
        "loss = self.crf(output, target_ids)",
        "loss = -self.crf(output, target_ids, mask=mask)  # 负对数似然；mask 标出非填充位置",
    ),
    step(substitute, "self.crf.decode(output)", "self.crf.decode(output, mask=mask)"),
)

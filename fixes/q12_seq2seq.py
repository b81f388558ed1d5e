"""The decoder starts from the encoder's states and learns to predict the next word."""

from snipfix.codemods import replace_method, substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q12_seq2seq",
    sha256="0545b8f8e3dcd6d32e2cda507f374cc01f54a21bafc95f55de59cf5fa0bd6238",
    answers=(
        "Asks for a simple Seq2Seq model for translation. Encoder and decoder now read whole sentences, batch first, and are trained "
        "with teacher forcing."
    ),
    why=(
        "One word at a time is fed with batch and time swapped, the encoder's states never reach the decoder, the loss is fed probabilities, "
        "the word to predict is the word given, and gradients pile up. What the loop was meant to be is intent; the states are "
        "concatenated as the author's layer widths say."
    ),
    why_zh=(
        "每次送入一个词，批次和时间却颠倒了；编码器的状态从未传到解码器；损失收到的是概率；要预测的词就是输入的词；梯度不断累积。"
        "循环原本要做什么属于意图；状态按作者给出的层宽拼接。"
    ),
)

FORWARD = """\
def forward(self, input_seq, hidden, cell):
    embedded = self.embedding(input_seq)
    context = hidden[-1].unsqueeze(1).expand(-1, embedded.size(1), -1)  # 每个时间步都看到编码器的最终状态
    input = torch.cat((embedded, context), dim=2)
    output, (hidden, cell) = self.lstm(input, (hidden, cell))
    output = self.fc(output)  # CrossEntropyLoss 需要未归一化的分数
    return output, (hidden, cell)
"""

WORD_BY_WORD = """\
    hidden = None
    cell = None
    for i in range(20):
        output, (hidden, cell) = encoder(input_seq[:, i].unsqueeze(1))
        output, (hidden, cell) = decoder(target_seq[:, i].unsqueeze(1), hidden, cell)
        loss = criterion(output.unsqueeze(0), target_seq[:, i].unsqueeze(1))
        loss.backward()
        optimizer.step()
"""

TEACHER_FORCING = """\
    optimizer.zero_grad()
    _, (hidden, cell) = encoder(input_seq)
    # 教师强制：输入前一个单词，预测后一个单词
    output, (hidden, cell) = decoder(target_seq[:, :-1], hidden, cell)
    loss = criterion(output.flatten(0, 1), target_seq[:, 1:].flatten())
    loss.backward()
    optimizer.step()
"""

TRANSFORM = (
    step(substitute, "nn.LSTM(hidden_dim, hidden_dim)", "nn.LSTM(hidden_dim, hidden_dim, batch_first=True)"),
    step(
        substitute, "nn.LSTM(embedding_dim + hidden_dim, hidden_dim)", "nn.LSTM(embedding_dim + hidden_dim, hidden_dim, batch_first=True)"
    ),
    step(substitute, "        self.sm = nn.Softmax(dim=1)\n", ""),
    step(replace_method, "Decoder.forward", FORWARD),
    step(substitute, WORD_BY_WORD, TEACHER_FORCING),
)

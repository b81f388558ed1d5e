import torch
import torch.nn as nn
import torch.optim as optim

# 定义编码器
class Encoder(nn.Module):
    def __init__(self, input_dim, hidden_dim):
        super(Encoder, self).__init__()
        self.hidden_dim = hidden_dim
        self.embedding = nn.Embedding(input_dim, hidden_dim)
        self.lstm = nn.LSTM(hidden_dim, hidden_dim, batch_first=True)

    def forward(self, input_seq):
        embedded = self.embedding(input_seq)
        output, (hidden, cell) = self.lstm(embedded)
        return output, (hidden, cell)

# 定义解码器
class Decoder(nn.Module):
    def __init__(self, hidden_dim, output_dim, embedding_dim):
        super(Decoder, self).__init__()
        self.hidden_dim = hidden_dim
        self.output_dim = output_dim
        self.embedding = nn.Embedding(output_dim, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim + hidden_dim, hidden_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, output_dim)

    def forward(self, input_seq, hidden, cell):
        embedded = self.embedding(input_seq)
        context = hidden[-1].unsqueeze(1).expand(-1, embedded.size(1), -1)  # 每个时间步都看到编码器的最终状态
        input = torch.cat((embedded, context), dim=2)
        output, (hidden, cell) = self.lstm(input, (hidden, cell))
        output = self.fc(output)  # CrossEntropyLoss 需要未归一化的分数
        return output, (hidden, cell)

# 实例化模型、损失函数和优化器
encoder = Encoder(input_dim=10000, hidden_dim=256)
decoder = Decoder(hidden_dim=256, output_dim=10000, embedding_dim=256)
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(list(encoder.parameters()) + list(decoder.parameters()), lr=0.001)

# 假设的输入和目标序列
input_seq = torch.randint(0, 10000, (64, 20))  # 64个输入序列，每个序列20个单词
target_seq = torch.randint(0, 10000, (64, 20))  # 64个目标序列，每个序列20个单词

# 训练模型
for epoch in range(100):
    optimizer.zero_grad()
    _, (hidden, cell) = encoder(input_seq)
    # 教师强制：输入前一个单词，预测后一个单词
    output, (hidden, cell) = decoder(target_seq[:, :-1], hidden, cell)
    loss = criterion(output.flatten(0, 1), target_seq[:, 1:].flatten())
    loss.backward()
    optimizer.step()

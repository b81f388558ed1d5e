import torch
import torch.nn as nn
import torch.optim as optim

# 定义模型
class SequenceLabeler(nn.Module):
    def __init__(self, vocab_size, hidden_dim, label_size):
        super(SequenceLabeler, self).__init__()
        self.embedding = nn.Embedding(vocab_size, hidden_dim)
        self.lstm = nn.LSTM(hidden_dim, hidden_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, label_size)
        self.loss_fn = nn.CrossEntropyLoss()

    def forward(self, input_ids, target_ids):
        embedded = self.embedding(input_ids)
        lstm_output, (h_n, c_n) = self.lstm(embedded)
        output = self.fc(lstm_output[:, -1, :])
        loss = self.loss_fn(output, target_ids)
        return loss

# 实例化模型、优化器和数据集
vocab_size = 10000
hidden_dim = 128
label_size = 3
model = SequenceLabeler(vocab_size, hidden_dim, label_size)
optimizer = optim.Adam(model.parameters(), lr=0.001)

# 假设的输入和标签
input_ids = torch.randint(0, vocab_size, (64, 20))  # 64个序列，每个序列20个单词
target_ids = torch.randint(0, label_size, (64,))

# 训练模型
for epoch in range(100):
    optimizer.zero_grad()
    loss = model(input_ids, target_ids)
    loss.backward()
    optimizer.step()

import torch
import torch.nn as nn
import torch.optim as optim

# 定义模型
class TimeSeriesClassifier(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super(TimeSeriesClassifier, self).__init__()
        self.lstm = nn.LSTM(input_dim, hidden_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, output_dim)
        self.loss_fn = nn.CrossEntropyLoss()

    def forward(self, input_seqs, target_seqs):
        lstm_output, (h_n, c_n) = self.lstm(input_seqs)
        output = self.fc(lstm_output[:, -1, :])
        loss = self.loss_fn(output, target_seqs)
        return loss

# 实例化模型、优化器和数据集
input_dim = 10
hidden_dim = 128
output_dim = 3
model = TimeSeriesClassifier(input_dim, hidden_dim, output_dim)
optimizer = optim.Adam(model.parameters(), lr=0.001)

# 假设的输入和标签
input_seqs = torch.randn(64, 20, 10)  # 64个时间序列，每个序列20个时间步，每个时间步10个特征
target_seqs = torch.randint(0, output_dim, (64,))

# 训练模型
for epoch in range(100):
    optimizer.zero_grad()
    loss = model(input_seqs, target_seqs)
    loss.backward()
    optimizer.step()

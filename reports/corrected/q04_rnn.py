import torch
import torch.nn as nn
import torch.optim as optim

# 定义模型
class RNN(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super(RNN, self).__init__()
        self.rnn = nn.RNN(input_dim, hidden_dim, num_layers=1, batch_first=True)
        self.fc = nn.Linear(hidden_dim, output_dim)

    def forward(self, x, hidden):
        out, hidden = self.rnn(x, hidden)
        out = self.fc(out[:, -1, :])
        return out, hidden

# 实例化模型、损失函数和优化器
model = RNN(input_dim=10, hidden_dim=20, output_dim=3)
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

# 假设的输入和隐藏状态
inputs = torch.randn(64, 10, 10)  # 64个序列，每个序列10个时间步
hidden = torch.randn(1, 64, 20)  # 隐藏状态

# 训练模型
for epoch in range(100):
    hidden = hidden.detach()
    optimizer.zero_grad()
    outputs, hidden = model(inputs, hidden)
    loss = criterion(outputs, torch.randint(0, 3, (64,)))
    loss.backward()
    optimizer.step()

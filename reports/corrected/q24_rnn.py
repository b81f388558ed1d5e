import torch
import torch.nn as nn
import torch.optim as optim

# 定义模型
class RNNModel(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super(RNNModel, self).__init__()
        self.rnn = nn.RNN(input_dim, hidden_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, output_dim)
    
    def forward(self, x):
        rnn_output, _ = self.rnn(x)
        output = self.fc(rnn_output[:, -1, :])
        return output

# 实例化模型、损失函数和优化器
input_dim = 100
hidden_dim = 128
output_dim = 10
model = RNNModel(input_dim, hidden_dim, output_dim)
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

# 假设的输入和标签
inputs = torch.randn(64, 20, 100)  # 64个序列，每个序列20个时间步，每个时间步100个特征
labels = torch.randint(0, 10, (64,))

# 训练模型
for epoch in range(10):
    optimizer.zero_grad()
    outputs = model(inputs)
    loss = criterion(outputs, labels)
    loss.backward()
    optimizer.step()

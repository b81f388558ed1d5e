import torch
import torch.nn as nn
import torch.optim as optim

# 定义编码器
class Encoder(nn.Module):
    def __init__(self, input_dim, hidden_dim):
        super(Encoder, self).__init__()
        self.fc1 = nn.Linear(input_dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, hidden_dim // 2)
        self.fc3 = nn.Linear(hidden_dim // 2, hidden_dim // 4)

    def forward(self, x):
        x = self.fc1(x)
        x = self.fc2(x)
        x = self.fc3(x)
        return x

# 定义解码器
class Decoder(nn.Module):
    def __init__(self, hidden_dim, output_dim):
        super(Decoder, self).__init__()
        self.fc1 = nn.Linear(hidden_dim // 4, hidden_dim // 4)
        self.fc2 = nn.Linear(hidden_dim // 4, hidden_dim // 2)
        self.fc3 = nn.Linear(hidden_dim // 2, output_dim)

    def forward(self, x):
        x = self.fc1(x)
        x = self.fc2(x)
        x = self.fc3(x)
        return x

# 实例化模型、损失函数和优化器
encoder = Encoder(input_dim=784, hidden_dim=100)
decoder = Decoder(hidden_dim=100, output_dim=784)
criterion = nn.MSELoss()
optimizer = optim.Adam(list(encoder.parameters()) + list(decoder.parameters()), lr=0.001)

# 假设的输入数据
x = torch.randn(64, 784)  # 64个样本

# 训练模型
for epoch in range(100):
    optimizer.zero_grad()
    z = encoder(x)
    x_hat = decoder(z)
    loss = criterion(x_hat, x)
    loss.backward()
    optimizer.step()

import torch
import torch.nn as nn

# 生成器：把噪声变成样本
class Generator(nn.Module):
    def __init__(self, noise_dim, data_dim):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(noise_dim, 32), nn.ReLU(), nn.Linear(32, data_dim))

    def forward(self, z):
        return self.net(z)


# 判别器：输出样本为真的概率
class Discriminator(nn.Module):
    def __init__(self, data_dim):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(data_dim, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1), nn.Sigmoid())

    def forward(self, x):
        return self.net(x)


noise_dim, data_dim, batch_size = 4, 2, 16
G = Generator(noise_dim, data_dim)
D = Discriminator(data_dim)
criterion = nn.BCELoss()
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3)
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3)

for step in range(6):
    real = torch.randn(batch_size, data_dim) * 0.5 + 3
    fake = G(torch.randn(batch_size, noise_dim))
    ones = torch.ones(batch_size, 1)
    zeros = torch.zeros(batch_size, 1)

    # 训练判别器
    d_loss = criterion(D(real), ones) + criterion(D(fake.detach()), zeros)
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    # 训练生成器
    g_loss = criterion(D(fake), ones)
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    print(step, round(d_loss.item(), 4), round(g_loss.item(), 4))

import torch
import torch.nn as nn
import torch.optim as optim

# 定义生成器
class Generator(nn.Module):
    def __init__(self, z_dim, img_size):
        super(Generator, self).__init__()
        self.fc = nn.Linear(z_dim, img_size * img_size * 1 * 1)
        self.init_size = img_size // 4  # 两次上采样：7 -> 14 -> 28
        self.conv_transpose_1 = nn.ConvTranspose2d(16, 32, kernel_size=4, stride=2, padding=1)
        self.conv_transpose_2 = nn.ConvTranspose2d(32, 16, kernel_size=4, stride=2, padding=1)
        self.conv_transpose_3 = nn.ConvTranspose2d(16, 3, kernel_size=3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, z):
        x = self.fc(z)
        x = x.view(x.size(0), 16, self.init_size, self.init_size)
        x = self.relu(self.conv_transpose_1(x))
        x = self.relu(self.conv_transpose_2(x))
        x = self.conv_transpose_3(x)
        x = torch.sigmoid(x)
        return x

# 定义判别器
class Discriminator(nn.Module):
    def __init__(self, img_size):
        super(Discriminator, self).__init__()
        self.conv_1 = nn.Conv2d(3, 32, kernel_size=4, stride=2)
        self.conv_2 = nn.Conv2d(32, 64, kernel_size=4, stride=2)
        self.fc = nn.Linear(64 * 5 * 5, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.conv_1(x))
        x = self.relu(self.conv_2(x))
        x = x.view(x.size(0), -1)
        x = self.fc(x)
        x = torch.sigmoid(x)
        return x

# 实例化模型、损失函数和优化器
z_dim = 100
img_size = 28
generator = Generator(z_dim, img_size)
discriminator = Discriminator(img_size)
criterion = nn.BCELoss()
g_optimizer = optim.Adam(generator.parameters(), lr=0.0002)
d_optimizer = optim.Adam(discriminator.parameters(), lr=0.0002)

# 假设的噪声和真实图像
z = torch.randn(64, 100)
real_images = torch.randn(64, 3, 28, 28)

# 训练模型
for epoch in range(100):
    # 训练判别器
    d_optimizer.zero_grad()
    fake_images = generator(z)
    d_real = discriminator(real_images)
    d_fake = discriminator(fake_images.detach())  # 不更新生成器
    d_loss = -(torch.mean(torch.log(d_real)) + torch.mean(torch.log(1. - d_fake)))
    d_loss.backward()
    d_optimizer.step()

    # 训练生成器
    g_optimizer.zero_grad()
    fake_images = generator(z)
    d_fake = discriminator(fake_images)
    g_loss = -torch.mean(torch.log(d_fake))
    g_loss.backward()
    g_optimizer.step()

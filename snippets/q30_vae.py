import torch
import torch.nn as nn
import torch.optim as optim
import torchvision.transforms as transforms
import torchvision.datasets as datasets

# 定义模型
class VAE(nn.Module):
    def __init__(self, input_dim, hidden_dim, latent_dim):
        super(VAE, self).__init__()
        self.encoder = nn.Sequential(
            nn.Linear(input_dim, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, latent_dim * 2)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, input_dim),
            nn.Sigmoid(),
        )
    
    def encode(self, x):
        x = self.encoder(x)
        mu, log_sigma = torch.chunk(x, 2, dim=1)
        sigma = torch.exp(0.5 * log_sigma)
        return mu, sigma
    
    def reparameterize(self, mu, sigma):
        std = torch.randn_like(sigma)
        return mu + std * sigma
    
    def decode(self, z):
        z = self.decoder(z)
        return z
    
    def forward(self, x):
        mu, sigma = self.encode(x)
        z = self.reparameterize(mu, sigma)
        x_hat = self.decode(z)
        return x_hat, mu, sigma

# 实例化模型、损失函数和优化器
input_dim = 784
hidden_dim = 400
latent_dim = 20
model = VAE(input_dim, hidden_dim, latent_dim)
criterion = nn.BCELoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

# 加载数据集
transform = transforms.Compose([transforms.ToTensor()])
train_dataset = datasets.MNIST(root='./data', train=True, transform=transform, download=True)
train_loader = torch.utils.data.DataLoader(dataset=train_dataset, batch_size=64, shuffle=True)

# 训练模型
for epoch in range(100):
    for inputs, _ in train_loader:
        optimizer.zero_grad()
        x_hat, mu, sigma = model(inputs)
        reconstruction_loss = criterion(x_hat, inputs)
        kl_div_loss = -0.5 * torch.sum(1 + log_sigma - mu ** 2 - sigma ** 2)
        loss = reconstruction_loss + kl_div_loss
        loss.backward()
        optimizer.step()

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
        mu, log_var = torch.chunk(x, 2, dim=1)  # 均值和方差的对数
        return mu, log_var
    
    def reparameterize(self, mu, log_var):
        sigma = torch.exp(0.5 * log_var)
        return mu + torch.randn_like(sigma) * sigma
    
    def decode(self, z):
        z = self.decoder(z)
        return z
    
    def forward(self, x):
        mu, log_var = self.encode(x)
        z = self.reparameterize(mu, log_var)
        x_hat = self.decode(z)
        return x_hat, mu, log_var

# 实例化模型、损失函数和优化器
input_dim = 784
hidden_dim = 400
latent_dim = 20
model = VAE(input_dim, hidden_dim, latent_dim)
criterion = nn.BCELoss(reduction='sum')  # 与 KL 项同一尺度
optimizer = optim.Adam(model.parameters(), lr=0.001)

# 加载数据集
transform = transforms.Compose([transforms.ToTensor()])
train_dataset = datasets.MNIST(root='./data', train=True, transform=transform, download=True)
train_loader = torch.utils.data.DataLoader(dataset=train_dataset, batch_size=64, shuffle=True)

# 训练模型
for epoch in range(100):
    for inputs, _ in train_loader:
        inputs = inputs.view(inputs.size(0), -1)  # 展平
        optimizer.zero_grad()
        x_hat, mu, log_var = model(inputs)
        reconstruction_loss = criterion(x_hat, inputs)
        kl_div_loss = -0.5 * torch.sum(1 + log_var - mu ** 2 - torch.exp(log_var))
        loss = reconstruction_loss + kl_div_loss
        loss.backward()
        optimizer.step()

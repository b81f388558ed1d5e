import torch
import torch.nn as nn


class DCGenerator(nn.Module):
    def __init__(self, z_dim=16, channels=1, features=8):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(z_dim, features * 4, 4, 1, 0, bias=False),
            nn.BatchNorm2d(features * 4),
            nn.ReLU(True),
            nn.ConvTranspose2d(features * 4, features * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(features * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(features * 2, channels, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.main(z)


class DCDiscriminator(nn.Module):
    def __init__(self, channels=1, features=8):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, features, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(features, features * 2, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(features * 2, 1, 4, 1, 0),
        )

    def forward(self, x):
        return self.main(x).view(-1)


z = torch.randn(4, 16, 1, 1)
fake = DCGenerator()(z)
print(fake.shape)
scores = DCDiscriminator()(fake)
print(scores.shape, scores.mean().item())

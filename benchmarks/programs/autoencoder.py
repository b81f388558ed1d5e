import torch
import torch.nn as nn


class Autoencoder(nn.Module):
    """Squeezes a flat image into a short code and back."""

    def __init__(self, input_dim=784, hidden_dim=64, code_dim=8):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(input_dim, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, code_dim),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code_dim, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, input_dim),
            nn.Sigmoid(),
        )

    def forward(self, x):
        code = self.encoder(x)
        return self.decoder(code)


model = Autoencoder()
# check
torch.manual_seed(1)
m = Autoencoder(20, 10, 4)
print(m(torch.rand(5, 20)).detach())
print(model(torch.rand(2, 784)).sum().item())

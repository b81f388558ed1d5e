import torch
from torch import nn

torch.manual_seed(3)

encoder = nn.Sequential(
    nn.Conv2d(3, 8, 3, stride=2, padding=1),   # 16x16 -> 8x8
    nn.ReLU(),
    nn.Conv2d(8, 16, 3, stride=2, padding=1),  # 8x8 -> 4x4
    nn.ReLU(),
)
decoder = nn.Sequential(
    nn.ConvTranspose2d(16, 8, 2, stride=2),
    nn.ReLU(),
    nn.ConvTranspose2d(8, 3, 2, stride=2),
    nn.Sigmoid(),
)
pictures = torch.rand(12, 3, 16, 16)
parameters = list(encoder.parameters()) + list(decoder.parameters())
optimizer = torch.optim.Adam(parameters, lr=0.01)

for i in range(8):
    restored = decoder(encoder(pictures))
    loss = nn.functional.mse_loss(restored, pictures)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(i, loss.item())

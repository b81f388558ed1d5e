import torch
import torch.nn as nn


def double_conv(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.down1 = double_conv(3, 8)
        self.down2 = double_conv(8, 16)
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ConvTranspose2d(16, 8, kernel_size=2, stride=2)
        self.up1 = double_conv(16, 8)
        self.last = nn.Conv2d(8, n_classes, 1)

    def forward(self, x):
        skip = self.down1(x)
        x = self.down2(self.pool(skip))
        x = self.up(x)
        x = torch.cat([x, skip], dim=1)
        return self.last(self.up1(x))


model = UNet(n_classes=2)
images = torch.randn(2, 3, 16, 16)
masks = torch.randint(0, 2, (2, 16, 16))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for i in range(3):
    out = model(images)
    loss = criterion(out, masks)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("iteration", i, "loss", loss.item())

import torch
import torch.nn as nn


class PatchEmbedding(nn.Module):
    def __init__(self, image_size, patch_size, in_channels, dim):
        super().__init__()
        self.num_patches = (image_size // patch_size) ** 2
        self.proj = nn.Conv2d(in_channels, dim, kernel_size=patch_size, stride=patch_size)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class ViT(nn.Module):
    def __init__(self, image_size=16, patch_size=4, in_channels=3, dim=16, depth=2, heads=2, num_classes=5):
        super().__init__()
        self.patches = PatchEmbedding(image_size, patch_size, in_channels, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, self.patches.num_patches + 1, dim))
        layer = nn.TransformerEncoderLayer(d_model=dim, nhead=heads, dim_feedforward=32, dropout=0.0, batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, num_layers=depth)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, x):
        x = self.patches(x)
        cls = self.cls_token.expand(x.shape[0], -1, -1)
        x = torch.cat((cls, x), dim=1) + self.pos_embed
        x = self.blocks(x)
        return self.head(x[:, 0])


vit = ViT()
images = torch.randn(4, 3, 16, 16)
labels = torch.tensor([0, 1, 2, 3])
optimizer = torch.optim.AdamW(vit.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(3):
    loss = criterion(vit(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"Epoch [{epoch + 1}/3], Loss: {loss.item():.4f}")
